"""Images that a person has picked, as a file for other programs: piece by piece, as it is read."""

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, NamedTuple

from bowerbird.app.gallery import Gallery, Item
from bowerbird.catalog import Entry
from bowerbird.errors import UsageError
from bowerbird.manager.export import export_csv, export_jsonl
from bowerbird.manager.tree_names import folded, names_for

#: Images that are asked for at once.
CHUNK = 1_000
#: Most images of an archive, and their bytes: no browser should be sent more without end.
ARCHIVED, ARCHIVED_BYTES = 20_000, 4 << 30
#: Bytes of one piece.
PIECE = 1 << 18


class Form(NamedTuple):
    """A sort of file."""

    ending: str
    media: str


FORMS = {
    "jsonl": Form("jsonl", "application/jsonl; charset=utf-8"),
    "csv": Form("csv", "text/csv; charset=utf-8"),
    "urls": Form("txt", "text/plain; charset=utf-8"),
    "zip": Form("zip", "application/zip"),
}


def exported(gallery: Gallery, form: str, ids: Sequence[int]) -> Iterator[bytes]:
    """The pieces of a file with these images, in this order.

    Raises:
        UsageError: there are none, or too many for an archive.
    """
    if not len(ids):
        raise UsageError("No image is selected.")
    if form == "zip":
        _require_archivable(gallery, ids)
    return _WAYS[form](gallery, ids)


def _chunks(gallery: Gallery, ids: Sequence[int]) -> Iterator[list[Item]]:
    for start in range(0, len(ids), CHUNK):
        yield gallery.items(ids[start : start + CHUNK])


def _entries(gallery: Gallery, items: list[Item]) -> list[Entry]:
    return [entry for entry in gallery.entries(items) if entry is not None]


def _jsonl(gallery: Gallery, ids: Sequence[int]) -> Iterator[bytes]:
    return _written(gallery, ids, export_jsonl)


def _csv(gallery: Gallery, ids: Sequence[int]) -> Iterator[bytes]:
    pieces = _written(gallery, ids, export_csv)
    yield next(pieces, b"")
    for piece in pieces:  # each has a header of its own, which only the first keeps
        yield piece.partition(b"\n")[2]


def _written(
    gallery: Gallery, ids: Sequence[int], write: Callable[[Iterable[Entry], io.BytesIO], int]
) -> Iterator[bytes]:
    for items in _chunks(gallery, ids):
        out = io.BytesIO()
        write(_entries(gallery, items), out)
        yield out.getvalue()


def _urls(gallery: Gallery, ids: Sequence[int]) -> Iterator[bytes]:
    for items in _chunks(gallery, ids):
        lines = (f"{item.url}\n" for item in items if item.url.startswith("http"))
        yield "".join(lines).encode("utf-8", "replace")


def _require_archivable(gallery: Gallery, ids: Sequence[int]) -> None:
    size = sum(item.bytes for items in _chunks(gallery, ids[:ARCHIVED]) for item in items)
    if len(ids) > ARCHIVED or size > ARCHIVED_BYTES:
        raise UsageError(
            f"An archive takes {ARCHIVED:,} images and {ARCHIVED_BYTES >> 30} GiB at most: select "
            "fewer, or use `bowerbird export -f tree`, which links files in place of copying them."
        )


class _Pipe(io.RawIOBase):
    """What an archive is written to: pieces are taken out behind it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """See `io`."""
        return True

    def write(self, data: object) -> int:
        """See `io`."""
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        """What was written since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _zip(gallery: Gallery, ids: Sequence[int]) -> Iterator[bytes]:
    pipe, taken, absent = _Pipe(), set[str](), list[str]()
    with zipfile.ZipFile(pipe, "w", allowZip64=True) as archive:
        for items in _chunks(gallery, ids):
            for item in items:
                with gallery.original(item) as body:
                    if body is None:
                        absent.append(item.url)
                        continue
                    yield from _stored(archive, _name(item, taken), item, body, pipe)
            yield pipe.taken()
        if absent:
            archive.writestr("not-on-this-machine.txt", "".join(f"{url}\n" for url in absent))
    yield pipe.taken()


def _stored(
    archive: zipfile.ZipFile, name: str, item: Item, body: IO[bytes], pipe: _Pipe
) -> Iterator[bytes]:
    """Images do not get smaller by deflate; they are stored as they are."""
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o644 << 16
    with archive.open(entry, "w", force_zip64=item.bytes > 1 << 31) as target:
        while piece := body.read(PIECE):
            target.write(piece)
            yield pipe.taken()


def _name(item: Item, taken: set[str]) -> str:
    names = names_for(item.url, item.type)
    name = next((one for one in names if folded(one) not in taken), f"{item.id}-{names[-1]}")
    taken.add(folded(name))
    return name


_WAYS = {"jsonl": _jsonl, "csv": _csv, "urls": _urls, "zip": _zip}
