"""What `meta`, `link` and microdata name."""

import re

from bowerbird.extract.base import words
from bowerbird.extract.links import is_image_path
from bowerbird.extract.page import Page
from bowerbird.model import Place

Attributes = dict[str, str | None]

_META_IMAGES = frozenset(
    words(
        """
    og:image og:image:url og:image:secure_url twitter:image twitter:image:src twitter:image0
    twitter:image1 twitter:image2 twitter:image3 image thumbnail thumbnailurl
    sailthru.image.full sailthru.image.thumb vk:image parsely-image-url bt:image
    msapplication-tileimage msapplication-square70x70logo msapplication-square150x150logo
    msapplication-wide310x150logo msapplication-square310x310logo dc.image pinterest:media
    article:image swiftype:image
    """
    )
)
#: link rel -> the kind of place.
_ICONS = frozenset(
    words(
        """
    icon apple-touch-icon apple-touch-icon-precomposed apple-touch-startup-image mask-icon
    fluid-icon
    """
    )
)
_IMAGE_LINKS = frozenset({"image_src", "thumbnail", "image"})
_PAGE_LINKS = frozenset({"next", "prev", "previous", "canonical", "amphtml"})
_EARLY = frozenset({"preload", "prefetch"})
_FEEDS = ("application/rss+xml", "application/atom+xml", "application/rdf+xml", "text/xml")
#: https://html.spec.whatwg.org/#shared-declarative-refresh-steps
_REFRESH = re.compile(
    r"""(?i)\s*+[0-9.]*+\s*+[;,]?+\s*+(?:url\s*+=\s*+|(?!))?+(?:"([^"]*+)|'([^']*+)|([^"'].*+))""",
    re.VERBOSE | re.DOTALL,
)


def on_meta(page: Page, attributes: Attributes) -> None:
    """Images for sharing, directives for robots, and refresh."""
    content = attributes.get("content")
    if not content:
        return
    if (attributes.get("http-equiv") or "").strip().lower() == "refresh":
        _refresh(page, content)
    for name in ("property", "name"):
        _on_name(page, (attributes.get(name) or "").strip().lower(), content)
    for word in (attributes.get("itemprop") or "").lower().split():
        _on_name(page, word, content)


def _on_name(page: Page, name: str, content: str) -> None:
    if name in _META_IMAGES:
        page.image(content, Place.META)
    elif name in ("robots", "bowerbird") and not page.nested:
        page.directives.update(filter(None, map(str.strip, content.lower().split(","))))


def _refresh(page: Page, content: str) -> None:
    match = _REFRESH.match(content)
    link = (match[1] or match[2] or match[3] or "") if match else ""
    if link.strip():
        page.links.page(link)


def on_link(page: Page, attributes: Attributes) -> None:
    """Icons, stylesheets, neighbouring pages, feeds, sitemaps, and what is loaded early."""
    href = attributes.get("href")
    if not href:
        return
    kind = (attributes.get("type") or "").partition(";")[0].strip().lower()
    relations = set((attributes.get("rel") or "").lower().split())
    if "stylesheet" in relations:
        page.links.other(page.links.stylesheets, href)
        return
    _on_relations(page, href, relations, kind)
    if not relations.isdisjoint(_EARLY):
        _early(page, href, (attributes.get("as") or "").strip().lower())
    if attributes.get("itemprop"):
        return
    if kind.startswith("image/"):
        page.image(href, Place.LINK)


def _on_relations(page: Page, href: str, relations: set[str], kind: str) -> None:
    if not relations.isdisjoint(_ICONS):
        page.image(href, Place.ICON)
    elif not relations.isdisjoint(_IMAGE_LINKS):
        page.image(href, Place.LINK)
    elif not relations.isdisjoint(_PAGE_LINKS):
        page.links.page(href)
    elif "sitemap" in relations:
        page.links.other(page.links.sitemaps, href)
    elif "alternate" in relations:
        _alternate(page, href, kind)


def _alternate(page: Page, href: str, kind: str) -> None:
    if kind in _FEEDS:
        page.links.other(page.links.feeds, href)
    elif kind in ("", "text/html", "application/xhtml+xml"):
        page.links.page(href)


def _early(page: Page, href: str, kind: str) -> None:
    if kind == "image" or (not kind and is_image_path(href.partition("#")[0])):
        page.image(href, Place.PRELOAD)
    elif kind == "style":
        page.links.other(page.links.stylesheets, href)


def on_property(page: Page, attributes: Attributes) -> None:
    """An element with an itemprop (or RDFa property) that means an image."""
    named = next(
        (attributes[name] for name in ("content", "src", "href", "data") if attributes.get(name)),
        "",
    )
    item = (attributes.get("itemprop") or attributes.get("property") or "").lower()
    if named and ("contenturl" not in item or is_image_path(named)):
        page.image(named, Place.MICRODATA, attributes.get("alt"))
