"""WebP (RFC 9649): RIFF chunks, size from VP8, VP8L or VP8X, decode by Pillow (libwebp)."""

from collections.abc import Iterator
from io import BytesIO
from struct import unpack_from
from typing import NamedTuple

from bowerbird.images.base import Body, CorruptError, Header, TruncatedError
from bowerbird.images.exif import read_exif

#: Chunks of one file: two for each of the frames that any cap allows, and metadata.
MAX_CHUNKS = 20_000

_PIXELS = (b"VP8 ", b"VP8L", b"ANMF")


class _Chunk(NamedTuple):
    name: bytes
    start: int  #: of its data
    end: int


def header(data: Body) -> Header:
    """Size, frames, orientation and date from whichever chunks carry them."""
    if len(data) < 30:
        raise TruncatedError("ends inside its header")
    name = data[12:16]
    if name == b"VP8X":
        return _extended(data)
    width, height = _still_size(name, data, 20)
    return Header(width=width, height=height)


def _still_size(name: bytes, data: Body, at: int) -> tuple[int, int]:
    if name == b"VP8 ":
        if data[at + 3 : at + 6] != b"\x9d\x01\x2a":
            raise CorruptError("no VP8 frame")
        width, height = unpack_from("<HH", data, at + 6)
        return width & 0x3FFF, height & 0x3FFF
    if name == b"VP8L" and data[at] == 0x2F:
        bits: int = unpack_from("<I", data, at + 1)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    raise CorruptError("no image chunk")


def _extended(data: Body) -> Header:
    width, height = _three(data, 24) + 1, _three(data, 27) + 1
    frames, pixels, exif = 0, 0, (1, "")
    try:
        for chunk in _chunks(data):
            if chunk.name == b"ANMF":
                frames += 1
                pixels += (_three(data, chunk.start + 6) + 1) * (_three(data, chunk.start + 9) + 1)
            elif chunk.name == b"EXIF":
                exif = read_exif(data, chunk.start, chunk.end)
    except (TruncatedError, IndexError):  # its end is another question
        pass
    return Header(
        width=width,
        height=height,
        frames=max(frames, 1),
        frame_pixels=pixels,
        orientation=exif[0],
        exif_date=exif[1],
    )


def _three(data: Body, at: int) -> int:
    return data[at] | data[at + 1] << 8 | data[at + 2] << 16


def _chunks(data: Body) -> Iterator[_Chunk]:
    """The chunks of the RIFF form; what follows the form is let be."""
    end = 8 + int(unpack_from("<I", data, 4)[0])
    at = 12
    for _ in range(MAX_CHUNKS):
        if at + 8 > end:
            return
        length: int = unpack_from("<I", data, at + 4)[0] if at + 8 <= len(data) else 0
        if at + 8 + length > len(data):
            raise TruncatedError("ends inside a chunk")
        yield _Chunk(data[at : at + 4], at + 8, at + 8 + length)
        at += 8 + length + (length & 1)
    raise CorruptError("too many chunks")


def check_end(data: Body) -> None:
    """The RIFF form and all its chunks must be there, one of them with pixels."""
    if 8 + int(unpack_from("<I", data, 4)[0]) > len(data):
        raise TruncatedError("shorter than its RIFF size")
    if not any(chunk.name in _PIXELS for chunk in list(_chunks(data))):
        raise CorruptError("no image chunk")


def decode(data: Body, header: Header) -> None:
    """Decode every frame."""
    from PIL.WebPImagePlugin import WebPImageFile

    from bowerbird.images.pillow import load_all

    with WebPImageFile(BytesIO(data[:])) as picture:
        load_all(picture, header)
