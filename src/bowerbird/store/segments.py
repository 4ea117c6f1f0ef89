"""Where the segments of a catalog lie: `.bowerbird/segments/<crawl>/<number>-<fence>` in a store.

A segment is written once, whole or not at all, and durable when `put` returns.
"""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from bowerbird.store.faults import refusal
from bowerbird.store.sync import sync_folder

if TYPE_CHECKING:
    from bowerbird.store.s3.store import S3Store

_NAME = re.compile(r"(\d{8})-(\d{8,})\Z", re.ASCII)


class SegmentName(NamedTuple):
    """Which segment: its number, from 1, and the fence of the manager that wrote it."""

    number: int
    fence: int

    def __str__(self) -> str:
        return f"{self.number:08d}-{self.fence:08d}"


class Segments(Protocol):
    """Segments of one crawl."""

    def put(self, name: SegmentName, data: bytes) -> None:
        """Keep a segment. Raises StorageFullError."""
        ...

    def get(self, name: SegmentName) -> bytes | None:
        """A segment's bytes; None where it is not there."""
        ...

    def names(self) -> list[SegmentName]:
        """All there are, in order."""
        ...


def folder_of(crawl: str) -> str:
    """Where a crawl's segments lie inside a store."""
    return f".bowerbird/segments/{crawl}"


class FolderSegments:
    """In a folder of a file system."""

    def __init__(self, root: Path, crawl: str) -> None:
        self._path = root / folder_of(crawl)

    def __repr__(self) -> str:
        return f"<FolderSegments {self._path}>"

    def put(self, name: SegmentName, data: bytes) -> None:
        """See `Segments.put`."""
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            self._write(self._path / str(name), data)
        except OSError as error:
            raise refusal(error, self._path) from error

    def _write(self, path: Path, data: bytes) -> None:
        part = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        with suppress(OSError):  # not every file system syncs folders
            sync_folder(self._path)

    def get(self, name: SegmentName) -> bytes | None:
        """See `Segments.get`."""
        try:
            return (self._path / str(name)).read_bytes()
        except FileNotFoundError:
            return None

    def names(self) -> list[SegmentName]:
        """See `Segments.names`."""
        if not self._path.is_dir():
            return []
        return _sorted(entry.name for entry in self._path.iterdir())


class BucketSegments:
    """In a bucket."""

    def __init__(self, store: "S3Store", crawl: str) -> None:
        self._store, self._prefix = store, folder_of(crawl)

    def __repr__(self) -> str:
        return f"<BucketSegments {self._prefix} in {self._store}>"

    def put(self, name: SegmentName, data: bytes) -> None:
        """See `Segments.put`."""
        self._store.put_named(f"{self._prefix}/{name}", data)

    def get(self, name: SegmentName) -> bytes | None:
        """See `Segments.get`."""
        return self._store.named(f"{self._prefix}/{name}")

    def names(self) -> list[SegmentName]:
        """See `Segments.names`."""
        return _sorted(path.rpartition("/")[2] for path in self._store.all_named(self._prefix))


def _sorted(names: Iterable[str]) -> list[SegmentName]:
    found = map(_NAME.match, names)
    return sorted(SegmentName(int(one[1]), int(one[2])) for one in found if one)
