"""What the catalog answers."""

from bowerbird.model import Record, Sighting, Value


class Added(Value, frozen=True, kw_only=True, array_like=True):
    """What a batch brought that was not there before; for forgotten records, what went."""

    new_records: int = 0
    new_bytes: int = 0


class Entry(Value, frozen=True, kw_only=True, array_like=True):
    """A record and where it was seen, under all URLs that lead to it."""

    row: int  #: the place to go on after
    record: Record
    sightings: tuple[Sighting, ...] = ()  #: the first 100
    sightings_more: int = 0  #: how many there were beyond those


class Described(Value, frozen=True, kw_only=True, array_like=True):
    """Which records some sightings describe with a text."""

    last: int  #: the sighting to go on after
    rows: tuple[int, ...] = ()  #: of records


class Fate(Value, frozen=True, kw_only=True, array_like=True):
    """How a URL has ended."""

    url: str  #: the last one that its redirects led to
    reason: str = ""  #: of its death; "": it is stored


class Totals(Value, frozen=True, kw_only=True, array_like=True):
    """Counts over the whole catalog."""

    records: int
    bytes: int  #: of all records; several may share a file
    files: int  #: distinct contents
    sightings: int
    redirections: int
    deaths: int
    own_files: int | None = None  #: of `files`, those in the crawl's own folder; None: all

    @property
    def away(self) -> int:
        """How many contents lie in folders of workers, or of managers before, alone."""
        return 0 if self.own_files is None else self.files - self.own_files
