"""What a person looks through beside the images: hosts by name or state, examples of failures.

Each question is bounded, since a manager answers it between the calls of its workers. One that is
older than these questions is asked for its busiest hosts instead.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, cast

import msgspec

from bowerbird.app.history import Curves, past_curves
from bowerbird.app.visit import Visit
from bowerbird.catalog import CatalogReader
from bowerbird.codec import decode, encode
from bowerbird.errors import RemoteCallError
from bowerbird.frontier.browse import browse, browse_rows
from bowerbird.frontier.remote import RemoteFrontier
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.model import Death, HostPage, HostQuery
from bowerbird.queues import Caller

if TYPE_CHECKING:
    from bowerbird.frontier.redis.client import RedisFrontier

#: Hosts that are looked through where a manager knows only which are the busiest.
BUSIEST = 500
#: Points of a curve over the whole time of a crawl.
PAST_POINTS = 300
#: Page cache while all records are read, in KiB: no page is read twice.
PAST_KIB = 2_048
#: Most examples of one answer.
EXAMPLES = 100


class Browser(Protocol):
    """Answers what a person looks through."""

    def hosts(self, query: HostQuery) -> HostPage:
        """A page of hosts."""
        ...

    def deaths(self, reason: str, limit: int) -> list[Death]:
        """The newest tasks that ended for a reason, newest first."""
        ...


class LocalBrowser:
    """Looks in the database of a crawl that nobody else has."""

    def __init__(self, frontier: SqliteFrontier) -> None:
        self._frontier = frontier

    def hosts(self, query: HostQuery) -> HostPage:
        """See `Browser`."""
        return browse(self._frontier, query)

    def deaths(self, reason: str, limit: int) -> list[Death]:
        """See `Browser`."""
        reader = CatalogReader(self._frontier.connection)
        return reader.latest_deaths(reason, min(limit, EXAMPLES))

    def past(self) -> Curves | None:
        """What the crawl has brought over its whole time; None: nothing yet."""
        self._frontier.connection.pragma("cache_size", -PAST_KIB)  # all records, once
        every_s, rows = CatalogReader(self._frontier.connection).over_time(PAST_POINTS)
        return past_curves(every_s, rows) if rows else None


class RemoteBrowser:
    """Asks the manager that runs the crawl."""

    def __init__(self, frontier: RemoteFrontier) -> None:
        self._frontier = frontier

    def hosts(self, query: HostQuery) -> HostPage:
        """See `Browser`."""
        try:
            return decode(self._frontier.call("browse", encode(query)), HostPage)
        except RemoteCallError:
            page = browse_rows(self._frontier.hosts(BUSIEST), query)
            return msgspec.structs.replace(page, whole=False)

    def deaths(self, reason: str, limit: int) -> list[Death]:
        """See `Browser`."""
        try:
            return decode(self._frontier.call("deaths", encode((reason, limit))), list[Death])
        except RemoteCallError:
            return []


class EngineBrowser:
    """Looks in Redis for hosts, and for deaths in the catalog that is made of its results."""

    def __init__(self, crawl: Visit, frontier: "RedisFrontier") -> None:
        self._crawl, self._survey = crawl, frontier.survey

    def hosts(self, query: HostQuery) -> HostPage:
        """See `Browser`. What is sorted by is up to half a minute old where there are 100,000."""
        by_name = query.sort in ("busy", "host") and not query.state
        page = browse_rows(self._survey.names() if by_name else self._survey.rows(), query)
        rows = self._survey.now([row.host for row in page.rows])
        anew = msgspec.structs.replace(query, offset=0, state="")
        return msgspec.structs.replace(page, rows=browse_rows(rows, anew).rows)

    def deaths(self, reason: str, limit: int) -> list[Death]:
        """See `Browser`; none where the catalog lies on another machine."""
        from bowerbird.app.engine_catalog import ChronicleView  # with redis: 12 MB

        catalog = None if self._crawl.afar else self._crawl.catalog
        if not isinstance(catalog, ChronicleView):
            return []
        return catalog.latest_deaths(reason, min(limit, EXAMPLES))


def browser_of(crawl: Visit) -> Browser:
    """What there is to look through in a crawl that is being visited."""
    frontier = crawl.frontier
    if isinstance(frontier, RemoteFrontier):
        return RemoteBrowser(frontier)
    if isinstance(frontier, SqliteFrontier):
        return LocalBrowser(frontier)
    return EngineBrowser(crawl, cast("RedisFrontier", frontier))


def past_of(crawl: Visit) -> Curves | None:
    """What a crawl has brought over its whole time, where nobody works at it: a manager has better
    things to do than to read all records."""
    browser = browser_of(crawl)
    return browser.past() if isinstance(browser, LocalBrowser) else None


def served_browsing(browser: LocalBrowser) -> dict[str, Callable[[bytes, Caller], bytes]]:
    """The methods by which a manager answers a `RemoteBrowser`."""
    return {
        "browse": lambda payload, _: encode(browser.hosts(decode(payload, HostQuery))),
        "deaths": lambda payload, _: encode(browser.deaths(*decode(payload, tuple[str, int]))),
    }
