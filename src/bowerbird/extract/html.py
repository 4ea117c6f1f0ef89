"""The links of an HTML document: one walk over lexbor's tree, tables that say what names what.

A walk that reads every element's attributes costs as much as a CSS selector query (70 us for a
page of 13 KB, most of it the parse) and finds `style`, `data-*` and the like on any element.
"""

import re

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode

from bowerbird.extract.attributes import PLAIN, read_attributes
from bowerbird.extract.base import MAX_LINKS, Extracted
from bowerbird.extract.charset import UTF8, codec_of, html_as_utf8
from bowerbird.extract.hostile import parts_of, without_crowds
from bowerbird.extract.links import Links
from bowerbird.extract.page import Page
from bowerbird.extract.tags import ELEMENTS
from bowerbird.settings import Srcset

#: Documents within documents (srcdoc) that are read.
MAX_NESTED = 3
#: Mutation events build what only scripts can see.
_OPTIONS = int(LexborDocumentOptions.WO_EVENTS)
#: Elements that XML may close in place and HTML may not.
_MAY_CLOSE = re.compile(
    rb"<(script|style|title|textarea|iframe|noscript|div|span|a|p|video|object|td)\b([^<>]*+)>"
)


def extract_html(
    body: bytes, url: str, *, content_type: str = "", srcset: Srcset = Srcset.LARGEST,
    most: int = MAX_LINKS,
) -> Extracted:  # fmt: skip
    """All that an HTML document at a canonical URL names.

    `content_type` is the header's value, for its charset; `most` links are taken. Broken HTML is
    read as browsers read it; nothing raises. Linear in the size of the body.
    """
    text, charset = html_as_utf8(body, content_type)
    if "xhtml+xml" in content_type:
        text = _MAY_CLOSE.sub(_closed_by_tag, text)
    query_charset = "" if charset == UTF8 or charset.startswith("utf-16") else codec_of(charset)
    page = Page(Links(url, query_charset, most), charset, srcset)
    read_html(text, page)
    return page.extracted()


def read_html(text: bytes, page: Page) -> None:
    """Read a document in UTF-8, and those that are written inside it."""
    page.inner.append((text, 0, False))
    while page.inner:
        text, page.nested, templated = page.inner.pop(0)
        if page.nested > MAX_NESTED:
            continue
        text = without_crowds(text)
        for part in parts_of(text):
            tree = LexborHTMLParser(part, options=_OPTIONS)
            if tree.root is not None:
                _read_tree(tree.root, page, templated=templated)


def _read_tree(root: LexborNode, page: Page, *, templated: bool) -> None:
    waiting = [(root, templated)]
    on_elements, is_plain = ELEMENTS.get, PLAIN.issuperset
    while waiting:
        start, page.links.templated = waiting.pop()
        for node in start.traverse():
            attributes = node.attributes
            tag = node.tag or ""
            if tag == "template":
                waiting.extend((each, True) for each in node.template_fragments()[:1])
            on_element = on_elements(tag)
            if on_element is not None:
                on_element(page, node, attributes)
            if attributes and ("-" in tag or not is_plain(attributes)):
                read_attributes(page, tag, attributes)


def _closed_by_tag(match: re.Match[bytes]) -> bytes:
    name, rest = match[1], match[2]
    return b"<%b%b></%b>" % (name, rest[:-1], name) if rest.endswith(b"/") else match[0]
