"""A crawl whose frontier is in Redis: the manager seeds, watches and writes the catalog there.

Workers, ours too, lease straight from Redis. The manager may die and be started anywhere: what it
needs is in Redis and in the segments (manager/harvest.py).
"""

import os
import secrets
import shlex
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from bowerbird._version import __version__
from bowerbird.app.bucket import SPOOLS, here
from bowerbird.app.children import COMMAND, Children
from bowerbird.app.crawl import Order, Site
from bowerbird.app.engines import (
    RedisTarget,
    engine_address,
    job_to_post,
    tls_options,
    with_user,
)
from bowerbird.app.entries import fate_of
from bowerbird.app.far import Errand
from bowerbird.app.folder import Folder
from bowerbird.app.homing import SETTLE_S, segments_of
from bowerbird.app.invitation import rights_for
from bowerbird.app.job import StoredJob, store_job
from bowerbird.catalog import Fate, Totals
from bowerbird.clock import SystemClock
from bowerbird.errors import (
    BowerbirdError,
    ConnectionLostError,
    FolderInUseError,
    StorageFullError,
    UsageError,
)
from bowerbird.frontier.base import Frontier
from bowerbird.frontier.redis.address import RedisAddress
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.redis.leaving import leave_hosts
from bowerbird.frontier.redis.register import BACKLOG, CATALOG_S, Chain, Manager, Posted, Register
from bowerbird.frontier.rules import rules_of
from bowerbird.manager.chronicle import Chronicle
from bowerbird.manager.harvest import Harvest, caught_up
from bowerbird.manager.supervisor import Supervisor
from bowerbird.model import Filter, Results, State, Task
from bowerbird.settings import Job
from bowerbird.store.segments import Segments, folder_of

T = TypeVar("T")

#: A Redis that is away is asked again after this, in seconds.
AGAIN_S = 0.5
#: How often it is looked whether another manager has gone, in seconds.
LOOK_EVERY_S = 0.2
#: What passes by itself, or when somebody sees to Redis.
_PASSING = (ConnectionLostError, StorageFullError)


