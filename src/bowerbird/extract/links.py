"""Gathering what a document names: joined with its base, in order, once each."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from urllib.parse import quote_from_bytes

from bowerbird.extract.base import MAX_LINKS, DataImage, ImageLink
from bowerbird.extract.dataurl import parse_data_url
from bowerbird.model import Place
from bowerbird.urls import MAX_URL, canonical

#: Longer links are not kept in the cache, so that its memory is bounded, in characters.
SHORT = 300
#: Relative links that the URL standard would only append to their folder or root.
_SIMPLE = re.compile(
    r"/?+(?:[A-Za-z0-9_~-][A-Za-z0-9_.~-]*+/|(?!))*+(?:[A-Za-z0-9_~-][A-Za-z0-9_.~-]*+)?"
    r"(?:\?[A-Za-z0-9_.~=&%+;:@/!$*(),-]*+)?"
)
#: What a script is to fill in: Mustache, Handlebars, Underscore, Liquid, template strings.
_BLANK = re.compile(r"\{\{|\{%|\$\{|<%|\[\[")
#: With these a link is the same in every folder.
_ABSOLUTE = ("http://", "https://")
#: Images written into one document that are kept; more is a bomb.
MAX_DATA_IMAGES = 1_000
#: White space as URLs and HTML attributes know it.
SPACE = " \t\n\f\r"

#: Ends of paths that browsers and servers take for images.
IMAGE_ENDS = (
    *(".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".svg", ".bmp", ".ico", ".tif", ".tiff"),
    *(".jpe", ".jfif", ".pjpeg", ".pjp", ".apng", ".svgz", ".dib", ".cur", ".jxl", ".heic"),
)


def is_image_path(url: str) -> bool:
    """Whether the path of a URL ends as image files do."""
    return url.partition("?")[0].lower().endswith(IMAGE_ENDS)


@lru_cache(maxsize=4_096)
def _join(folder: str, link: str) -> str | None:
    # Pages of a site share their navigation: two in three links have been joined before.
    return canonical(link, folder)


class Links:
    """The links of one document, so many at most. `query_charset` is the codec of non-ASCII
    queries, "" is UTF-8."""

    def __init__(self, url: str, query_charset: str = "", most: int = MAX_LINKS) -> None:
        self.set_base(url)
        self._query_charset = query_charset
        self._room = most  # below 0: for what was left out
        self.templated = False  #: what is read is a template, whose blanks a script fills in
        self.images: dict[str, ImageLink] = {}
        self.pages: dict[str, None] = {}
        self.stylesheets: dict[str, None] = {}
        self.sitemaps: dict[str, None] = {}
        self.feeds: dict[str, None] = {}
        self.data: dict[bytes, DataImage] = {}

    def set_base(self, url: str) -> None:
        """Join with this canonical URL from now on."""
        self.base = url
        self._folder = url.partition("?")[0].rpartition("/")[0] + "/"
        self._root = self._folder[: self._folder.index("/", self._folder.index("//") + 2)]
        self._longest = min(SHORT, MAX_URL - len(self._folder))

    @property
    def cut(self) -> bool:
        """Whether it names more than is kept."""
        return self._room < 0

    @contextmanager
    def in_utf8(self) -> Iterator[None]:
        """Encode queries in UTF-8 meanwhile."""
        charset, self._query_charset = self._query_charset, ""
        yield
        self._query_charset = charset

    def join(self, link: str) -> str | None:
        """The canonical URL of a link; None for what is empty, within the page or not http(s)."""
        link = link.partition("#")[0].strip(SPACE)
        if not link or (self.templated and _BLANK.search(link)):
            return None
        if self._query_charset and not link.isascii():
            link = _encode_query(link, self._query_charset)
        if len(link) > self._longest or link[0] == "?":
            return canonical(link, self.base)
        if _SIMPLE.fullmatch(link):
            return (self._root if link[0] == "/" else self._folder) + link
        return _join("" if link.startswith(_ABSOLUTE) else self._folder, link)

    def page(self, link: str) -> None:
        """Keep a link to a page, or to an image where its path says so."""
        url = self.join(link)
        if url is None or url in self.pages:
            return
        if is_image_path(url):
            self._keep(url, Place.LINK, "", ())
        elif self._has_room():
            self.pages[url] = None

    def other(self, into: dict[str, None], link: str) -> None:
        """Keep a link to a stylesheet, sitemap or feed."""
        url = self.join(link)
        if url is not None and url not in into and self._has_room():
            into[url] = None

    def image(self, link: str, place: Place, alt: str = "") -> None:
        """Keep an image, or the bytes of a `data:` URI."""
        if _is_data(link):
            self._keep_data(link, alt)
        elif url := self.join(link):
            self._keep(url, place, alt, ())

    def choice(self, links: Iterable[tuple[str, Place]], alt: str) -> None:
        """Keep the first of several forms of one image; the others are its alternates."""
        known: dict[str, Place] = {}
        for link, place in links:
            if _is_data(link):
                self._keep_data(link, alt)
            elif url := self.join(link):
                known.setdefault(url, place)
        if known:
            first, *others = known
            self._keep(first, known[first], alt, tuple(others))

    def _keep(self, url: str, place: Place, alt: str, alternates: tuple[str, ...]) -> None:
        before = self.images.get(url)
        if before is None:
            if self._has_room():
                self.images[url] = ImageLink(url, place, alt, alternates)
        elif (alt and not before.alt) or (alternates and not before.alternates):
            self.images[url] = ImageLink(
                url, before.place, before.alt or alt, before.alternates or alternates
            )

    def _has_room(self) -> bool:
        """Whether one more is kept; it takes its place."""
        self._room -= 1
        return not self.cut

    def _keep_data(self, link: str, alt: str) -> None:
        if len(self.data) >= MAX_DATA_IMAGES:
            return
        body = parse_data_url(link.strip(SPACE))
        if body:
            self.data.setdefault(body, DataImage(body, alt))


def _is_data(link: str) -> bool:
    return link.lstrip(SPACE)[:5].lower() == "data:"


def _encode_query(link: str, charset: str) -> str:
    """Percent-encode a query in the document's encoding (https://url.spec.whatwg.org/#query-state)."""
    path, mark, query = link.partition("?")
    if query.isascii():
        return link
    shown = "".join(char if char.isascii() else _percent_encoded(char, charset) for char in query)
    return path + mark + shown


def _percent_encoded(char: str, charset: str) -> str:
    try:
        return quote_from_bytes(char.encode(charset), safe="")
    except UnicodeEncodeError:
        return f"%26%23{ord(char)}%3B"
