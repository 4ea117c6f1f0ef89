"""A crawl at one moment."""

import msgspec

from bowerbird.app.access import Access
from bowerbird.app.visit import Visit, visit
from bowerbird.model import HostRow, Stats, WorkerRow

#: Hosts that `status` lists.
HOSTS = 20


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A crawl at one moment."""

    folder: str  #: or the address at which it was asked for
    running: bool  #: a manager works at it
    stats: Stats
    hosts: list[HostRow]
    workers: list[WorkerRow]
    manager: str = ""  #: which one, where the frontier is in Redis
    backlog: int = 0  #: bytes of results there that wait for the manager
    backlog_most: int = 0  #: with more, workers lease nothing until it has taken them


def status_of(where: str, access: Access | None = None) -> Status:
    """The status of the crawl in a folder or at an address."""
    with visit(where, access) as crawl:
        return look_at(crawl)


def look_at(crawl: Visit, hosts: list[HostRow] | None = None) -> Status:
    """The status of a crawl that is being visited; `hosts`: not to be asked for."""
    backlog, most = crawl.backlog
    return Status(
        folder=crawl.where,
        running=crawl.running,
        stats=crawl.frontier.stats(),
        hosts=crawl.frontier.hosts(HOSTS) if hosts is None else hosts,
        workers=crawl.frontier.workers() if crawl.running else [],
        manager=crawl.manager,
        backlog=backlog,
        backlog_most=most,
    )
