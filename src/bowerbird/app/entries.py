"""The catalog as those outside see it: its own reader, or the manager's answers."""

from collections.abc import Callable, Iterator
from typing import Protocol

from bowerbird.catalog import CatalogReader, Entry, Totals
from bowerbird.codec import decode, encode
from bowerbird.frontier.remote import RemoteFrontier
from bowerbird.frontier.sqlite import SqliteFrontier

#: Entries of one call: well below a frame, even with many sightings each.
PAGE = 200


class CatalogView(Protocol):
    """What was stored, in stretches."""

    def page(self, after: int) -> list[Entry]:
        """The entries after a row, at most `PAGE`."""
        ...

    def totals(self) -> Totals:
        """Counts over all."""
        ...


def all_entries(view: CatalogView) -> Iterator[Entry]:
    """Every entry, in order of its row."""
    after = 0
    while entries := view.page(after):
        yield from entries
        after = entries[-1].row


class LocalView:
    """Read from the database of a crawl that nobody runs."""

    def __init__(self, frontier: SqliteFrontier) -> None:
        self._reader = CatalogReader(frontier.connection)

    def page(self, after: int) -> list[Entry]:
        """See `CatalogView`."""
        return self._reader.entries(after, PAGE)

    def totals(self) -> Totals:
        """See `CatalogView`."""
        return self._reader.totals()


class RemoteView:
    """Ask the manager that runs the crawl."""

    def __init__(self, frontier: RemoteFrontier) -> None:
        self._frontier = frontier

    def page(self, after: int) -> list[Entry]:
        """See `CatalogView`."""
        return decode(self._frontier.call("entries", encode(after)), list[Entry])

    def totals(self) -> Totals:
        """See `CatalogView`."""
        return decode(self._frontier.call("totals"), Totals)


def served(view: LocalView) -> dict[str, Callable[[bytes], bytes]]:
    """The methods by which a manager answers a `RemoteView`."""
    return {
        "entries": lambda payload: encode(view.page(decode(payload, int))),
        "totals": lambda _: encode(view.totals()),
    }
