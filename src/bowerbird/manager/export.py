"""The catalog as a file for other programs: JSON Lines or CSV, an image a line."""

import csv
import io
import os
import secrets
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

import msgspec

from bowerbird.catalog import Entry
from bowerbird.errors import StorageFullError, UsageError
from bowerbird.model import Holder, Place, Sighting
from bowerbird.store import is_own
from bowerbird.store.bucket import is_bucket

#: Characters with which a spreadsheet begins a formula (OWASP, "CSV Injection").
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

COLUMNS = (
    "url", "final_url", "path", "sha256", "type", "width", "height", "bytes", "status",
    "fetched_at", "exif_date", "etag", "last_modified", "damaged", "page", "alt", "place",
    "sightings", "folder",
)  # fmt: skip


class Seen(msgspec.Struct, frozen=True, gc=False):
    """A sighting in a line. `image_url` is the URL in the page, before redirections."""

    page: str
    alt: str
    place: Place
    image_url: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An image as a line of JSON."""

    url: str
    final_url: str
    path: str  #: below the output folder, or where `folder` names another, below that
    sha256: str
    type: str
    width: int
    height: int
    bytes: int
    status: int
    fetched_at: str  #: ISO 8601, UTC
    exif_date: str
    orientation: int
    frames: int
    etag: str
    last_modified: str
    damaged: bool
    state: str
    holders: tuple[dict[str, str], ...]
    sightings: tuple[Seen, ...]
    sightings_more: int
    folder: str  #: "": the output folder


def export_jsonl(entries: Iterable[Entry], out: BinaryIO) -> int:
    """Write a JSON object a line (jsonlines.org); answer how many."""
    encode = msgspec.json.Encoder().encode
    written = 0
    for entry in entries:
        out.write(encode(_line(entry)) + b"\n")
        written += 1
    return written


def export_csv(entries: Iterable[Entry], out: BinaryIO) -> int:
    """Write RFC 4180 CSV in UTF-8 with a header row; answer how many images.

    Of the sightings, the first is shown and all are counted. A text that a spreadsheet would
    take for a formula gets an apostrophe before it.
    """
    text = io.TextIOWrapper(out, encoding="utf-8", errors="replace", newline="")
    written = 0
    try:
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for entry in entries:
            writer.writerow(map(defused, _cells(entry)))
            written += 1
    finally:
        text.detach()  # flushes; `out` is the caller's to close
    return written


def defused(cell: object) -> object:
    """A cell that no spreadsheet will run."""
    if not isinstance(cell, str):
        return cell
    cell = cell.replace("\0", "")
    return "'" + cell if cell.startswith(FORMULA) else cell


@contextmanager
def output(path: Path | None) -> Iterator[BinaryIO]:
    """Where to write: standard output, or a file that has its name only once it is whole. A link is
    followed, and what is no plain file (a pipe, a device) is written to.

    Raises:
        UsageError: the file cannot be written there.
        StorageFullError: the disk is full; nothing is left of it.
    """
    if path is None or str(path) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with _whole(path) if _may_be_replaced(path) else path.open("wb") as file:
            yield file
    except OSError as error:
        raise _named(error, path) from error


def _may_be_replaced(path: Path) -> bool:
    """Whether it is a plain file, or not there yet."""
    try:
        return S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return True


@contextmanager
def _whole(link: Path) -> Iterator[BinaryIO]:
    path = link.resolve()
    temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            yield file
        if path.exists():
            shutil.copymode(path, temporary)
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()


def _named(error: OSError, path: Path) -> Exception:
    words = f"{path} cannot be written: {os.strerror(error.errno or 0)}."
    return (UsageError if isinstance(error, _USAGE) else StorageFullError)(words)


_USAGE = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)


def _line(entry: Entry) -> Line:
    record = entry.record
    return Line(
        url=record.url,
        final_url=record.final_url,
        path=_path(record.holders),
        sha256=record.sha256,
        type=record.type,
        width=record.width,
        height=record.height,
        bytes=record.bytes,
        status=record.status,
        fetched_at=iso(record.fetched_at),
        exif_date=record.exif_date,
        orientation=record.orientation,
        frames=record.frames,
        etag=record.etag,
        last_modified=record.last_modified,
        damaged=record.damaged,
        state=record.state,
        holders=tuple(map(msgspec.structs.asdict, record.holders)),
        sightings=tuple(map(_seen, entry.sightings)),
        sightings_more=entry.sightings_more,
        folder=_folder(record.holders),
    )


def _cells(entry: Entry) -> Iterator[object]:
    record = entry.record
    for name in COLUMNS[:8]:
        yield _path(record.holders) if name == "path" else getattr(record, name)
    yield from (record.status, iso(record.fetched_at), record.exif_date)
    yield from (record.etag, record.last_modified, int(record.damaged))
    first = entry.sightings[0] if entry.sightings else None
    yield from (first.page_url, first.alt, first.place.value) if first else ("", "", "")
    yield len(entry.sightings) + entry.sightings_more
    yield _folder(record.holders)


def _path(holders: tuple[Holder, ...]) -> str:
    return holders[0].path if holders else ""  # the content says it: the same for all of them


def _folder(holders: tuple[Holder, ...]) -> str:
    folders = [holder.folder for holder in holders]
    if any(is_own(folder) and not is_bucket(folder) for folder in folders):
        return ""
    return next(filter(is_bucket, folders), folders[0] if folders else "")


def _seen(sighting: Sighting) -> Seen:
    return Seen(sighting.page_url, sighting.alt, sighting.place, sighting.image_url)


def iso(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601 UTC to the second: `2026-11-21T09:00:00Z`."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return ""  # a worker's clock that names no date
