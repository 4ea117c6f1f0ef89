"""A worker process: its parts put together, and its life."""

import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bowerbird._version import __version__
from bowerbird.app.descriptors import within_limit
from bowerbird.clock import SystemClock
from bowerbird.errors import BowerbirdError, ConnectionLostError, StorageFullError
from bowerbird.fetch import Fetcher, Guard, limits_of
from bowerbird.frontier.base import Frontier
from bowerbird.frontier.remote import RemoteFrontier
from bowerbird.images import make_decoder
from bowerbird.images.lanes import PATIENCE_S as DECODER_BUSY_S
from bowerbird.model import Kind, Outcome, WorkerInfo
from bowerbird.settings import Job
from bowerbird.store import FileStore
from bowerbird.worker.ask import Asker
from bowerbird.worker.durable import Durable
from bowerbird.worker.judge import Judge
from bowerbird.worker.keep import Keeper
from bowerbird.worker.link import NO_ROOM_S, Link
from bowerbird.worker.links import Admission, Finder
from bowerbird.worker.loop import GRACE_S, Loop
from bowerbird.worker.member import Member
from bowerbird.worker.read import Reader
from bowerbird.worker.traps import Traps
from bowerbird.worker.work import Rights, Work

if TYPE_CHECKING:
    from bowerbird.store.uploads import Uploads
    from bowerbird.worker.landing import Landing

#: Exit status of a worker whose session or manager was lost.
LOST = 3
#: A manager that is not there after so long will not come, in seconds.
PATIENCE_S = 20.0
#: A bucket that does not answer is given up after this, in seconds (store/s3/client.py).
UPLOAD_S = 120.0


def main(address: str, authkey_file: str, *kinds: str) -> int:
    """Work for the manager on this machine until the crawl has ended; answers the exit status.

    `kinds` limits what it takes.
    """
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the manager, which says what to do
    try:
        frontier = RemoteFrontier(address, Path(authkey_file).read_bytes())
        return _work(frontier, _job(frontier), tuple(map(Kind, kinds)))
    except BowerbirdError as error:
        print(f"worker {os.getpid()}: {error}", file=sys.stderr)  # noqa: T201
        return LOST


def _job(frontier: RemoteFrontier) -> Job:
    """What there is to do. Workers are started first: the manager may still be on its way."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return frontier.job()
        except ConnectionLostError:
            if time.monotonic() > until:
                raise
            time.sleep(0.002)


def _work(frontier: RemoteFrontier, job: Job, kinds: Sequence[Kind]) -> int:
    store = _store(job)
    info = new_info()
    life = Life(job, member_of(lambda: frontier, info, job, kinds), store, Guard.of(job), info.name)
    signal.signal(signal.SIGTERM, lambda *_: life.loop.stop())
    return LOST if life.live() else 0


def _store(job: Job) -> "FileStore | Uploads":
    if not job.store:
        return FileStore(job.folder, durable=job.settings.durable)
    from bowerbird.app.bucket import SPOOLS, uploads

    return uploads(job.store, Path(job.folder) / SPOOLS)


def new_info() -> WorkerInfo:
    """Who this process is, as one of the manager's own workers."""
    return WorkerInfo(
        name=f"{os.uname().nodename}-{os.getpid()}-{secrets.token_hex(3)}",
        version=__version__,
        pid=os.getpid(),
    )


def member_of(
    connect: Callable[[], Frontier], info: WorkerInfo, job: Job, kinds: Sequence[Kind] = ()
) -> Member:
    """A worker with a session, as soon as the manager's disk has room to note it.

    One that is not local comes back when it has lost its manager.
    """
    while True:
        try:
            return Member(
                connect, info, hard_end_s(job), SystemClock(), returns=not info.local, kinds=kinds
            )  # fmt: skip
        except StorageFullError:
            time.sleep(NO_ROOM_S)


def _say(text: str) -> None:
    print(f"worker {os.getpid()}: {text}", file=sys.stderr)  # noqa: T201


class Life:
    """One worker's work at one crawl."""

    def __init__(
        self, job: Job, member: Member, store: "FileStore | Uploads", guard: Guard, name: str,
        rights: Rights | None = None, say: Callable[[str], None] = _say,
    ) -> None:  # fmt: skip
        """`say`: a line for people, of a bucket that refuses or a limit of this machine."""
        clock, job = SystemClock(), within_limit(job, say)
        limits = limits_of(job.settings, job.secrets, workers=job.workers)
        self._fetcher = Fetcher(limits, guard, store.spool)
        # What a bucket has taken is durable.
        durable = Durable(store) if isinstance(store, FileStore) else list[Outcome]
        self.link = Link(member, clock, self._fetcher.wake, durable)
        work = make_work(job, store, self.link, name, self._fetcher.wake, rights, say)
        self.loop = Loop(
            self.link, self._fetcher, Asker(job), work, clock, job.settings.concurrency
        )

    def live(self) -> BowerbirdError | None:
        """Work until the end; answers why it came, if it did not end well."""
        self.link.start()
        self.loop.run()
        self.link.close(GRACE_S)
        self._fetcher.close()
        return self.loop.error


def make_work(
    job: Job, store: "FileStore | Uploads", link: Link, name: str, wake: Callable[[], None],
    rights: Rights | None = None, say: Callable[[str], None] = _say,
) -> "Work | Landing":  # fmt: skip
    """What turns answers into outcomes."""
    settings, wall_s = job.settings, SystemClock.wall_s
    admission = Admission(settings, job.start_urls)
    judge = Judge(settings, wall_s, admission.redirect)
    keeper = Keeper(store, make_decoder(settings, wake), judge, name, wall_s)
    traps = Traps(settings)
    finder = Finder(admission, link.known, traps, settings.max_sitemap_depth)
    reader = Reader(settings, admission, finder, keeper, judge, traps)
    work = Work(settings, judge, reader, keeper, rights, traps)
    if isinstance(store, FileStore):
        return work
    from bowerbird.worker.landing import Landing

    store.landed = wake
    return Landing(work, store, settings.retries, say)


def hard_end_s(job: Job) -> float:
    """The longest life of a lease: ahead + transfer + wait for a decoder + decode + 10 s
    (docs/architecture.md), and what a bucket may take that does not answer."""
    upload_s = UPLOAD_S if job.store else 0.0
    return 30.0 + job.settings.timeout + DECODER_BUSY_S + 10.0 + 10.0 + upload_s
