"""What the API answers of the gallery. Fields are only ever added."""

from typing import Annotated

import msgspec
from msgspec import Meta

from bowerbird.app.gallery import Item, host_of, name_of

#: Types that browsers draw as they are. SVG is none of them: it carries scripts.
DRAWN = frozenset(("jpeg", "png", "gif", "webp", "avif", "bmp", "ico"))


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all values here."""


class Found(Answer, frozen=True, kw_only=True):
    """How many images a query finds."""

    found: int
    images: Annotated[int, Meta(description="in the gallery at all; a later `upto`")]
    upto: Annotated[int, Meta(description="of these the first so many were looked through")]
    behind: Annotated[bool, Meta(description="the crawl has more, which are being taken in")]


class Counts(Answer, frozen=True, kw_only=True):
    """Counts over what a query finds."""

    found: int
    bytes: int
    types: dict[str, int]
    hosts: Annotated[list[tuple[str, int]], Meta(description="with the most images, at most 50")]


class Names(Answer, frozen=True, kw_only=True):
    """Names of hosts, those that begin with the text first."""

    names: list[str]


class Picture(Answer, frozen=True, kw_only=True):
    """An image as the grid shows it."""

    id: int
    name: str
    url: str
    host: str
    type: str
    width: int
    height: int
    bytes: int
    fetched_at: Annotated[int, Meta(description="seconds since 1970")]
    alt: Annotated[str, Meta(description="texts by which pages describe it, a line each")]
    sha256: str
    away: Annotated[str, Meta(description="where it lies, if not on this machine")]


class Pictures(Answer, frozen=True, kw_only=True):
    """A stretch of what a query finds."""

    start: int
    found: int
    images: list[Picture]


class Seen(Answer, frozen=True, kw_only=True):
    """Where an image was seen."""

    page: str
    image: Annotated[str, Meta(description="the URL in the page, before redirections")]
    alt: str
    place: str


class Holding(Answer, frozen=True, kw_only=True):
    """A folder or bucket that has an image's bytes."""

    folder: str
    path: str
    worker: str
    here: bool


class Detail(Answer, frozen=True, kw_only=True):
    """All that is known of one image."""

    image: Picture
    shown: Annotated[bool, Meta(description="browsers can draw the original")]
    first_url: str = ""
    status: int = 0
    etag: str = ""
    last_modified: str = ""
    exif_date: str = ""
    orientation: int = 1
    frames: int = 1
    damaged: bool = False
    sightings: list[Seen] = []
    sightings_more: Annotated[int, Meta(description="beyond those listed")] = 0
    holders: list[Holding] = []
    exif: dict[str, str] = {}
    gone: Annotated[bool, Meta(description="the catalog has it no more")] = False


def picture_of(item: Item, away: str) -> Picture:
    """An item as it is told."""
    return Picture(
        id=item.id, name=name_of(item.url) or item.url, url=item.url, host=host_of(item.url),
        type=item.type, width=item.width, height=item.height, bytes=item.bytes,
        fetched_at=item.fetched_at, alt=item.alt, sha256=item.sha256, away=away,
    )  # fmt: skip
