"""PNG and APNG (W3C PNG, third edition).

The decode is our own: all of its data is inflated, with every checksum, length and filter type
looked at. That is what a decoder does short of adding up the pixels; it needs a few MiB of memory
whatever the size, no imaging library, and no native code but what inflates.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from struct import unpack_from
from typing import NamedTuple

from bowerbird.images import inflate
from bowerbird.images.base import Body, CorruptError, Header, TruncatedError
from bowerbird.images.exif import read_exif

#: Chunks of one file; a 32 MiB file in the 8 KiB steps of libpng has 4,096.
MAX_CHUNKS = 100_000
#: Compressed and inflated bytes in hand at a time.
STEP = 1 << 18
#: Image data of no more bytes than this, compressed and inflated, is taken at once.
AT_ONCE = 1 << 22

#: colour type -> (samples, bit depths allowed)
_COLOURS = {
    0: (1, (1, 2, 4, 8, 16)),
    2: (3, (8, 16)),
    3: (1, (1, 2, 4, 8)),
    4: (2, (8, 16)),
    6: (4, (8, 16)),
}
#: Adam7: x start, y start, x step, y step of each pass
_PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
_FILTERS = bytes(range(5))
#: Compression, filter, interlace.
_METHODS = ([0, 0, 0], [0, 0, 1])
#: Bytes of 256 colours.
_PALETTE = 768
_CRITICAL = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT"))


class _Chunk(NamedTuple):
    name: bytes
    start: int  #: of its data
    end: int


def _chunks(data: Body, at: int = 8) -> Iterator[_Chunk]:
    """All chunks up to and with IEND; trailing bytes are let be."""
    for _ in range(MAX_CHUNKS):
        if at + 12 > len(data):
            raise TruncatedError("no IEND")
        length: int = unpack_from(">I", data, at)[0]
        chunk = _Chunk(data[at + 4 : at + 8], at + 8, at + 8 + length)
        if not chunk.name.isalpha():
            raise CorruptError("chunk without a name")
        if chunk.end + 4 > len(data):
            raise TruncatedError("ends inside a chunk")
        yield chunk
        if chunk.name == b"IEND":
            return
        at = chunk.end + 4
    raise CorruptError("too many chunks")


def header(data: Body) -> Header:
    """Size from IHDR, frames from acTL and fcTL, orientation and date from eXIf."""
    width, height = _size(data)
    frames, pixels, exif = 0, 0, (1, "")
    try:
        for chunk in _chunks(data, 33):
            if chunk.name == b"fcTL":
                frames += 1
                pixels += _frame_pixels(data, chunk, width, height)
            elif chunk.name == b"eXIf":
                exif = read_exif(data, chunk.start, chunk.end)
    except TruncatedError:  # its end is another question
        pass
    return Header(
        width=width,
        height=height,
        frames=max(frames, 1),
        frame_pixels=pixels,
        orientation=exif[0],
        exif_date=exif[1],
    )


def _size(data: Body) -> tuple[int, int]:
    length, name, width, height, depth, colour, *methods = unpack_from(">I4sIIBBBBB", data, 8)
    if name != b"IHDR" or length != 13:
        raise CorruptError("does not begin with IHDR")
    if not 0 < width < 1 << 31 or not 0 < height < 1 << 31:
        raise CorruptError(f"size of {width} x {height}")
    if depth not in _COLOURS.get(colour, (0, ()))[1]:
        raise CorruptError(f"bit depth {depth} with colour type {colour}")
    if methods not in _METHODS:
        raise CorruptError("unknown compression, filter or interlace method")
    return width, height


def _frame_pixels(data: Body, chunk: _Chunk, width: int, height: int) -> int:
    size: tuple[int, int] = unpack_from(">II", data, chunk.start + 4)
    if size[0] > width or size[1] > height:
        raise CorruptError("a frame larger than the picture")
    return size[0] * size[1]


def check_end(data: Body) -> None:
    """Walk all chunks to IEND; there must be image data, and nothing that one has to understand
    and nobody does."""
    names = {chunk.name for chunk in _chunks(data)}
    if b"IDAT" not in names:
        raise CorruptError("no image data")
    for name in names - _CRITICAL:
        if name[:1].isupper():
            raise CorruptError(f"unknown critical chunk {name!r}")


def decode(data: Body, header: Header) -> None:
    """Inflate every frame; check every checksum of what counts, and every filter type."""
    chunks = [chunk for chunk in _chunks(data) if chunk.name in _CRITICAL]
    for chunk in chunks:
        _check_sum(data, chunk)
    _check_palette(data, chunks)
    _check_animation(data, chunks)
    size = (header.width, header.height)
    _inflate(data, _spans(chunks, b"IDAT", 0), _rows(data, size))
    for size, parts in _animation(data, chunks):
        _inflate(data, _spans(parts, b"fdAT", 4), _rows(data, size))


def _check_sum(data: Body, chunk: _Chunk) -> None:
    crc = 0
    for at in range(chunk.start - 4, chunk.end, STEP):
        crc = inflate.crc32(data[at : min(at + STEP, chunk.end)], crc)
    if crc != unpack_from(">I", data, chunk.end)[0]:
        raise CorruptError(f"checksum of {chunk.name!r}")


def _check_palette(data: Body, chunks: list[_Chunk]) -> None:
    if data[25] != 3:
        return  # elsewhere it is a hint
    sizes = [chunk.end - chunk.start for chunk in chunks if chunk.name == b"PLTE"]
    if not sizes:
        raise CorruptError("no palette")
    if any(size % 3 or size > _PALETTE for size in sizes):
        raise CorruptError("palette of odd length")


def _check_animation(data: Body, chunks: list[_Chunk]) -> None:
    """Its chunks are numbered without a gap, each frame has data, none of them is missing."""
    announced = [
        int(unpack_from(">I", data, one.start)[0]) for one in chunks if one.name == b"acTL"
    ]
    if not announced:
        return
    numbered = [one for one in chunks if one.name in (b"fcTL", b"fdAT")]
    if any(unpack_from(">I", data, one.start)[0] != n for n, one in enumerate(numbered)):
        raise CorruptError("animation out of order")
    names = [one.name for one in chunks if one.name not in (b"PLTE", b"acTL")]
    if any(one == b"fcTL" and then in (b"fcTL", b"IEND") for one, then in pairwise(names)):
        raise CorruptError("frame without data")
    if names.count(b"fcTL") < announced[0]:
        raise TruncatedError(f"{names.count(b'fcTL')} of {announced[0]} frames")


def _animation(data: Body, chunks: list[_Chunk]) -> Iterator[tuple[tuple[int, int], list[_Chunk]]]:
    """Size and chunks of each frame that is not the still image itself."""
    size, parts = (0, 0), list[_Chunk]()
    for chunk in chunks:
        if chunk.name == b"fdAT":
            parts.append(chunk)
        elif chunk.name in (b"fcTL", b"IEND"):
            if parts:
                yield size, parts
            size, parts = _frame_size(data, chunk), []


def _frame_size(data: Body, chunk: _Chunk) -> tuple[int, int]:
    return unpack_from(">II", data, chunk.start + 4) if chunk.name == b"fcTL" else (0, 0)


def _spans(chunks: list[_Chunk], name: bytes, skip: int) -> list[tuple[int, int]]:
    """Where the image data lies: (start, end) of each piece."""
    return [(chunk.start + skip, chunk.end) for chunk in chunks if chunk.name == name]


def _rows(data: Body, size: tuple[int, int]) -> list[tuple[int, int]]:
    """(bytes in a row with its filter type, rows) for each pass of the image data."""
    depth, colour, interlaced = data[24], data[25], data[28]
    bits = depth * _COLOURS[colour][0]
    passes = _PASSES if interlaced else ((0, 0, 1, 1),)
    rows = []
    for x, y, x_step, y_step in passes:
        width, height = -((x - size[0]) // x_step), -((y - size[1]) // y_step)
        if width > 0 and height > 0:
            rows.append((1 + (width * bits + 7) // 8, height))
    return rows


def _inflate(data: Body, spans: list[tuple[int, int]], rows: list[tuple[int, int]]) -> None:
    """Raise unless the spans inflate, to their checksum, to all these rows."""
    if not _inflates_at_once(data, spans, rows):
        _inflate_in_steps(_pieces(data, spans), rows)


def _inflates_at_once(
    data: Body, spans: list[tuple[int, int]], rows: list[tuple[int, int]]
) -> bool:
    """Whether it is small, and inflates as it should: what is wrong is for the steps to tell."""
    size = sum(stride * count for stride, count in rows)
    if max(size, sum(end - start for start, end in spans)) > AT_ONCE:
        return False
    raw = inflate.at_once(b"".join([data[start:end] for start, end in spans]), size)
    if raw is None:
        return False
    _Filters(rows).take(raw)
    return True


def _pieces(data: Body, spans: list[tuple[int, int]]) -> Iterator[bytes]:
    for start, end in spans:
        for at in range(start, end, STEP):
            yield data[at : min(at + STEP, end)]


def _inflate_in_steps(pieces: Iterable[bytes], rows: list[tuple[int, int]]) -> None:
    filters = _Filters(rows)
    stream = inflate.decompressobj()
    try:
        for piece in pieces:
            more = not filters.full
            while more:
                raw = stream.decompress(piece, STEP)
                filters.take(raw)
                piece = stream.unconsumed_tail
                # ISA-L takes all input at once and may hold back output: then a step was full
                more = not filters.full and bool(piece or len(raw) == STEP)
            if filters.full and not stream.eof:
                stream.decompress(piece, STEP)
    except inflate.error as error:
        raise CorruptError(str(error)) from None
    if not filters.full:
        raise CorruptError("image data ends early")


class _Filters:
    """Looks at the filter type of each row in image data that comes in steps."""

    def __init__(self, rows: list[tuple[int, int]]) -> None:
        self._passes = rows
        self._left = sum(stride * count for stride, count in rows)
        self._at = 0  # in the current pass

    @property
    def full(self) -> bool:
        """Whether all rows have come."""
        return self._left <= 0

    def take(self, raw: bytes | bytearray) -> None:
        """The next bytes of image data; what is too much is let be."""
        self._left -= len(raw)
        rest = memoryview(raw)
        while rest and self._passes:
            stride, count = self._passes[0]
            part = rest[: stride * count - self._at]
            if bytes(part[-self._at % stride :: stride]).translate(None, _FILTERS):
                raise CorruptError("unknown filter type")
            rest = rest[len(part) :]
            self._step(len(part), stride * count)

    def _step(self, size: int, whole: int) -> None:
        self._at += size
        if self._at == whole:
            self._passes, self._at = self._passes[1:], 0
