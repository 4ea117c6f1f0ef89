"""The state of one HTML document while it is read."""

from bowerbird.extract.base import Extracted
from bowerbird.extract.choice import Sized, by_size
from bowerbird.extract.css import add_css
from bowerbird.extract.links import Links
from bowerbird.model import Place
from bowerbird.settings import Srcset

#: Forms of one image that are kept when one is chosen: the choice and its alternates.
MAX_FORMS = 100
#: Longest alt text and title kept, in characters.
MAX_ALT = 1_000


class Page:
    """What has been found so far, and what of the document decides how links are read."""

    def __init__(self, links: Links, charset: str, srcset: Srcset) -> None:
        self.links = links
        self.charset = charset
        self.srcset = srcset
        self.directives: set[str] = set()
        self.has_scripts = False
        self.has_base = False
        self.has_noscript = False
        self.title = ""
        self.grouped: set[int] = set()  #: elements whose picture has spoken for them
        #: documents to read, how deep they lie, and whether scripts are to fill them in
        self.inner: list[tuple[bytes, int, bool]] = []
        self.nested = 0  #: how many documents lie around the one being read

    def later(self, html: str, *, templated: bool = False) -> None:
        """Read this as a document too: srcdoc, a noscript in disguise, a template."""
        templated |= self.links.templated
        self.inner.append((html.encode(errors="replace"), self.nested + 1, templated))

    def image(self, link: str | None, place: Place, alt: str | None = "") -> None:
        """Keep one image, if there is a link."""
        if link:
            self.links.image(link, place, (alt or "")[:MAX_ALT].strip())

    def one_of(self, candidates: list[Sized], alt: str | None) -> None:
        """Keep the largest of an image's candidates with the others as alternates, or all."""
        alt = (alt or "")[:MAX_ALT].strip()
        if self.srcset is Srcset.LARGEST and len(candidates) > 1:
            self.links.choice(by_size(candidates)[:MAX_FORMS], alt)
            return
        for link, place, *_ in candidates:
            self.links.image(link, place, alt)

    def css(self, text: str) -> None:
        """Keep what a style element names."""
        add_css(text, self.links)

    def style(self, text: str) -> None:
        """Keep what a style attribute names. Its queries are UTF-8 whatever the page is."""
        with self.links.in_utf8():
            add_css(text, self.links)

    def extracted(self) -> Extracted:
        """The end of it."""
        links = self.links
        return Extracted(
            images=list(links.images.values()),
            pages=list(links.pages),
            stylesheets=list(links.stylesheets),
            sitemaps=list(links.sitemaps),
            feeds=list(links.feeds),
            data=list(links.data.values()),
            directives=frozenset(self.directives),
            has_scripts=self.has_scripts,
            title=self.title,
            charset=self.charset,
            cut=links.cut,
        )
