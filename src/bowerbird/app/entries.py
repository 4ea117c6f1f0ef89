"""The catalog as those outside see it: its own reader, or the manager's answers."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from bowerbird.catalog import CatalogReader, CatalogWriter, Described, Entry, Totals
from bowerbird.codec import decode, encode
from bowerbird.errors import RemoteCallError
from bowerbird.frontier.database import mapped_errors
from bowerbird.frontier.remote import RemoteFrontier
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.model import Held, Results
from bowerbird.queues import Caller
from bowerbird.urls import host_of

#: Entries of one call: well below a frame, even with many sightings each.
PAGE = 200
#: Most URLs of one call.
CHUNK = 1_000
#: Sightings that are looked through in one call: some milliseconds.
SEEN = 2_000
#: So many entries of a page are worth its reading as a whole.
CLOSE = 20


class CatalogView(Protocol):
    """What was stored, in stretches."""

    def page(self, after: int) -> list[Entry]:
        """The entries after a row, at most `PAGE`."""
        ...

    def entry(self, row: int) -> Entry | None:
        """The entry of one row; None where there is none, or none any more."""
        ...

    def described(self, after: int) -> Described:
        """Which records the next `SEEN` sightings after a row describe. -1: none, but which row is
        the last now."""
        ...

    def totals(self) -> Totals:
        """Counts over all."""
        ...

    def refetch(self, final_urls: Sequence[str]) -> int:
        """Forget these records, have them fetched anew; answer how many tasks wait for it."""
        ...

    def held(self, held: Sequence[Held]) -> int:
        """Note where the bytes of records lie as well, and where not; answer how many were told."""
        ...


def all_entries(view: CatalogView) -> Iterator[Entry]:
    """Every entry, in order of its row."""
    after = 0
    while entries := view.page(after):
        yield from entries
        after = entries[-1].row


def entries_of(view: CatalogView, rows: Iterable[int]) -> dict[int, Entry]:
    """The entries of these rows, as far as there are any; those that lie close together are asked
    for together, which takes a fifth of the time."""
    wanted, found, at = sorted(set(rows)), dict[int, Entry](), 0
    while at < len(wanted):
        row = wanted[at]
        if bisect_left(wanted, row + PAGE, at) - at >= CLOSE:
            entries = view.page(row - 1)
        else:
            entries = [entry for entry in (view.entry(row),) if entry]
        found.update((entry.row, entry) for entry in entries)
        at = bisect_right(wanted, max([row, *(entry.row for entry in entries[-1:])]), at)
    return {row: found[row] for row in wanted if row in found}


def fate_of(first: Results, urls: Sequence[str]) -> Iterator[str]:
    """Which of these URLs redirected to another host or could not be fetched, a line each.

    What happens to start pages is among the first results that come.
    """
    died = {death.url for death in first.deaths}
    for hop in first.redirections:
        led = hop.from_url in urls and hop.to_url not in died
        if led and host_of(hop.from_url) != host_of(hop.to_url):
            yield f"{hop.from_url} redirects to {hop.to_url}, which was crawled in its place."
    for death in first.deaths:
        if death.first_url in urls:
            detail = f" ({death.detail})" if death.detail else ""
            yield f"{death.first_url} could not be fetched: {death.reason}{detail}."


class LocalView:
    """Read from the database of a crawl that nobody runs."""

    def __init__(self, frontier: SqliteFrontier) -> None:
        self._frontier = frontier
        self._reader = CatalogReader(frontier.connection)

    def page(self, after: int) -> list[Entry]:
        """See `CatalogView`."""
        return self._reader.entries(after, PAGE)

    def entry(self, row: int) -> Entry | None:
        """See `CatalogView`."""
        return of_row(row, self._reader.entries(row - 1, 1))

    def described(self, after: int) -> Described:
        """See `CatalogView`."""
        return self._reader.described(after, SEEN)

    def totals(self) -> Totals:
        """See `CatalogView`."""
        return self._reader.totals()

    def refetch(self, final_urls: Sequence[str]) -> int:
        """See `CatalogView`."""
        return self._frontier.refetch(final_urls)

    def held(self, held: Sequence[Held]) -> int:
        """See `CatalogView`."""
        with self._frontier.batch(), mapped_errors():
            CatalogWriter(self._frontier.connection).hold(held)
        return len(held)


class RemoteView:
    """Ask the manager that runs the crawl."""

    def __init__(self, frontier: RemoteFrontier) -> None:
        self._frontier = frontier

    def page(self, after: int) -> list[Entry]:
        """See `CatalogView`."""
        return decode(self._frontier.call("entries", encode(after)), list[Entry])

    def entry(self, row: int) -> Entry | None:
        """See `CatalogView`."""
        return decode(self._frontier.call("entry", encode(row)), Entry | None)  # type: ignore[arg-type]

    def described(self, after: int) -> Described:
        """See `CatalogView`. A manager that is older than this question knows of none."""
        try:
            return decode(self._frontier.call("described", encode(after)), Described)
        except RemoteCallError:
            return Described(last=after)

    def totals(self) -> Totals:
        """See `CatalogView`."""
        return decode(self._frontier.call("totals"), Totals)

    def refetch(self, final_urls: Sequence[str]) -> int:
        """See `CatalogView`."""
        chunks = [final_urls[n : n + CHUNK] for n in range(0, len(final_urls), CHUNK)]
        return sum(decode(self._frontier.call("refetch", encode(one)), int) for one in chunks)

    def held(self, held: Sequence[Held]) -> int:
        """See `CatalogView`."""
        chunks = [held[n : n + CHUNK] for n in range(0, len(held), CHUNK)]
        return sum(decode(self._frontier.call("held", encode(one)), int) for one in chunks)


def of_row(row: int, entries: list[Entry]) -> Entry | None:
    return next((entry for entry in entries if entry.row == row), None)


def served(view: LocalView) -> dict[str, Callable[[bytes, Caller], bytes]]:
    """The methods by which a manager answers a `RemoteView`."""
    return {
        "entries": lambda payload, _: encode(view.page(decode(payload, int))),
        "entry": lambda payload, _: encode(view.entry(decode(payload, int))),
        "described": lambda payload, _: encode(view.described(decode(payload, int))),
        "totals": lambda *_: encode(view.totals()),
        "refetch": lambda payload, _: encode(view.refetch(decode(payload, list[str]))),
        "held": lambda payload, _: encode(view.held(decode(payload, list[Held]))),
    }
