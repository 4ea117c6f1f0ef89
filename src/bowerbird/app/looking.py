"""Looking at a crawl: status, verify, export."""

import msgspec

from bowerbird.app.visit import visit
from bowerbird.model import HostRow, Stats, WorkerRow

#: Hosts that `status` lists.
HOSTS = 20


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A crawl at one moment."""

    folder: str
    running: bool  #: a manager works at it
    stats: Stats
    hosts: list[HostRow]
    workers: list[WorkerRow]


def status_of(path: str) -> Status:
    """The status of the crawl in a folder."""
    with visit(path) as crawl:
        return Status(
            folder=str(crawl.folder),
            running=crawl.running,
            stats=crawl.frontier.stats(),
            hosts=crawl.frontier.hosts(HOSTS),
            workers=crawl.frontier.workers(),
        )
