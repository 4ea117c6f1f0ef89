"""What each element names. One function an element, found by its tag in `ELEMENTS`."""

import re
from collections.abc import Callable
from itertools import islice

from selectolax.lexbor import LexborNode

from bowerbird.extract.choice import Sized, candidates_of, sources_of
from bowerbird.extract.jsonld import images_of
from bowerbird.extract.links import is_image_path
from bowerbird.extract.metadata import on_link, on_meta
from bowerbird.extract.page import MAX_ALT, Page
from bowerbird.extract.srcset import parse_srcset
from bowerbird.model import Place

Attributes = dict[str, str | None]
OnElement = Callable[[Page, LexborNode, Attributes], None]

#: How far up a `noscript` or `picture` is looked for.
NEAR = 6
#: Sources of one picture that are read.
_MAX_SOURCES = 100
#: An image that a script writes out whole: `document.write('<img src="a.gif">')`.
_WRITTEN = re.compile(
    r"""(?i)<img\b[^<>]{0,500}?\ssrc=(?:(\\?["'])(?P<quoted>(?:[^"'\\<>+\s{}$%]|%[0-9a-f]{2}|(?!))++)\1"""
    r"""|(?P<bare>(?:[^"'\\<>+\s{}$%=`]|%[0-9a-f]{2}|(?!))++)(?=[\s>]))"""
)
#: Images that Dreamweaver's pages load ahead: `MM_preloadImages('a.gif','b.gif')`.
_AHEAD = re.compile(r"MM_preloadImages\(([^()<>]*+)\)")
_STRING = re.compile(r"""["']([^"'\\<>{}]++)["']""")
#: Types and ends of what `object` and `embed` show as a frame does.
_PAGES, _PAGE_ENDS = ("text/html", "application/xhtml+xml"), (".html", ".htm", ".xhtml")
#: Script types that are data and run nothing; "" and module run.
_DATA_SCRIPTS = ("json", "template", "text/html", "text/plain", "importmap", "speculationrules")


def _img(page: Page, node: LexborNode, attributes: Attributes) -> None:
    if page.grouped and node.mem_id in page.grouped:
        return
    _choose(page, node, candidates_of(attributes), attributes)


def _choose(page: Page, node: LexborNode, found: list[Sized], attributes: Attributes) -> None:
    if found and page.has_noscript and _lies_in(node, "noscript"):
        found = [each._replace(place=Place.NOSCRIPT) for each in found]
    if found:
        page.one_of(found, attributes.get("alt") or attributes.get("title"))


def _lies_in(node: LexborNode, tag: str) -> bool:
    above = node.parent
    for _ in range(NEAR):
        if above is None or above.tag == tag:
            break
        above = above.parent
    return above is not None and above.tag == tag


def _picture(page: Page, node: LexborNode, _: Attributes) -> None:
    """A picture speaks once for its sources and its first img."""
    children = list(islice(node.iter(), _MAX_SOURCES))
    image = next((each for each in children if each.tag == "img"), None) or node.css_first("img")
    parts = [each for each in children if each.tag == "source"]
    if image is not None:
        parts.append(image)
    attributes = image.attributes if image is not None else {}
    page.grouped.update(each.mem_id for each in parts)
    found = sources_of((each.attributes for each in parts if each is not image), attributes)
    _choose(page, image or node, found + candidates_of(attributes), attributes)


def _source(page: Page, node: LexborNode, attributes: Attributes) -> None:
    """A source that lies deeper in its picture; those of video and audio have no srcset."""
    if node.mem_id in page.grouped:
        return
    found = [each for each in candidates_of(attributes) if each.place is not Place.IMG]
    parent = node.parent
    if parent is None or parent.tag not in ("video", "audio"):
        _choose(page, node, found, attributes)


def _anchor(page: Page, _: LexborNode, attributes: Attributes) -> None:
    href = attributes.get("href") or attributes.get("xlink:href")
    if href:
        page.links.page(href)


def _frame(page: Page, _: LexborNode, attributes: Attributes) -> None:
    for name in ("src", "data-src", "data-lazy-src", "data-litespeed-src"):
        if link := attributes.get(name):
            page.links.page(link)
    if inner := attributes.get("srcdoc"):
        page.later(inner)


