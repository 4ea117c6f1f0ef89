"""ICO and CUR: a directory of pictures, each a PNG or a bitmap with a mask."""

from math import prod
from struct import unpack_from

from bowerbird.images.base import Body, CorruptError, Header, TruncatedError
from bowerbird.images.formats import bmp, png

#: Pictures of one icon; real ones have up to 30.
MAX_ENTRIES = 256

_PNG = b"\x89PNG\r\n\x1a\n"


def header(data: Body) -> Header:
    """Size of the largest picture. The others are the same icon, not frames, but cost as much."""
    sizes = [_true_size(data, at) for at in _entries(data)]
    width, height = max(sizes, key=prod)
    return Header(width=width, height=height, frame_pixels=sum(map(prod, sizes)))


def _entries(data: Body) -> range:
    count: int = unpack_from("<H", data, 4)[0]
    if not 0 < count <= MAX_ENTRIES:
        raise CorruptError(f"{count} pictures")
    if 6 + 16 * count > len(data):
        raise TruncatedError("ends inside the directory")
    return range(6, 6 + 16 * count, 16)


def _true_size(data: Body, at: int) -> tuple[int, int]:
    """Size of the picture of this entry by its own header: one byte holds no more than 256."""
    start: int = unpack_from("<I", data, at + 12)[0]
    if data[start : start + 8] == _PNG:
        return unpack_from(">II", data, start + 16)
    dib = bmp.read_dib(data, start)
    return dib.width, max(dib.height // 2, 1)  # the mask doubles the height


def check_end(data: Body) -> None:
    """All pictures must be in the file."""
    for at in _entries(data):
        size, start = unpack_from("<II", data, at + 8)
        if start < 6 or size < 12:
            raise CorruptError("picture outside the file")
        if start + size > len(data):
            raise TruncatedError(f"{len(data)} of {start + size} bytes")


def decode(data: Body, _: Header) -> None:
    """Every picture: PNG as PNG, the colours of a bitmap must be there; masks are often short."""
    for at in _entries(data):
        size, start = unpack_from("<II", data, at + 8)
        picture = data[start : start + size]
        if picture[:8] == _PNG:
            head = png.header(picture)
            png.check_end(picture)
            png.decode(picture, head)
        else:
            _check_bitmap(picture)


def _check_bitmap(picture: bytes) -> None:
    dib = bmp.read_dib(picture, 0)
    header_size: int = unpack_from("<I", picture, 0)[0]
    if header_size + dib.stride * (dib.height // 2) > len(picture):
        raise TruncatedError("bitmap shorter than its size")
