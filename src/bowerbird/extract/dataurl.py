"""`data:` URLs of images (https://fetch.spec.whatwg.org/#data-urls)."""

import binascii
from urllib.parse import unquote_to_bytes

#: Longest `data:` URL that is decoded, in characters; more than any page needs.
MAX_DATA_URL = 16 << 20
#: Percent signs in one; drawings have thousands. Each takes 1 us and 100 bytes.
MAX_ESCAPES = 200_000

_NOT_BASE64_SPACE = b" \t\n\f\r"


def parse_data_url(url: str) -> bytes:
    """The bytes of an image's `data:` URL; empty where it is broken, huge or no image."""
    head, comma, text = url.partition(",")
    kind = head[5:].strip().lower()
    if not comma or not kind.startswith("image/") or len(url) > MAX_DATA_URL:
        return b""
    if text.count("%") > MAX_ESCAPES:
        return b""
    # JSON can hold lone surrogates, which nothing can encode
    body = unquote_to_bytes(text.encode("utf-8", "replace"))
    return _forgiving_base64(body) if kind.rpartition(";")[2].strip() == "base64" else body


def _forgiving_base64(text: bytes) -> bytes:
    """https://infra.spec.whatwg.org/#forgiving-base64-decode"""
    text = text.translate(None, _NOT_BASE64_SPACE).rstrip(b"=")
    try:
        return binascii.a2b_base64(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        return b""
