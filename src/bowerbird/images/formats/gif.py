"""GIF (GIF89a specification): blocks walked one by one, each frame decoded alone by Pillow.

Alone means as a picture of the frame's own size, so that no frame costs more than its pixels.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from struct import pack, unpack_from
from typing import NamedTuple

from bowerbird.images.base import Body, CorruptError, Header, TruncatedError

#: Blocks of one file: extensions and frames; more frames than any cap allows.
MAX_BLOCKS = 20_000
#: Sub-blocks walked in all: 32 MiB of the full 255 bytes have 131,586.
MAX_SUB_BLOCKS = 1 << 18
#: Pixels that a frame may have on whatever screen; some real ones outgrow theirs a little.
SMALL = 1_000_000

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
#: Most bits of a pixel.
MAX_DEPTH = 8


_ZEROS = re.compile(rb"\0+")


class _Frame(NamedTuple):
    width: int
    height: int
    start: int  #: of its descriptor
    data: int  #: of its compressed pixels


def header(data: Body) -> Header:
    """Screen size and the frames that are there."""
    width, height = unpack_from("<HH", data, 6)
    most = max(width * height, SMALL)
    frames, pixels, largest = 0, 0, (0, 0)
    try:
        for frame in _frames(data):
            if frame.width * frame.height > most:
                raise CorruptError("a frame larger than the screen")
            frames += 1
            pixels += frame.width * frame.height
            largest = max(largest[0], frame.width), max(largest[1], frame.height)
    except (TruncatedError, IndexError):  # its end is another question
        if not frames:
            raise
    return Header(
        width=width or largest[0],  # browsers take the frame's size for a screen of none
        height=height or largest[1],
        frames=max(frames, 1),
        frame_pixels=pixels,
    )


def check_end(data: Body) -> None:
    """Walk to the trailer; there must be a frame. What follows the trailer is let be."""
    if not any(frame.width and frame.height for frame in list(_frames(data))):
        raise CorruptError("no frame")


def decode(data: Body, _: Header) -> None:
    """Decode each frame alone."""
    from PIL.GifImagePlugin import GifImageFile

    palette = data[13 : 13 + _palette_size(data[10])]
    for frame in _frames(data):
        if frame.width and frame.height:
            screen = pack("<HHBBB", frame.width, frame.height, data[10], 0, 0)
            end = _skip(data, frame.data, [MAX_SUB_BLOCKS])
            block = b"\x2c\0\0\0\0" + data[frame.start + 5 : end]
            alone = b"GIF89a" + screen + palette + block + b"\x3b"
            with GifImageFile(BytesIO(alone)) as picture:
                picture.load()


def _frames(data: Body) -> Iterator[_Frame]:
    at = 13 + _palette_size(data[10])
    budget, whole = [MAX_SUB_BLOCKS], False
    for _ in range(MAX_BLOCKS):
        if at >= len(data):
            raise TruncatedError("no trailer")
        block = data[at]
        if block == _TRAILER:
            return
        if block == _IMAGE:
            start = at
            width, height = _size(data, at)
            at += 11 + _palette_size(data[at + 9])
            if data[at - 1] > MAX_DEPTH:
                raise CorruptError(f"pixels of {data[at - 1]} bits")
            yield _Frame(width, height, start, at)
            at = _skip(data, at, budget)
            whole = True
        elif block == _EXTENSION:
            at = _skip(data, at + 2, budget)
        elif whole and not block:  # padding, as some encoders write it
            at = _after_zeros(data, at)
        else:
            raise CorruptError(f"unknown block 0x{block:02x}")
    raise CorruptError("too many blocks")


def _size(data: Body, at: int) -> tuple[int, int]:
    if at + 10 > len(data):
        raise TruncatedError("ends inside a frame")
    return unpack_from("<HH", data, at + 5)


def _palette_size(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_zeros(data: Body, at: int) -> int:
    match = _ZEROS.match(data, at)
    return match.end() if match else at


def _skip(data: Body, at: int, budget: list[int]) -> int:
    """Where the sub-blocks that begin here end."""
    size = len(data)
    while at < size and (length := data[at]):
        at += length + 1
        budget[0] -= 1
        if budget[0] < 0:
            raise CorruptError("too many blocks")
    if at >= size:
        raise TruncatedError("ends inside a block")
    return at + 1
