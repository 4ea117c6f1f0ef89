"""JPEG (ITU T.81): segments up to the first scan, the end marker, decode by libjpeg-turbo."""

import re
from collections.abc import Iterator
from io import BytesIO
from struct import unpack_from

from bowerbird.images.base import Body, CorruptError, Header, TruncatedError
from bowerbird.images.exif import read_exif

#: Segments before the first scan; profiles and extended XMP of 32 MiB need 512.
MAX_SEGMENTS = 4_096
#: Scans of a progressive file; each is a pass over all pixels, so many are a bomb: at most so many,
#: and so many pixels passed over in all, 1.3 s of them, but what encoders write at any size.
MAX_SCANS, MAX_SCANNED, USUAL_SCANS = 500, 1_000_000_000, 20

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL = frozenset((0xC0, 0xC1))  # Huffman-coded; others are not in one pass, or rare
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a length
_SOS, _EOI, _APP1 = 0xDA, 0xD9, 0xE1
_NEXT = re.compile(rb"\xff[^\x00\xff]")
_END = re.compile(rb"\xff[\xd9\xda\xc4\xdb\xdd\xfe\xe0-\xef\xdc\xcc]")
#: Warnings of libjpeg that change no pixel that matters; browsers show such files.
_HARMLESS = ("extraneous bytes", "SOS parameters", "progression", "Adobe", "JFIF", "ICC")
#: What TurboJPEG has no name for, and libjpeg decodes: 4:1:0.
_UNNAMED = "subsampling"


def header(data: Body) -> Header:
    """Size from the frame header, orientation and date from the first EXIF segment."""
    exif, size, at = (1, ""), (0, 0), 2
    for _ in range(MAX_SEGMENTS):
        marker, start, at = _segment(data, at)
        if marker in _FRAMES:
            height, width = unpack_from(">HH", data, start + 1)
            size = (width, height)
        elif marker == _APP1 and data[start : start + 4] == b"Exif" and exif == (1, ""):
            exif = read_exif(data, start, at)
        elif marker == _SOS:
            return _header(size, exif)
        elif marker == _EOI:
            break
    raise CorruptError("no scan")


def _header(size: tuple[int, int], exif: tuple[int, str]) -> Header:
    if not all(size):
        raise CorruptError("no size before the first scan")
    return Header(width=size[0], height=size[1], orientation=exif[0], exif_date=exif[1])


def _segment(data: Body, at: int) -> tuple[int, int, int]:
    """The next marker, where its payload begins, where the next segment does."""
    at = _marker(data, at)
    marker = data[at]
    if marker in _ALONE or marker == _EOI:
        return marker, at + 1, at + 1
    length: int = unpack_from(">H", data, at + 1)[0]
    if length < 2:
        raise CorruptError(f"segment of length {length}")
    if at + 1 + length > len(data):
        raise TruncatedError("ends inside a segment")
    return marker, at + 3, at + 1 + length


def _marker(data: Body, at: int) -> int:
    """Where the next marker's code is. Stray bytes before it are skipped exactly as libjpeg does:
    were another frame header found, the caps would be held against the wrong size."""
    match = _NEXT.search(data, at)
    if match is None:
        raise TruncatedError("no further marker")
    return match.end() - 1


def check_end(data: Body) -> None:
    """Find the end marker. What follows it (padding, a film, a second picture) is let be."""
    if data[-2:] == b"\xff\xd9":  # entropy-coded data never holds this pair
        return
    if _EOI not in _markers_between_scans(data):
        raise TruncatedError("no end marker")


def _markers_between_scans(data: Body) -> Iterator[int]:
    """The markers after the first scan's header, up to the end marker or the end of the data."""
    at = _first_scan(data)
    for _ in range(MAX_SEGMENTS):
        match = _END.search(data, at)
        if match is None:
            return
        marker = data[match.end() - 1]
        yield marker
        if marker == _EOI:
            return
        at = _segment(data, match.end() - 2)[2]
    raise CorruptError("too many segments")


def _first_scan(data: Body) -> int:
    marker, at = 0, 2
    while marker != _SOS:
        marker, _, at = _segment(data, at)
    return at


def decode(data: Body, header: Header) -> None:
    """Read all entropy-coded data at an eighth of the size; grey, so chroma is not transformed."""
    _limit_scans(data, header)
    try:
        _decode_strictly(data, header)
    except ValueError as error:
        if not any(words in str(error) for words in (*_HARMLESS, _UNNAMED)):
            raise CorruptError(str(error)) from None
        _decode_tolerantly(data)


def _decode_strictly(data: Body, header: Header) -> None:
    """Any warning of libjpeg is an error: that the data end early is one of them."""
    from bowerbird.images.turbo import decode_jpeg

    rows = decode_jpeg(
        data,
        colorspace="GRAY",
        min_height=1,
        min_width=1,
        min_factor=8,
        fastdct=True,
        fastupsample=True,
        strict=True,
    )
    if len(rows) != (header.height + 7) // 8:
        raise CorruptError("header and decoder disagree on the size")


def _decode_tolerantly(data: Body) -> None:
    """Warnings are passed over, as Pillow does; simplejpeg takes those of the header for errors."""
    from PIL.JpegImagePlugin import JpegImageFile

    with JpegImageFile(BytesIO(data[:])) as picture:
        picture.draft("L", (picture.width // 8, picture.height // 8))
        picture.load()


def _limit_scans(data: Body, header: Header) -> None:
    affordable = max(USUAL_SCANS, MAX_SCANNED // (header.width * header.height))
    most = min(MAX_SCANS, affordable)
    if may_have_scans(data, most):
        scans = sum(marker == _SOS for marker in _markers_between_scans(data))
        if scans >= most:
            raise CorruptError(f"more than {most} scans")


def _is_in_passes(data: Body) -> bool:
    """Whether more than one scan is read: it is progressive, or its first scan lacks components."""
    marker, start, at, frame, components = 0, 0, 2, 0, b""
    while marker != _SOS:
        marker, start, at = _segment(data, at)
        if marker in _FRAMES:
            frame, components = marker, data[start + 5 : start + 6]
    return frame not in _SEQUENTIAL or data[start : start + 1] != components


def may_have_scans(data: Body, count: int) -> bool:
    """A quick look: the two bytes may also stand in comments and profiles."""
    if not _is_in_passes(data):
        return False
    at = 0
    for _ in range(count):
        at = data.find(b"\xff\xda", at) + 2
        if at < 2:
            return False
    return True
