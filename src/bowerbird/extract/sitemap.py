"""Sitemaps (https://www.sitemaps.org/protocol.html): sets, indexes, text, gzip; feeds as sitemaps.

With the image extension, thumbnails of the video extension, and hreflang alternates.
"""

import re
from codecs import BOM_UTF8
from contextlib import suppress

from bowerbird.extract.base import MAX_LINKS, Extracted, ImageLink
from bowerbird.extract.links import is_image_path
from bowerbird.extract.unpack import MAX_UNPACKED, unpacked
from bowerbird.extract.xmlstream import Enough, walk
from bowerbird.model import Place
from bowerbird.signatures import HEAD, plain, root_element
from bowerbird.urls import canonical

#: The protocol's own limit of one sitemap or index.
MAX_URLS = 50_000

_FEEDS = frozenset(("rss", "rdf", "feed"))
#: A page that says "not found" with status 200 is no sitemap.
_OTHERS = frozenset(("html", "svg"))
#: A list of all lines would take ten times their bytes.
_LINE = re.compile(rb"[^\r\n]++")
#: Elements whose text is read.
_TEXTS = frozenset(("loc", "caption", "title", "thumbnail_loc"))


def extract_sitemap(
    body: bytes, url: str, most: int = MAX_URLS, most_bytes: int = MAX_UNPACKED
) -> Extracted:
    """Pages, images and further sitemaps that a sitemap names; empty where it is none.

    Args:
        most: URLs of each kind that are taken.
        most_bytes: that are read of it, unpacked.

    It may name any host: the sitemap protocol's rule on that is left to the crawl's scope.
    """
    body, cut = unpacked(body, most_bytes)
    root = root_element(body[:HEAD])
    if root in _FEEDS:
        from bowerbird.extract.feed import extract_feed

        return extract_feed(body, url)
    if root in _OTHERS:
        return Extracted()
    if b"<" in plain(body[:HEAD]):
        return _extract_xml(body, _Reader(url, most, cut=cut))
    return _extract_text(body, _Reader("", most, cut=cut))


def _extract_text(body: bytes, reader: "_Reader") -> Extracted:
    """One URL a line; lines that are none are passed over."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        body = body.decode("utf-16", "replace").encode("utf-8", "replace")
    with suppress(Enough):
        for line in _LINE.finditer(body.removeprefix(BOM_UTF8)):
            if b"://" in line[0]:
                reader.add_page(line[0].decode("utf-8", "replace"))
    return reader.extracted()


def _extract_xml(body: bytes, reader: "_Reader") -> Extracted:
    walk(body, reader.start, reader.end)
    return reader.extracted()


class _Reader:
    """Gathers what the elements of one sitemap say."""

    def __init__(self, url: str, most: int, *, cut: bool) -> None:
        self._url, self._most, self._cut = url, most, cut
        self._within = ""  # sitemap, url or image: whose `loc` comes next
        self._image: dict[str, str] = {}
        self.pages: dict[str, None] = {}
        self.sitemaps: dict[str, None] = {}
        self.images: dict[str, ImageLink] = {}

    def start(self, name: str, attributes: dict[str, str]) -> bool:
        """An element begins; whether its text is wanted."""
        if name in ("urlset", "url", "sitemap", "image", "video"):
            self._within, self._image = name, {}
        elif name == "link" and "alternate" in attributes.get("rel", "").lower().split():
            self.add_page(attributes.get("href", ""))
        return name in _TEXTS

    def end(self, name: str, text: str) -> None:
        """An element ends."""
        if name == "loc" and self._within == "sitemap":
            self._add(self.sitemaps, canonical(text.strip(), self._url))
        elif name == "loc" and self._within != "image":
            self.add_page(text)
        elif name == "thumbnail_loc":
            self._add_image({"loc": text})
        elif name in _TEXTS:
            self._image[name] = text
        elif name == "image":
            self._add_image(self._image)
            self._within = "url"

    def add_page(self, text: str) -> None:
        """Keep a page, or an image where the path says so."""
        link = canonical(text.strip(), self._url)
        if link and is_image_path(link):
            self._add_image({"loc": link})
        else:
            self._add(self.pages, link)

    def _add(self, links: dict[str, None], link: str | None) -> None:
        if not link:
            return
        if len(links) >= self._most and link not in links:
            self._cut = True
            raise Enough
        links[link] = None

    def _add_image(self, said: dict[str, str]) -> None:
        link = canonical(said.get("loc", "").strip(), self._url) if said.get("loc") else None
        if link and len(self.images) >= MAX_LINKS:
            self._cut = True
        elif link:
            alt = " ".join((said.get("caption") or said.get("title") or "").split())
            self.images.setdefault(link, ImageLink(link, Place.SITEMAP, alt))

    def extracted(self) -> Extracted:
        """All that was found."""
        return Extracted(
            images=list(self.images.values()),
            pages=list(self.pages),
            sitemaps=list(self.sitemaps),
            charset="utf-8",
            cut=self._cut,
        )
