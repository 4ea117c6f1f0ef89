"""Which encoding a document is in, as browsers decide it, and its text as UTF-8.

Order: byte order mark, HTTP header, what the document says of itself, else UTF-8 where the bytes
are that and windows-1252 where not (https://html.spec.whatwg.org/#determining-the-character-encoding).
"""

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE

import webencodings

UTF8 = "utf-8"
FALLBACK = "windows-1252"
#: How far a document is searched for its own word on its encoding, in bytes (WHATWG).
PRESCAN = 1_024

_HEADER = re.compile(r"""(?i)charset\s*+=\s*+(?:"([^"]*+)"?|'([^']*+)'?|([^\s;"']++))""")
_AT_CHARSET = re.compile(rb'@charset "([^"\x80-\xff]{1,100})";')
_BOMS = ((BOM_UTF8, UTF8), (BOM_UTF16_LE, "utf-16le"), (BOM_UTF16_BE, "utf-16be"))
#: Their text does not read as ASCII even where every byte does.
_NOT_ASCII = frozenset({"utf-16le", "utf-16be", "iso-2022-jp", "replacement"})
#: Python codecs nearer to WHATWG's decoders than webencodings' choice.
_CODECS = {"gbk": "gb18030", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}


def encoding_of(label: str) -> str:
    """The WHATWG name of the encoding behind a label; "" where there is none."""
    found = webencodings.lookup(label)
    return str(found.name) if found else ""


def codec_of(charset: str) -> str:
    """Name of the Python codec for a WHATWG encoding; "" stands for UTF-8."""
    if charset in ("", UTF8):
        return UTF8
    return _CODECS.get(charset) or str(webencodings.lookup(charset).codec_info.name)


def header_charset(content_type: str) -> str:
    """The encoding that a Content-Type header names; "" where none is known."""
    match = _HEADER.search(content_type)
    return encoding_of(match[1] or match[2] or match[3] or "") if match else ""


def _bom(body: bytes) -> tuple[str, int]:
    for mark, charset in _BOMS:
        if body.startswith(mark):
            return charset, len(mark)
    return "", 0


def html_as_utf8(body: bytes, content_type: str = "") -> tuple[bytes, str]:
    """An HTML document as UTF-8 (broken bytes stay broken), and its encoding."""
    charset, skip = _bom(body)
    charset = charset or header_charset(content_type) or prescan(body[:PRESCAN])
    ascii_only = body.isascii()
    if not charset:
        charset = UTF8 if ascii_only or _is_utf8(body) else FALLBACK
    if charset == UTF8 or (ascii_only and charset not in _NOT_ASCII):
        return body[skip:], charset
    return _decoded(body[skip:], charset).encode(errors="replace"), charset


def decode_css(body: bytes, content_type: str = "", fallback: str = "") -> tuple[str, str]:
    """A stylesheet's text and encoding (https://www.w3.org/TR/css-syntax-3/#input-byte-stream)."""
    charset, skip = _bom(body)
    charset = charset or header_charset(content_type) or _at_charset(body)
    charset = charset or encoding_of(fallback) or UTF8
    return _decoded(body[skip:], charset), charset


def _at_charset(body: bytes) -> str:
    match = _AT_CHARSET.match(body)
    charset = encoding_of(match[1].decode("ascii")) if match else ""
    # The rule itself was read as ASCII, so the sheet cannot be UTF-16.
    return UTF8 if charset.startswith("utf-16") else charset


def _decoded(body: bytes, charset: str) -> str:
    if charset == "replacement":
        return "\ufffd" if body else ""
    if charset == "x-user-defined":
        return str(webencodings.decode(body, charset)[0])
    return body.decode(codec_of(charset), "replace")


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


# The prescan: https://html.spec.whatwg.org/#prescan-a-byte-stream-to-determine-its-encoding

_TAG = re.compile(rb"<(?:(!--)|(meta)(?=[\s/])|(/?+[a-z])|[!/?])", re.IGNORECASE)
_TAG_NAME = re.compile(rb"[^\s>]*+")
_ATTRIBUTE = re.compile(
    rb"""[\s/]*+(?:([^\s/>=][^\s/>=]*+|=[^\s/>=]*+)
        (?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"'][^\s>]*+|(?=>))))?)""",
    re.VERBOSE,
)
_META_CHARSET = re.compile(r"""(?i)charset\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s;"'][^\s;]*+))""")
_XML = re.compile(
    rb"""<\?xml[^>]*?encoding[\x00-\x20]*+=[\x00-\x20]*+(["'])([^"'\x00-\x20>]*+)\1"""
)


def prescan(head: bytes) -> str:
    """The encoding that the first bytes of a document name; "" where they name none."""
    if head.startswith((b"<\x00?\x00x\x00", b"\x00<\x00?\x00x")):
        return "utf-16le" if head[0] else "utf-16be"
    if b"charset" in head.lower() and (found := _from_meta(head)):
        return found
    match = _XML.match(head)
    return _usable(encoding_of(match[2].decode("latin-1"))) if match else ""


def _from_meta(head: bytes) -> str:
    position = 0
    while match := _TAG.search(head, position):
        position = match.end()
        if match[1]:
            # `<!-->` is a whole comment: its dashes serve both ends.
            position = head.find(b"-->", position - 2) + 3
            if position < 3:
                return ""
        elif match[2] or match[3]:
            attributes, position = _attributes(head, position, skip_name=not match[2])
            if match[2] and (found := _meta_charset(attributes)):
                return found
        else:
            position = head.find(b">", position) + 1 or len(head)
    return ""


def _attributes(head: bytes, position: int, *, skip_name: bool) -> tuple[dict[bytes, bytes], int]:
    if skip_name and (name := _TAG_NAME.match(head, position)):
        position = name.end()
    found: dict[bytes, bytes] = {}
    while (match := _ATTRIBUTE.match(head, position)) and match.end() > position:
        position = match.end()
        found.setdefault(match[1].lower(), match[2] or match[3] or match[4] or b"")
    return found, position


def _meta_charset(attributes: dict[bytes, bytes]) -> str:
    if b"charset" in attributes:
        return _usable(encoding_of(attributes[b"charset"].decode("latin-1")))
    if attributes.get(b"http-equiv", b"").lower() != b"content-type":
        return ""
    match = _META_CHARSET.search(attributes.get(b"content", b"").decode("latin-1"))
    return _usable(encoding_of(match[1] or match[2] or match[3] or "")) if match else ""


def _usable(charset: str) -> str:
    """What was read as ASCII cannot be UTF-16; x-user-defined means windows-1252."""
    if charset.startswith("utf-16"):
        return UTF8
    return "windows-1252" if charset == "x-user-defined" else charset
