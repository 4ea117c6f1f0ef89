"""`crawl.db` of a crawl whose frontier lies elsewhere: the catalog alone, made from segments.

It is a cache: all that is in it is in the segments, and it knows which of them it has.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import Lock
from typing import TypeVar

from bowerbird.catalog import CatalogReader, CatalogWriter, Described, Entry, Fate, Totals
from bowerbird.catalog.segment import Segment
from bowerbird.frontier.database import mapped_errors, open_database, open_for_reading
from bowerbird.model import Death, Record, Results
from bowerbird.store import is_own
from bowerbird.store.bucket import is_bucket
from bowerbird.store.segments import SegmentName

T = TypeVar("T")

#: Where it is noted which segment was the last.
_LAST = "segment"
_NONE = SegmentName(0, 0)


class Chronicle:
    """The catalog of a crawl in a file. Any number of threads may call it."""

    def __init__(self, path: Path, *, alone: bool = True) -> None:
        """Open it; with `alone` it is made where it is missing, and may be written.

        Raises:
            FolderError: it is no database of ours.
            StorageFullError: the disk refuses.
        """
        self._path = path
        self._lock = Lock()
        self._open(alone=alone)

    def _open(self, *, alone: bool) -> None:
        self._connection = (open_database if alone else open_for_reading)(str(self._path))
        self._reader = CatalogReader(self._connection)
        self._writer = CatalogWriter(self._connection)

    def __repr__(self) -> str:
        return f"<Chronicle {self._path} up to segment {self.last}>"

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    # In.

    @property
    def last(self) -> SegmentName:
        """The last segment that it has; number 0: none."""
        text = self._read(lambda reader: reader.meta(_LAST))
        number, _, fence = text.partition("-")
        return SegmentName(int(number), int(fence)) if text else _NONE

    def apply(self, segment: Segment, name: SegmentName) -> None:
        """Take a segment in, whole or not at all."""
        results = segment.results
        with self._lock, mapped_errors(str(self._path)), self._connection:
            self._writer.forget_deaths(results.revived)
            self._writer.forget_lives(results.forgotten)
            self._writer.add(
                results.records, results.redirections, results.sightings, results.deaths
            )
            self._writer.hold(results.held)
            self._writer.set_meta(_LAST, str(name))

    def begin_anew(self) -> None:
        """Forget everything: what is in here is not what the segments say."""
        self.close()
        for end in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + end).unlink(missing_ok=True)
        self._open(alone=True)

    # Out.

    def results(self, cursor: str = "") -> Results:
        """What was added after `cursor`; see `CatalogReader.results`."""
        return self._read(lambda reader: reader.results(cursor))

    def page(self, after: int, limit: int) -> list[Entry]:
        """Entries after a row; see `CatalogReader.entries`."""
        return self._read(lambda reader: reader.entries(after, limit))

    def described(self, after: int, limit: int) -> Described:
        """Which records sightings describe; see `CatalogReader.described`."""
        return self._read(lambda reader: reader.described(after, limit))

    def totals(self) -> Totals:
        """Counts over all."""
        return self._read(lambda reader: reader.totals(self._elsewhere(reader.folders())))

    def _elsewhere(self, folders: Mapping[str, str]) -> list[str]:
        """Folders of managers before that are not this one: another path alone may mean that it was
        moved, but then what was there is here."""
        home = self._path.parent
        own = {name: path for name, path in folders.items() if is_own(name) and not is_bucket(name)}
        return [
            name for name, path in own.items() if Path(name) != home and not (home / path).exists()
        ]

    def latest_deaths(self, reason: str, limit: int) -> list[Death]:
        """The newest deaths of a reason; see `CatalogReader.latest_deaths`."""
        return self._read(lambda reader: reader.latest_deaths(reason, limit))

    def detours(self) -> Results:
        """The first redirections and deaths."""
        return self._read(lambda reader: reader.detours())

    def fates(self, urls: Iterable[str]) -> dict[str, Fate]:
        """How those of these URLs have ended that have."""
        return self._read(lambda reader: reader.fates(urls))

    def of_urls(self, final_urls: Iterable[str]) -> list[Record]:
        """Those of these records that there are."""
        return self._read(lambda reader: reader.of_urls(final_urls))

    def page_of(self, image_url: str) -> str:
        """The first page where an image was seen; "" for none."""
        return next(iter(self._read(lambda reader: reader.pages_of((image_url,)))), "")

    def _read(self, look: Callable[[CatalogReader], T]) -> T:
        with self._lock, mapped_errors(str(self._path)):
            return look(self._reader)
