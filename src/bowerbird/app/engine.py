"""The embedded engine: SQLite behind the queue server, on a private Unix socket."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

from bowerbird.app.entries import LocalView, served
from bowerbird.app.folder import Folder, write_private
from bowerbird.app.recovery import recover
from bowerbird.codec import encode
from bowerbird.frontier.base import Frontier
from bowerbird.frontier.rules import rules_of
from bowerbird.frontier.service import FrontierService
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.model import Results, State, Stats, Task
from bowerbird.queues import Server, UnixAddress, new_authkey, new_socket_path
from bowerbird.settings import Job
from bowerbird.store import FileStore
from bowerbird.urls import host_of

T = TypeVar("T")


class Engine:
    """A running frontier that workers can reach."""

    def __init__(
        self, folder: Folder, job: Job, frontier: SqliteFrontier, service: FrontierService,
        address: str,
    ) -> None:  # fmt: skip
        self._folder = folder
        self._frontier = frontier
        self._service = service
        self._address = address
        self._view = LocalView(frontier)
        self.recovered: tuple[str, ...] = ()  #: what `begin` had to mend, in words
        self.worker_count = job.settings.workers or os.cpu_count() or 1

    def call(self, function: Callable[[Frontier], T]) -> Future[T]:
        """Run a function on the frontier's thread."""
        return self._service.call(lambda: function(self._frontier))

    def begin(self) -> Stats:
        """Take the crawl up again, from whatever it was in but a pause; the counts before."""

        def begin(frontier: Frontier) -> Stats:
            self.recovered = recover(self._frontier, FileStore(self._folder.path))
            self._frontier.begin_seeds()
            if frontier.stats().state is not State.PAUSED:
                frontier.resume()
            return frontier.stats()

        return self.call(begin).result()

    def add(self, tasks: Sequence[Task], last: bool) -> int:
        """Add seeds; `last` marks that these are all."""
        return self.call(lambda frontier: frontier.add(tasks, seeds_complete=last)).result()

    def results(self, cursor: str) -> Results:
        """What came after a cursor."""
        return self.call(lambda frontier: frontier.results(cursor)).result()

    def fate_of(self, urls: Sequence[str]) -> Iterator[str]:
        """Which start URLs redirected to another host or could not be fetched, a line each.

        What happens to start pages is among the first that comes.
        """
        found = self.results("")
        for hop in found.redirections:
            if hop.from_url in urls and host_of(hop.from_url) != host_of(hop.to_url):
                yield f"{hop.from_url} redirects to {hop.to_url}, which was crawled in its place."
        for death in found.deaths:
            if death.first_url in urls:
                detail = f" ({death.detail})" if death.detail else ""
                yield f"{death.first_url} could not be fetched: {death.reason}{detail}."

    def files(self) -> int:
        """How many different contents are recorded."""
        return self._service.call(lambda: self._view.totals().files).result()

    def worker_command(self) -> Sequence[str]:
        """The command line of a local worker."""
        key = str(self._folder.authkey_file)
        return [sys.executable, "-m", "bowerbird", "_worker", self._address, key]


@contextmanager
def opened(folder: Folder, job: Job) -> Iterator[Engine]:
    """Open the frontier of a folder and serve it, until the block ends.

    The caller holds the folder's lock.
    """
    frontier = SqliteFrontier(folder.database, rules_of(job.settings), durable=job.settings.durable)
    address, authkey = UnixAddress(str(new_socket_path())), new_authkey()
    service = FrontierService(
        frontier,
        Server(address, authkey),
        {"job": lambda _: encode(job), **served(LocalView(frontier))},
    )
    try:
        write_private(folder.authkey_file, authkey)
        service.start()
        write_private(folder.address_file, str(address).encode())
        yield Engine(folder, job, frontier, service, str(address))
    finally:
        service.stop()
        folder.address_file.unlink(missing_ok=True)
        frontier.close()
