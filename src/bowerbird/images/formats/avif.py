"""AVIF (AV1 Image File Format): item properties, or the track of a sequence; Pillow decodes."""

from contextlib import suppress
from io import BytesIO
from struct import unpack_from

from bowerbird.images.base import Body, CorruptError, Header, TruncatedError
from bowerbird.images.boxes import (
    Box,
    boxes,
    extents,
    find,
    item_of_type,
    primary_item,
    properties,
)
from bowerbird.images.exif import read_exif

#: (irot quarter turns to the left, imir axis or None) -> EXIF orientation
_TURNS = {
    (0, None): 1,
    (0, 0): 4,
    (0, 1): 2,
    (1, None): 8,
    (1, 0): 5,
    (1, 1): 7,
    (2, None): 3,
    (2, 0): 2,
    (2, 1): 4,
    (3, None): 6,
    (3, 0): 7,
    (3, 1): 5,
}
#: Boxes that hold parts of the picture.
_PARTS = frozenset((b"meta", b"moov", b"mdat", b"moof"))


def header(data: Body) -> Header:
    """Size and turn of the primary item, frames of the picture track, date of the EXIF item."""
    top = _top(data)
    track = _picture_track(data, top.get(b"moov"))
    meta = top.get(b"meta")
    frames = _samples(data, track) if track else 1
    if meta is None:
        return _track_header(data, track, frames)
    size, orientation = _picture(data, meta)
    return Header(
        width=size[0],
        height=size[1],
        frames=frames,
        orientation=orientation,
        exif_date=_exif_date(data, meta),
    )


def _top(data: Body) -> dict[bytes, Box]:
    """The boxes of the file as far as they are whole."""
    top = dict[bytes, Box]()
    with suppress(TruncatedError):  # its end is another question
        for box in boxes(data, 0, len(data)):
            top.setdefault(box.name, box)
    return top


def _picture(data: Body, meta: Box) -> tuple[tuple[int, int], int]:
    found = properties(data, meta, primary_item(data, meta))
    named = {box.name: box for box in reversed(found)}
    if b"ispe" not in named:
        raise CorruptError("no size")
    width, height = unpack_from(">II", data, named[b"ispe"].start + 4)
    turn, mirror = named.get(b"irot"), named.get(b"imir")
    quarter = data[turn.start] & 3 if turn else 0
    return (width, height), _TURNS[quarter, data[mirror.start] & 1 if mirror else None]


def _exif_date(data: Body, meta: Box) -> str:
    item = item_of_type(data, meta, b"Exif")
    places = [extent for extent in extents(data, meta) if item and extent.item == item]
    if not places or places[0].start + 4 > len(data):
        return ""
    _, start, length = places[0]
    skip: int = unpack_from(">I", data, start)[0]
    return read_exif(data, start + 4 + skip, min(start + length, len(data)))[1]


def _picture_track(data: Body, movie: Box | None) -> Box | None:
    """The first track whose handler is pictures."""
    if movie is None:
        return None
    for box in boxes(data, movie.start, movie.end):
        handler = find(data, box, b"mdia", b"hdlr") if box.name == b"trak" else None
        if handler and data[handler.start + 8 : handler.start + 12] == b"pict":
            return box
    return None


def _sample_table(data: Body, track: Box, name: bytes) -> Box | None:
    return find(data, track, b"mdia", b"minf", b"stbl", name)


def _samples(data: Body, track: Box) -> int:
    box = _sample_table(data, track, b"stsz")
    return max(1, unpack_from(">I", data, box.start + 8)[0]) if box else 1


def _track_header(data: Body, track: Box | None, frames: int) -> Header:
    box = find(data, track, b"tkhd")
    if box is None:
        raise TruncatedError("neither item nor track")
    width, height = unpack_from(">II", data, box.end - 8)
    return Header(width=width >> 16, height=height >> 16, frames=frames)


def check_end(data: Body) -> None:
    """All items' data and all chunks of the track must be in the file. What follows is let be."""
    top = _top(data)
    behind = max(box.end for box in top.values()) if top else 0
    if data[behind + 4 : behind + 8] in _PARTS:
        raise TruncatedError("ends inside a box")
    meta, track = top.get(b"meta"), _picture_track(data, top.get(b"moov"))
    ends = [start + length for _, start, length in extents(data, meta)] if meta else []
    ends += _chunk_starts(data, track) if track else []
    if not ends:
        raise CorruptError("no picture data")
    if max(ends) > len(data):
        raise TruncatedError(f"{len(data)} of {max(ends)} bytes")


def _chunk_starts(data: Body, track: Box) -> list[int]:
    """Where the chunks of the track begin, each with at least one byte (stco, co64)."""
    for name, code, size in ((b"stco", "I", 4), (b"co64", "Q", 8)):
        box = _sample_table(data, track, name)
        if box:
            count = min(
                unpack_from(">I", data, box.start + 4)[0], (box.end - box.start - 8) // size
            )
            starts = unpack_from(f">{count}{code}", data, box.start + 8)
            return [start + 1 for start in starts]
    return []


def decode(data: Body, header: Header) -> None:
    """Decode every frame; in a child process (see `bowerbird.images.lanes`)."""
    from PIL.AvifImagePlugin import AvifImageFile

    from bowerbird.images.pillow import load_all

    with AvifImageFile(BytesIO(data[:])) as picture:
        load_all(picture, header)
