"""What a body is, decided by its bytes; the Content-Type is asked only about text.

Servers send feeds as text/html, images as octet-stream and error pages as image/jpeg; the
bytes cannot lie to a parser. Plain text looks alike whatever it is, so there the header
and, last, the URL decide.
"""

import re

from bowerbird.deflated import MAGIC
from bowerbird.extract.base import Form
from bowerbird.extract.unpack import inflate
from bowerbird.signatures import HEAD, is_html, plain, root_element, true_type

_ROOTS = {
    "urlset": Form.SITEMAP,
    "sitemapindex": Form.SITEMAP,
    "rss": Form.FEED,
    "rdf": Form.FEED,
    "feed": Form.FEED,
    "html": Form.HTML,
    "svg": Form.IMAGE,
}
_URL_LINE = re.compile(rb"\s*https?://[^\s<>]+[ \t]*(?:\r|\n|$)", re.IGNORECASE)
#: Control bytes that no text has (WHATWG MIME Sniffing, section 7.2).
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")


def form_of(body: bytes, content_type: str, url: str) -> Form:
    """What this body is. `content_type` is the header's value, parameters and all."""
    head = body[:HEAD]
    if head[:2] == MAGIC:  # a sitemap that is sent as a file, not as an encoding
        head = inflate(body[: 4 * HEAD], HEAD)
        return _form_of_xml(head) or (Form.SITEMAP if _URL_LINE.match(head) else Form.OTHER)
    if true_type(head):
        return Form.IMAGE
    return _form_of_xml(head) or _form_of_text(head, _essence(content_type), url)


def _form_of_xml(head: bytes) -> Form | None:
    form = _ROOTS.get(root_element(head))
    return form or (Form.HTML if is_html(head) else None)


def _essence(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _form_of_text(head: bytes, essence: str, url: str) -> Form:
    text = plain(head)
    if _BINARY.search(text):
        return Form.OTHER
    path = url.partition("?")[0].lower()
    if essence == "text/css" or (essence in ("", "text/plain") and path.endswith(".css")):
        return Form.CSS
    if path.endswith("/robots.txt"):
        return Form.ROBOTS
    if _URL_LINE.match(text) and essence != "text/html":
        return Form.SITEMAP
    if essence in ("text/html", "application/xhtml+xml"):
        return Form.HTML
    return Form.TEXT
