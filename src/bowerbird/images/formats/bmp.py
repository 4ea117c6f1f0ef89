"""BMP (Windows bitmap headers, OS/2 to version 5). Plain pixels need no decoder at all."""

from io import BytesIO
from struct import unpack_from
from typing import NamedTuple

from bowerbird.images.base import Body, CorruptError, Header, TruncatedError

_DEPTHS = frozenset((1, 2, 4, 8, 16, 24, 32))
_PLAIN = frozenset((0, 3, 6))  # BI_RGB, BI_BITFIELDS, BI_ALPHABITFIELDS
_RLE = {1: 8, 2: 4}  # BI_RLE8, BI_RLE4: bits of a pixel


class Dib(NamedTuple):
    """What a bitmap header says; `height` is positive whichever end comes first."""

    width: int
    height: int
    depth: int
    compression: int

    @property
    def stride(self) -> int:
        """Bytes of a row, padded to four."""
        return (self.width * self.depth + 31) // 32 * 4


def read_dib(data: Body, at: int) -> Dib:
    """The bitmap header at this offset."""
    size: int = unpack_from("<I", data, at)[0]
    if size == 12:
        width, height, _, depth = unpack_from("<HHHH", data, at + 4)
        return _checked(Dib(width, height, depth, 0))
    width, height, _, depth = unpack_from("<iiHH", data, at + 4)
    compression = unpack_from("<I", data, at + 16)[0] if size >= 40 else 0
    return _checked(Dib(width, abs(height), depth, compression))


def _checked(dib: Dib) -> Dib:
    if dib.width <= 0 or dib.height <= 0 or dib.depth not in _DEPTHS:
        raise CorruptError(f"{dib.width} x {dib.height} pixels of {dib.depth} bits")
    if dib.compression not in _PLAIN and _RLE.get(dib.compression) != dib.depth:
        raise CorruptError(f"compression {dib.compression} with {dib.depth} bits")
    return dib


def is_plain(data: Body) -> bool:
    """Whether its pixels need no decoder."""
    return read_dib(data, 14).compression in _PLAIN


def header(data: Body) -> Header:
    """Size from the bitmap header."""
    dib = read_dib(data, 14)
    return Header(width=dib.width, height=dib.height)


def check_end(data: Body) -> None:
    """The pixels must be in the file: all rows where plain, the announced bytes where packed."""
    dib, start = read_dib(data, 14), int(unpack_from("<I", data, 10)[0])
    if start < 14 + 12:
        raise CorruptError("pixels inside the header")
    if start <= 14 + int(unpack_from("<I", data, 14)[0]):  # within the header, or no palette
        start = _after_palette(data, dib)
    plain = dib.compression in _PLAIN
    size = dib.stride * dib.height if plain else int(unpack_from("<I", data, 34)[0])
    if start + size > len(data):
        raise TruncatedError(f"{len(data)} of {start + size} bytes")


def _after_palette(data: Body, dib: Dib) -> int:
    """Where pixels can begin at the earliest."""
    size: int = unpack_from("<I", data, 14)[0]
    if dib.depth > 8:
        return 14 + size
    if size == 12:
        return 14 + size + (3 << dib.depth)
    colours: int = unpack_from("<I", data, 46)[0] if size >= 40 else 0
    return 14 + size + 4 * (colours or 1 << dib.depth)


def decode(data: Body, header: Header) -> None:
    """Plain pixels cannot be wrong; run lengths are decoded by Pillow."""
    if is_plain(data):
        return
    from PIL.BmpImagePlugin import BmpImageFile

    from bowerbird.images.pillow import load_all

    with BmpImageFile(BytesIO(data[:])) as picture:
        load_all(picture, header)