class Cluster:
    """A crawl in Redis of which we are the manager, from when it is entered."""

    def __init__(self, engine: str, folder: Folder, order: Order) -> None:
        """Connects when it is entered. Raises UsageError where the address is none."""
        self.address = engine_address(engine, order.access)
        self._register = Register(self.address)
        self._said = order.said
        self._me = Manager(
            machine=os.uname().nodename, pid=os.getpid(), folder=str(folder),
            id=secrets.token_hex(4),
        )  # fmt: skip
        self._chain: Chain
        self._posted: Posted | None = None  # by the manager before
        self._is_new = False  # nothing was posted before us

    def __str__(self) -> str:
        return str(self.address)

    def __enter__(self) -> Self:
        """Take the catalog.

        Raises:
            FolderInUseError: another manager has it.
            UsageError: it is to be divided into another number of partitions than is there.
            ConnectionLostError: nothing answers there.
        """
        self._register.divide()
        self._chain = self._claimed()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(BowerbirdError):
            self._leave()
        self._register.close()

    def _leave(self) -> None:
        """Give the catalog away. What was refused before it began leaves nothing: a name without a
        crawl could not be dropped, and would fix partitions for good."""
        if self._is_new and not self._register.has_frontier():
            self._register.forget(self._chain.fence)
        else:
            self._register.leave(self._chain.fence)

    def _claimed(self) -> Chain:
        """The catalog; one whose manager is silent is waited for, one that is alive is not."""
        until, told = self._register.until(), False
        while isinstance(found := self._register.claim_with_lock(self._me), Manager):
            if self._register.until() > until:
                raise FolderInUseError(
                    f"The crawl at {self} has a manager already: {found}. `bowerbird status` shows "
                    "it, `bowerbird stop` ends it."
                )
            if not told:
                self._said(f"The crawl had a manager: {found}. Waiting up to {CATALOG_S:g} s "
                           "for a sign of it.")  # fmt: skip
            told = True
            time.sleep(LOOK_EVERY_S)
        return found

    def stored(self) -> StoredJob | None:
        """The job that was posted for this crawl; None where it is new."""
        self._posted = posted = self._register.posted()
        self._is_new = posted is None
        if posted is None and self._register.has_frontier():
            raise UsageError(
                f"{self} holds a crawl that was not begun by a manager; name another ?crawl=NAME."
            )
        if posted is None:
            return None
        job = posted.job
        return StoredJob(
            name=job.name, start_urls=job.start_urls, engine=str(self), store=job.store,
            settings=msgspec.to_builtins(job.settings),
        )  # fmt: skip

    # Open.

    @contextmanager
    def site(self, order: Order, folder: Folder, job: Job, count: int) -> Iterator[Site]:
        """The engine and workers of this machine, until the block ends."""
        segments = segments_of(folder, job)
        chronicle = Chronicle(folder.database)
        children = Children(lambda: _errand(self.address, job))
        supervisor = Supervisor(COMMAND, count, SystemClock(), children.spawn)
        try:
            store_job(folder, job, with_user(self.address))
            with suppress(FileNotFoundError):
                here(folder.path, job.store).sweep()
            with self._engine(job, order, chronicle, segments, children) as engine:
                order.said(f"Workers join with: {_command(self.address, job)}")
                supervisor.start()
                yield Site(engine, supervisor)
        finally:
            supervisor.kill()
            children.join()
            chronicle.close()

    @contextmanager
    def _engine(
        self, job: Job, order: Order, chronicle: Chronicle, segments: Segments, children: Children
    ) -> "Iterator[ClusterEngine]":
        chain = caught_up(self._chain, segments, chronicle, self._register, self._lost(segments))
        backlog = order.backlog or BACKLOG
        self._register.post(
            Posted(
                job=msgspec.structs.replace(job_to_post(job, self.address), version=__version__),
                backlog=backlog, folder=self._me.folder, machine=self._me.machine,
            )
        )  # fmt: skip
        frontier = RedisFrontier(self.address, rules_of(job.settings))
        for warning in frontier.warnings():
            order.said(f"warning: {warning}")
        # What a folder holds may be lost with it, what is in a bucket may not.
        spare = 0 if job.store else backlog // 2
        harvest = Harvest(frontier, self._register, chain, segments, chronicle, job.name, spare)
        engine = ClusterEngine(frontier, harvest, chronicle, children, order.said)
        harvest.start()
        try:
            yield engine
        finally:
            harvest.finish(0.0)
            with suppress(BowerbirdError):
                _leave_if_over(frontier)
            frontier.close()

    def _lost(self, segments: Segments) -> str:
        posted = self._posted
        where = f"{posted.folder} on {posted.machine}" if posted else "another folder"
        return (
            f"Much of the catalog of {self} is in segments that are not in {segments}, and in "
            f"Redis no more. The last manager worked in {where}: start this one there, or copy "
            f"{folder_of(posted.job.name if posted else 'NAME')} from there. (With -o s3://… the "
            "segments are in the bucket, and any machine will do.)"
        )


def _leave_if_over(frontier: RedisFrontier) -> None:
    """A crawl that a limit has ended has tasks left, and hosts that they bind."""
    stats = frontier.stats()
    if stats.state is State.ENDED and stats.skipped:
        leave_hosts(frontier.partitions)


def _command(address: RedisAddress, job: Job) -> str:
    """The line to paste on other machines."""
    store = ("-o", job.store) if job.store else ()
    options = (*tls_options(address), *store, *rights_for(job))
    return shlex.join(("bowerbird", "worker", with_user(address), *options))


def _errand(address: RedisAddress, job: Job) -> Errand:
    """What a worker of this machine is told."""
    spools = str(Path(job.folder) / SPOOLS) if job.store else ""
    return Errand(
        target=RedisTarget(redis=address, own=job), folder="" if job.store else job.folder,
        spools=spools, own=True,
    )  # fmt: skip


