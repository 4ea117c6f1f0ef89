"""What the gallery's index answers."""

import msgspec

#: Image types by their number in the index; 0 is any other.
TYPES = ("", "jpeg", "png", "gif", "webp", "avif", "bmp", "tiff", "ico", "svg")
#: The number of an image that is no more: its record was forgotten, and fetched anew.
GONE = 255


class Item(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An image as the gallery shows it."""

    id: int  #: its place in order of arrival, from 0
    record: int  #: its row in the catalog
    url: str  #: that gave the bytes
    type: str
    width: int
    height: int
    bytes: int
    fetched_at: int  #: seconds since 1970
    alt: str  #: texts by which pages describe it, a line each
    sha256: str  #: "": its bytes are not among ours
    folders: tuple[str, ...]  #: what its holders call the folders where the bytes lie


class Facets(msgspec.Struct, frozen=True, kw_only=True):
    """Counts over a view."""

    images: int
    bytes: int
    types: dict[str, int]
    hosts: list[tuple[str, int]]  #: those with most images first
