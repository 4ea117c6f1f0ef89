"""The catalog of a crawl in an engine, as commands see it."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from bowerbird.app.entries import PAGE, SEEN, of_row
from bowerbird.catalog import Described, Entry, Totals
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.redis.refetch import Anew
from bowerbird.frontier.refetch import DATA
from bowerbird.manager.chronicle import Chronicle
from bowerbird.model import Death, Held, Kind, Record, Task


class ChronicleView:
    """Read from a catalog that is made of segments; changes are results of the frontier's."""

    def __init__(
        self, chronicle: Chronicle, engine: Callable[[], RedisFrontier],
        depth: Callable[[], int], told: Callable[[], object],
    ) -> None:  # fmt: skip
        """`depth` answers that of pages which are read once more; `told` is called after each."""
        self._chronicle, self._engine = chronicle, engine
        self._depth, self._told = depth, told

    def page(self, after: int) -> list[Entry]:
        """See `CatalogView`."""
        return self._chronicle.page(after, PAGE)

    def entry(self, row: int) -> Entry | None:
        """See `CatalogView`."""
        return of_row(row, self._chronicle.page(row - 1, 1))

    def described(self, after: int) -> Described:
        """See `CatalogView`."""
        return self._chronicle.described(after, SEEN)

    def latest_deaths(self, reason: str, limit: int) -> list[Death]:
        """The newest deaths of a reason."""
        return self._chronicle.latest_deaths(reason, limit)

    def totals(self) -> Totals:
        """See `CatalogView`."""
        return self._chronicle.totals()

    def refetch(self, final_urls: Sequence[str]) -> int:
        """See `CatalogView`. An image that a page carries comes with the first such page."""
        records = defaultdict[Task, list[Record]](list)
        for record in self._chronicle.of_urls(final_urls):
            records[self._task(record)].append(record)
        count = self._engine().refetch([Anew(*pair) for pair in records.items()])
        self._told()
        return count

    def _task(self, record: Record) -> Task:
        if record.final_url.startswith(DATA):
            page = self._chronicle.page_of(record.final_url)
            return Task(url=page, kind=Kind.PAGE, depth=self._depth())
        first = record.url if record.url != record.final_url else ""
        return Task(
            url=record.final_url, kind=Kind.IMAGE, depth=1, hops=1 if first else 0, first_url=first
        )

    def held(self, held: Sequence[Held]) -> int:
        """See `CatalogView`."""
        self._engine().held(held)
        self._told()
        return len(held)