class ClusterEngine:
    """A frontier in Redis, and the catalog that is made of its results. The face of `Engine`."""

    recovered: tuple[str, ...] = ()
    refusals = 0  #: the disk of this machine refuses nobody a call

    def __init__(
        self, frontier: RedisFrontier, harvest: Harvest, chronicle: Chronicle, children: Children,
        said: Callable[[str], None],
    ) -> None:  # fmt: skip
        """Take the crawl up again, from whatever state but a pause."""
        self._frontier, self._harvest = frontier, harvest
        self._chronicle, self._children, self._said = chronicle, children, said
        self._away = threading.Lock()  # held by who waits for Redis, and says so
        self.gives_up: Callable[[], bool] = lambda: False
        frontier.begin_seeds()
        if frontier.stats().state is not State.PAUSED:
            frontier.resume()
        self.before = frontier.stats()

    def call(self, function: Callable[[Frontier], T]) -> "Future[T]":
        """Call the frontier, at once."""
        future = Future[T]()
        try:
            future.set_result(self._patiently(lambda: function(self._frontier)))
        except _PASSING:  # in the run's thread alone: Ctrl-C ends the waiting
            raise KeyboardInterrupt from None
        return future

    def _patiently(self, call: Callable[[], T]) -> T:
        """Call Redis, again and again while it is away or full: all our calls bear that."""
        told = False
        while True:
            try:
                self._check()
                result = call()
            except _PASSING as error:
                if self.gives_up():
                    raise
                told = told or self._say_of_absence(error)
                time.sleep(AGAIN_S)
            else:
                if told:
                    self._said("Redis is back: going on.")
                    self._away.release()
                return result

    def _say_of_absence(self, error: BowerbirdError) -> bool:
        """Whether it fell to us to say it."""
        if not self._away.acquire(blocking=False):
            return False
        self._said(f"{error} Waiting for it, workers keep what they have; Ctrl-C ends that.")
        return True

    def _check(self) -> None:
        """Say what workers told; raises what ends a crawl, or has it wait: where the frontier has
        nothing to write for us, only who keeps the catalog hears that Redis is full."""
        if trouble := self._harvest.error or self._harvest.full:
            raise trouble
        for note in self._children.notes():
            self._said(note)
        self._children.check()

    def make_room(self) -> None:
        """Nothing to do."""

    def part(self) -> None:
        """Nothing to do: the workers' silence tells the engine, and a death is no attempt."""

    def lacks_readers(self) -> bool:
        """No clients of the standard library come here."""
        return False

    def notes(self) -> list[str]:
        """What there is to be said of results that are not home yet."""
        trouble = self._harvest.trouble
        return [f"Not all results are in the catalog: {trouble}"] if trouble else []

    def add(self, tasks: Sequence[Task], last: bool) -> int:
        """Add seeds; `last` marks that these are all."""
        return self._patiently(lambda: self._frontier.add(tasks, seeds_complete=last))

    def lost_seeds(self) -> bool:
        """Whether a part of Redis has failed and may have lost seeds: the crawl does not end before
        all have been added again."""
        if not self._patiently(self._frontier.lacks_seeds):
            return False
        self._said("A part of Redis has failed and may have lost something: what the crawl began "
                   "with is added again.")  # fmt: skip
        self._patiently(self._frontier.begin_seeds)
        return True

    def settle(self) -> None:
        """Have all results in the catalog."""
        self._harvest.finish(SETTLE_S)
        if self._harvest.error is not None:
            raise self._harvest.error

    def results(self, cursor: str) -> Results:
        """What came into the catalog after a cursor."""
        return self._chronicle.results(cursor)

    def fate_of(self, urls: Sequence[str]) -> Iterator[str]:
        """Which start URLs redirected to another host or could not be fetched, a line each."""
        return fate_of(self._chronicle.detours(), urls)

    def fates(self, urls: Sequence[str]) -> Mapping[str, Fate]:
        """How those of these URLs have ended that have."""
        return self._chronicle.fates(urls)

    def try_again(self, url: str) -> None:
        """A URL that is dead is to be fetched once more."""
        self._patiently(lambda: self._frontier.requeue(Filter(url=url)))

    def totals(self) -> Totals:
        """Counts over the whole catalog."""
        return self._chronicle.totals()
