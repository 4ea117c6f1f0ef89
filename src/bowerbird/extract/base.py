"""What is found in a document. Plain values; every URL in them is canonical."""

from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from bowerbird.model import Place

#: Links kept from one document: 100 MB of memory. Beyond it the document is a trap, not a page.
MAX_LINKS = 200_000


class Form(StrEnum):
    """What a body is, by its bytes."""

    HTML = "html"
    CSS = "css"
    SITEMAP = "sitemap"
    FEED = "feed"
    IMAGE = "image"
    ROBOTS = "robots"
    TEXT = "text"
    OTHER = "other"


class ImageLink(msgspec.Struct, frozen=True, gc=False):
    """One image named in a document."""

    url: str
    place: Place
    alt: str = ""
    alternates: tuple[str, ...] = ()  #: other sizes of the same image, largest first


class DataImage(msgspec.Struct, frozen=True, gc=False):
    """One image written into the document itself, as a `data:` URI."""

    body: bytes
    alt: str = ""
    place: Place = Place.DATA


@dataclass(slots=True, frozen=True)
class Extracted:
    """All that a document names, each list in the order of the document and without repeats."""

    images: list[ImageLink] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    stylesheets: list[str] = field(default_factory=list)
    sitemaps: list[str] = field(default_factory=list)
    feeds: list[str] = field(default_factory=list)
    data: list[DataImage] = field(default_factory=list)
    directives: frozenset[str] = frozenset()  #: of meta robots and meta bowerbird, lower case
    has_scripts: bool = False  #: it runs code, which may show images that are named nowhere
    title: str = ""
    charset: str = ""  #: WHATWG name of the encoding it was read with
    cut: bool = False  #: it names more than may be taken of it


def words(text: str) -> list[str]:
    """A table of names, written as running text."""
    return text.split()
