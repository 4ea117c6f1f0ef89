"""ICO and CUR: a directory of pictures, each a PNG or a bitmap with a mask."""

from itertools import pairwise
from math import prod
from struct import unpack_from

from bowerbird.images.base import Body, CorruptError, Header, TruncatedError
from bowerbird.images.formats import bmp, png

#: Pictures of one icon; real ones have up to 30.
MAX_ENTRIES = 256

_PNG = b"\x89PNG\r\n\x1a\n"


def header(data: Body) -> Header:
    """Size of the largest picture. The others are the same icon, not frames, but cost as much."""
    sizes = [_true_size(data, start) for _, start in _entries(data)]
    width, height = max(sizes, key=prod)
    return Header(width=width, height=height, frame_pixels=sum(map(prod, sizes)))


def _entries(data: Body) -> list[tuple[int, int]]:
    """(size, start) of each picture, as the directory has them."""
    count: int = unpack_from("<H", data, 4)[0]
    if not 0 < count <= MAX_ENTRIES:
        raise CorruptError(f"{count} pictures")
    if 6 + 16 * count > len(data):
        raise TruncatedError("ends inside the directory")
    return [unpack_from("<II", data, at + 8) for at in range(6, 6 + 16 * count, 16)]


def _true_size(data: Body, start: int) -> tuple[int, int]:
    """Size of the picture by its own header: one byte of the directory holds no more than 256."""
    if data[start : start + 8] == _PNG:
        return unpack_from(">II", data, start + 16)
    dib = bmp.read_dib(data, start)
    return dib.width, max(dib.height // 2, 1)  # the mask doubles the height


def _pictures(data: Body) -> list[tuple[int, int]]:
    """Where each picture begins and the next one, or the end. The sizes in the directory are often
    wrong, and nobody needs them: a picture says itself how long it is."""
    starts = sorted({start for _, start in _entries(data)})
    if starts[0] < 6:
        raise CorruptError("picture outside the file")
    if starts[-1] + 12 > len(data):
        raise TruncatedError(f"{len(data)} bytes, a picture at {starts[-1]}")
    return list(pairwise([*starts, len(data)]))


def check_end(data: Body) -> None:
    """All pictures must be in the file: PNG to its end, of a bitmap the colours. Masks are often
    short, but the file is cut where the directory has more than is there."""
    sizes = {start: size for size, start in _entries(data)}
    for start, end in _pictures(data):
        picture = data[start:end]
        if picture[:8] == _PNG:
            png.check_end(picture)
        else:
            _check_bitmap(picture, masked=start + sizes[start] > len(data))


def decode(data: Body, _: Header) -> None:
    """Every PNG; bitmaps have no more to be decoded."""
    for start, end in _pictures(data):
        picture = data[start:end]
        if picture[:8] == _PNG:
            png.decode(picture, png.header(picture))


def _check_bitmap(picture: bytes, *, masked: bool) -> None:
    dib = bmp.read_dib(picture, 0)
    header_size: int = unpack_from("<I", picture, 0)[0]
    row = dib.stride + ((dib.width + 31) // 32 * 4 if masked else 0)
    if header_size + row * (dib.height // 2) > len(picture):
        raise TruncatedError("bitmap shorter than its size")