def _script(page: Page, node: LexborNode, attributes: Attributes) -> None:
    kind = (attributes.get("type") or "").strip().lower()
    if "ld+json" in kind:
        for link in images_of(node.text()):
            page.image(link, Place.JSON_LD)
    elif "template" in kind or kind == "text/html":
        page.later(node.text(), templated=True)
    elif not any(each in kind for each in _DATA_SCRIPTS):
        _program(page, node.text(), attributes.get("src"))


def _program(page: Page, text: str, source: str | None) -> None:
    page.has_scripts = page.has_scripts or bool(source or text.strip())
    if "<img" in text or "<IMG" in text:
        for found in _WRITTEN.finditer(text):
            page.image(found["quoted"] or found["bare"], Place.LAZY)
    _load_ahead(page, text)


def _load_ahead(page: Page, program: str) -> None:
    """Keep the images that a program of Dreamweaver's loads before they are shown."""
    if "MM_preloadImages(" in program:
        for named in _AHEAD.findall(program):
            for link in filter(is_image_path, _STRING.findall(named)):
                page.image(link, Place.LAZY)


def _body(page: Page, _: LexborNode, attributes: Attributes) -> None:
    _load_ahead(page, attributes.get("onload") or "")


def _style(page: Page, node: LexborNode, _: Attributes) -> None:
    page.css(node.text())


def _noscript(page: Page, node: LexborNode, _: Attributes) -> None:
    page.has_noscript = True
    text = node.text(deep=False)
    if "<img" in text.lower():  # escaped once too often, by plugins
        page.later(text)


def _base(page: Page, node: LexborNode, attributes: Attributes) -> None:
    href = attributes.get("href")
    if href is None or page.has_base or page.nested or _lies_in(node, "svg"):
        return
    page.has_base = True  # also where it is no good: the next one does not count
    if url := page.links.join(href):
        page.links.set_base(url)


def _title(page: Page, node: LexborNode, _: Attributes) -> None:
    parent = node.parent
    if not page.title and not page.nested and parent is not None and parent.tag != "svg":
        page.title = " ".join(node.text()[: 2 * MAX_ALT].split())[:MAX_ALT]


def _input(page: Page, _: LexborNode, attributes: Attributes) -> None:
    if (attributes.get("type") or "").strip().lower() == "image":
        page.image(attributes.get("src"), Place.INPUT, attributes.get("alt"))


def _svg_image(page: Page, _: LexborNode, attributes: Attributes) -> None:
    for name in ("href", "xlink:href"):
        page.image(attributes.get(name), Place.SVG)


def _object(page: Page, _: LexborNode, attributes: Attributes) -> None:
    link = attributes.get("data") or attributes.get("src")
    kind = (attributes.get("type") or "").strip().lower()
    if link and _may_be_image(link, kind):
        page.image(link, Place.OBJECT)
    elif link and _is_page(link, kind):
        page.links.page(link)


def _may_be_image(link: str, kind: str) -> bool:
    if kind:
        return kind.startswith("image/")
    path = link.partition("#")[0].partition("?")[0]
    return is_image_path(path) or "." not in path.rpartition("/")[2]


def _is_page(link: str, kind: str) -> bool:
    return kind in _PAGES or (not kind and link.partition("?")[0].lower().endswith(_PAGE_ENDS))


def _link(page: Page, _: LexborNode, attributes: Attributes) -> None:
    on_link(page, attributes)
    if imagesrcset := attributes.get("imagesrcset"):
        found = [
            Sized(link, Place.PRELOAD, 0, width or density)
            for link, width, density in parse_srcset(imagesrcset)
        ]
        page.one_of(found, "")


def _meta(page: Page, _: LexborNode, attributes: Attributes) -> None:
    on_meta(page, attributes)


ELEMENTS: dict[str | None, OnElement] = {
    "a": _anchor,
    "amp-img": _img,
    "area": _anchor,
    "base": _base,
    "body": _body,
    "embed": _object,
    "feImage": _svg_image,
    "feimage": _svg_image,
    "frame": _frame,
    "iframe": _frame,
    "image": _svg_image,
    "img": _img,
    "input": _input,
    "link": _link,
    "meta": _meta,
    "noscript": _noscript,
    "object": _object,
    "picture": _picture,
    "script": _script,
    "source": _source,
    "style": _style,
    "title": _title,
    "use": _svg_image,
}
