"""TIFF and BigTIFF (TIFF 6.0): directories, extents of strips and tiles, decode by Pillow."""

from io import BytesIO

from bowerbird.images.base import Body, CorruptError, Header, TruncatedError
from bowerbird.images.exif import facts
from bowerbird.images.ifd import Directory, Tables

#: Pages read; above any cap on frames.
MAX_PAGES = 10_000

_SUBFILE, _WIDTH, _HEIGHT = 254, 256, 257
#: where the pixels lie -> how long they are: strips, tiles
_EXTENTS = {273: 279, 324: 325}
_OLD_JPEG = {513: 514}


def header(data: Body) -> Header:
    """Size, orientation and date of the first page; pages count as frames."""
    tables = Tables(data)
    pages = _pages(tables)
    if not pages:
        raise CorruptError("no page")
    sizes = [_size(tables, page) for page in pages]
    orientation, date = facts(tables, pages[0])
    return Header(
        width=sizes[0][0],
        height=sizes[0][1],
        frames=len(pages),
        frame_pixels=sum(width * height for width, height in sizes),
        orientation=orientation,
        exif_date=date,
    )


def _pages(tables: Tables) -> list[Directory]:
    return list(tables.directories(MAX_PAGES))


def _size(tables: Tables, page: Directory) -> tuple[int, int]:
    width, height = tables.number(page, _WIDTH), tables.number(page, _HEIGHT)
    if not width or not height:
        raise CorruptError("page without a size")
    return width, height


def check_end(data: Body) -> None:
    """All strips and tiles of all pages, and all values of their tags, must be in the file."""
    tables = Tables(data)
    if not all(_check_page(tables, page, len(data)) for page in _pages(tables)):
        raise CorruptError("page without pixels")


def _check_page(tables: Tables, page: Directory, size: int) -> bool:
    found = False
    if max((values.end for values in page.values()), default=0) > size:
        raise TruncatedError("values beyond the end")
    for place, length in (_EXTENTS | _OLD_JPEG).items():
        starts, lengths = tables.numbers(page, place), tables.numbers(page, length)
        found = found or bool(starts)
        if any(start + count > size for start, count in zip(starts, lengths, strict=False)):
            raise TruncatedError("pixels beyond the end")
        if starts and max(starts) >= size:
            raise TruncatedError("pixels beyond the end")
    return found


def decode(data: Body, header: Header) -> None:
    """Decode every page; in a child process (see `bowerbird.images.lanes`)."""
    from PIL.TiffImagePlugin import TiffImageFile

    with TiffImageFile(BytesIO(data[:])) as picture:
        for page in range(header.frames):
            picture.seek(page)
            if picture.width * picture.height > header.frame_pixels:
                raise CorruptError("header and decoder disagree on the size")
            picture.load()
