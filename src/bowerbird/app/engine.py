"""The embedded engine: SQLite behind the queue server, on a private Unix socket."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from typing import TypeVar

import msgspec

from bowerbird._version import __version__
from bowerbird.app.browsing import LocalBrowser, served_browsing
from bowerbird.app.bucket import here
from bowerbird.app.entries import LocalView, fate_of, served
from bowerbird.app.folder import Folder, write_whole
from bowerbird.app.recovery import recover
from bowerbird.catalog import CatalogReader, Fate, Totals
from bowerbird.clock import SystemClock
from bowerbird.codec import encode
from bowerbird.errors import StorageFullError
from bowerbird.frontier.base import Frontier
from bowerbird.frontier.database import mapped_errors, open_for_reading
from bowerbird.frontier.rules import rules_of
from bowerbird.frontier.service import FrontierService
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.manager.bridge.bridge import Bridge
from bowerbird.model import Filter, Results, State, Stats, Task
from bowerbird.queues import Address, Caller, Door, Server
from bowerbird.settings import Job, Secrets

T = TypeVar("T")


class Engine:
    """A running frontier that workers can reach."""

    lost_seeds: None = None  #: what it has taken it keeps

    def __init__(
        self, frontier: SqliteFrontier, service: FrontierService, before: Stats,
        recovered: tuple[str, ...], addresses: tuple[Address, ...], bridge: Bridge | None = None,
    ) -> None:  # fmt: skip
        self._frontier = frontier
        self._service = service
        self._bridge = bridge
        self.before = before  #: the counts when this run began
        self.recovered = recovered  #: what had to be mended, in words
        self.addresses = addresses  #: where it is served, door by door
        self.gives_up: Callable[[], bool] = lambda: False  #: nothing to wait for: it is here

    def call(self, function: Callable[[Frontier], T]) -> Future[T]:
        """Run a function on the frontier's thread."""
        return self._service.call(lambda: function(self._frontier))

    def make_room(self) -> None:
        """Give back what the database can spare on the disk."""
        self._service.call(self._frontier.make_room).result()

    def part(self) -> None:
        """Workers that vanish from now on leave no deaths. Safe in a signal handler."""
        self._service.part()

    def lacks_readers(self) -> bool:
        """Whether only old-style clients work here, and there are pages."""
        bridge = self._bridge
        return bridge is not None and self._service.call(bridge.lacks_readers).result()

    def notes(self) -> list[str]:
        """What there is to be said of old-style clients."""
        return self._service.call(self._bridge.notes).result() if self._bridge else []

    @property
    def refusals(self) -> int:
        """How often the disk has refused a call."""
        return self._service.refusals

    def add(self, tasks: Sequence[Task], last: bool) -> int:
        """Add seeds; `last` marks that these are all."""
        return self.call(lambda frontier: frontier.add(tasks, seeds_complete=last)).result()

    def results(self, cursor: str) -> Results:
        """What came after a cursor."""
        return self.call(lambda frontier: frontier.results(cursor)).result()

    def settle(self) -> None:
        """Have all results in the catalog: `finish` has put them there."""

    def fate_of(self, urls: Sequence[str]) -> Iterator[str]:
        """Which start URLs redirected to another host or could not be fetched, a line each."""
        return fate_of(self._look(CatalogReader.detours), urls)

    def fates(self, urls: Sequence[str]) -> Mapping[str, Fate]:
        """How those of these URLs have ended that have."""
        return self._look(lambda reader: reader.fates(urls)) if urls else {}

    def try_again(self, url: str) -> None:
        """A URL that is dead is to be fetched once more."""
        self.call(lambda frontier: frontier.requeue(Filter(url=url))).result()

    def totals(self) -> Totals:
        """Counts over the whole catalog."""
        return self._look(CatalogReader.totals)

    def _look(self, look: Callable[[CatalogReader], T]) -> T:
        """Look into the catalog: where the disk refuses what others want to write, which would fail
        with them, over a connection that only reads."""
        connection = self._frontier.connection
        try:
            return self._service.call(lambda: look(CatalogReader(connection))).result()
        except StorageFullError:
            with mapped_errors(), closing(open_for_reading(connection.filename)) as own:
                return look(CatalogReader(own))


def job_for(job: Job, caller: Caller, sessions: int) -> Job:
    """The job as this caller may have it: our folder is ours, and secrets need a private way.

    What is meant for all workers together is shared by those that are there, and this one.
    """
    if not caller.peer:
        return job
    shares = max(job.workers, sessions + 1)
    job = msgspec.structs.replace(job, folder="", version=__version__, workers=shares)
    if caller.secure or job.secrets == Secrets():
        return job
    return msgspec.structs.replace(job, secrets=Secrets(), withheld=True)


def begin(frontier: SqliteFrontier) -> Stats:
    """Take a crawl up again, from whatever state but a pause; the counts before.

    Before anyone is served: who came earlier would be told of the end of the last run.
    """
    with frontier.batch():
        frontier.begin_seeds()
        if frontier.stats().state is not State.PAUSED:
            frontier.resume()
    return frontier.stats()


@contextmanager
def opened(folder: Folder, job: Job, doors: Sequence[Door]) -> Iterator[Engine]:
    """Open the frontier of a folder and serve it at doors, until the block ends.

    The first door is the private one, for commands on this machine. The caller holds the folder's
    lock.
    """
    frontier = SqliteFrontier(folder.database, rules_of(job.settings), durable=job.settings.durable)
    # What a bucket has said to have it has: only bodies that came in pieces may be left over.
    images = here(folder.path, job.store)
    recovered = recover(frontier, images, doubt=not job.store)
    before = begin(frontier)
    server = Server(doors)
    extra = {
        "job": lambda _, caller: encode(job_for(job, caller, frontier.stats().sessions)),
        **served(LocalView(frontier)),
        **served_browsing(LocalBrowser(frontier)),
    }
    # Clients of the standard library come from other machines, or as if from them.
    bridge = Bridge(frontier, SystemClock.wall_s) if len(doors) > 1 else None
    service = FrontierService(frontier, server, extra, old=bridge)
    try:
        service.start()
        write_whole(folder.address_file, str(server.addresses[0]).encode())
        yield Engine(frontier, service, before, recovered, server.addresses, bridge)
    finally:
        service.stop()
        folder.address_file.unlink(missing_ok=True)
        frontier.close()
