"""Feeds: RSS 0.9x, 1.0 and 2.0, Atom (RFC 4287), with Media RSS and iTunes images."""

from bowerbird.extract.base import DataImage, Extracted, ImageLink
from bowerbird.extract.links import is_image_path
from bowerbird.extract.unpack import unpacked
from bowerbird.extract.xmlstream import Enough, walk
from bowerbird.model import Place
from bowerbird.urls import canonical

#: Links of each kind and pieces of HTML read of one feed; archives have some hundred items.
MAX_LINKS = 50_000
MAX_PIECES = 5_000

_HTML = frozenset(("description", "encoded", "content", "summary"))
_TEXTS = _HTML | {"link", "guid", "url", "logo", "icon"}


def extract_feed(body: bytes, url: str) -> Extracted:
    """Items as pages, enclosures, media, logos and pictures inside their HTML as images."""
    reader = _Reader(url)
    walk(unpacked(body)[0], reader.start, reader.end)
    return Extracted(
        images=list(reader.images.values()),
        pages=list(reader.pages),
        feeds=list(reader.feeds),
        data=list(reader.data.values()),
        charset="utf-8",
    )


class _Reader:
    """Gathers what the elements of one feed say."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._base = url
        self._link = ""  # of the item, where `guid` is only a spare
        self._in_image = False
        self._permalink = False
        self._pieces = 0
        self.pages: dict[str, None] = {}
        self.feeds: dict[str, None] = {}
        self.images: dict[str, ImageLink] = {}
        self.data: dict[bytes, DataImage] = {}

    # Elements that speak by their attributes.

    def start(self, name: str, attributes: dict[str, str]) -> bool:
        """An element begins; whether its text is wanted."""
        if name in ("rss", "feed", "rdf"):
            self._base = canonical(attributes.get("xml:base", ""), self._url) or self._url
            self._in_image = False
        elif name in ("item", "entry"):
            self._link = ""
        elif name == "guid":
            self._permalink = attributes.get("isPermaLink", "true").lower() != "false"
        elif name == "link" and "href" in attributes:
            self._atom_link(attributes)
        else:
            self._media(name, attributes)
        return name in _TEXTS

    def _atom_link(self, attributes: dict[str, str]) -> None:
        relations = attributes.get("rel", "alternate").lower().split()
        if "alternate" in relations:
            self._link = self._page(attributes["href"])
        elif "enclosure" in relations and _is_image(attributes, "href"):
            self._image(attributes["href"])
        elif not {"next", "prev", "previous", "prev-archive"}.isdisjoint(relations):
            self._feed(attributes["href"])  # RFC 5005

    def _media(self, name: str, attributes: dict[str, str]) -> None:
        if name == "image":
            self._in_image = True
            self._image(attributes.get("href", ""))  # iTunes
        elif name == "thumbnail":
            self._image(attributes.get("url", ""))
        elif name in ("enclosure", "content") and _is_image(attributes, "url"):
            self._image(attributes["url"])
        elif name == "content" and _is_image(attributes, "src"):
            self._image(attributes["src"])
        elif name == "img":  # Atom with XHTML inside
            self._image(attributes.get("src", ""), attributes.get("alt", ""))

    # Elements that speak by their text.

    def end(self, name: str, text: str) -> None:
        """An element ends."""
        if name == "image":
            self._in_image = False
        elif name in ("item", "entry"):
            self._permalink = False
        elif not text:
            return
        elif name == "link" and not self._in_image:
            self._link = self._page(text)
        elif name == "guid" and self._permalink and not self._link and "://" in text:
            self._page(text)
        elif name in ("logo", "icon") or (name == "url" and self._in_image):
            self._image(text)
        elif name in _HTML and "<" in text:
            self._html(text)

    def _html(self, text: str) -> None:
        """Pictures of a piece of HTML; its links are no pages of this site's choosing."""
        from bowerbird.extract.html import extract_html

        self._pieces += 1
        if self._pieces > MAX_PIECES:
            return
        piece = extract_html(
            text.encode("utf-8", "replace"),
            self._link or self._base,
            content_type="text/html; charset=utf-8",
        )
        for image in piece.images[:MAX_LINKS]:
            self.images.setdefault(image.url, image)
        self.data.update((image.body, image) for image in piece.data)

    # What was found.

    def _page(self, text: str) -> str:
        return self._add(self.pages, text)

    def _feed(self, text: str) -> None:
        self._add(self.feeds, text)

    def _add(self, links: dict[str, None], text: str) -> str:
        link = canonical(text.strip(), self._base)
        if link:
            links[link] = None
        if len(links) > MAX_LINKS:
            raise Enough
        return link or ""

    def _image(self, text: str, alt: str = "") -> None:
        link = canonical(text.strip(), self._link or self._base) if text.strip() else None
        if link and len(self.images) < MAX_LINKS:
            self.images.setdefault(link, ImageLink(link, Place.FEED, " ".join(alt.split())))


def _is_image(attributes: dict[str, str], name: str) -> bool:
    """Whether what this attribute names is an image, by type, medium or ending."""
    url = attributes.get(name, "").strip()
    kind = attributes.get("type", "").lower()
    if not url:
        return False
    if kind.startswith("image/") or attributes.get("medium", "").lower() == "image":
        return True
    return "/" not in kind and is_image_path(url)
