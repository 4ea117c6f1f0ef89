"""What a body is by its first bytes: image types, HTML, the root element of XML.

After the WHATWG MIME Sniffing standard (https://mimesniff.spec.whatwg.org/), stricter where a
signature of two bytes would take text for a picture. Pure; looks at `HEAD` bytes, no more.
"""

import re

#: Bytes that are enough for every answer here: room for a long comment before `<svg`.
HEAD = 4_096

_BMP_HEADERS = frozenset((12, 16, 40, 52, 56, 64, 108, 124))
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ICONS = (b"\0\0\1\0", b"\0\0\2\0")

_HTML = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|script|iframe|h1|div|font|table|a|style|title|b|br|p"
    rb"|meta|link|noscript)(?=[\s>/])",
    re.IGNORECASE,
)
# Possessive, so that a hostile head costs one pass: prologue, comments, doctype, then a name.
# What `|(?!)` is for: tests/unit/test_patterns.py.
_ROOT = re.compile(
    rb"(?:\s++|<\?(?:[^?]++|\?(?!>)|(?!))*+\?>|<!--(?:[^-]++|-(?!->)|(?!))*+-->"
    rb"|<!DOCTYPE(?:[^\[>\"']++|\"[^\"]*+\"|'[^']*+'"
    rb"|\[(?:[^\]\"']++|\"[^\"]*+\"|'[^']*+'|(?!))*+\]|(?!))*+>|(?!))*+"
    rb"<(?:[\w.-]++:)?([A-Za-z][\w.-]*+)",
    re.IGNORECASE,
)


def true_type(head: bytes) -> str:
    """The image type of these first bytes, a name of `settings.ALL_TYPES`; "" where it is none."""
    if head[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if head[:6] in (b"GIF89a", b"GIF87a"):
        return "gif"
    if head[:4] == b"RIFF":
        return "webp" if head[8:12] == b"WEBP" else ""
    if head[4:8] == b"ftyp":
        return "avif" if _is_avif(head) else ""
    return _rare_type(head)


def _rare_type(head: bytes) -> str:
    if head[:4] in _TIFF:
        return "tiff"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    if head[:4] in _ICONS and head[4:6] not in (b"", b"\0\0") and head[9:10] in (b"\0", b"\xff"):
        return "ico"
    return "svg" if root_element(head) == "svg" else ""


def _is_avif(head: bytes) -> bool:
    """Whether an ISO file lists an AVIF brand; HEIC shares the container and lists none."""
    brands = head[8 : max(16, min(int.from_bytes(head[:4], "big"), 512))]
    names = {brands[at : at + 4] for at in range(0, len(brands), 4) if at != 4}
    return not names.isdisjoint((b"avif", b"avis"))


def is_html(head: bytes) -> bool:
    """Whether these first bytes begin an HTML document, by its first tag that is no comment."""
    text = plain(head)
    match = _ROOT.match(text)
    return _HTML.match(text, _tag_start(match, text)) is not None if match else _bare_html(text)


def _tag_start(match: re.Match[bytes], text: bytes) -> int:
    if re.match(rb"\s*+<!doctype\s+html", text, re.IGNORECASE):
        return len(text) - len(text.lstrip())
    return text.rfind(b"<", 0, match.end())


def _bare_html(text: bytes) -> bool:
    return _HTML.match(text.lstrip()) is not None


def root_element(head: bytes) -> str:
    """Local name of the first element of an XML document, lower case; "" where there is none."""
    match = _ROOT.match(plain(head))
    return match[1].decode("ascii", "replace").lower() if match else ""


def plain(head: bytes) -> bytes:
    """These first bytes without byte order mark, and UTF-16 as UTF-8."""
    head = head[:HEAD]
    if head[:3] == b"\xef\xbb\xbf":
        return head[3:]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head.decode("utf-16", "ignore").encode("utf-8", "ignore")
    return head
