"""Sitemaps and feeds as a stream of elements: one pass of expat, no tree, no namespaces.

Why expat: it is the parser of the standard library, reads in one linear pass, and tells of a
document type before it acts on it. A document that declares anything there is read no further,
so nothing is ever expanded; an external one is never fetched. Prefixes are dropped unresolved:
what people bind them to is wrong too often to matter.

A document that is not well-formed is read as far as it goes; then once more with its
usual faults mended (bare ampersands, control characters, encodings that expat does not know).
"""

import re
from collections.abc import Callable
from xml.parsers import expat

from bowerbird.signatures import plain

#: Elements may be nested this deep; real ones are 10 deep, XHTML inside them 50.
MAX_DEPTH = 200
#: Characters kept of one element: HTML inside a feed is the longest.
MAX_TEXT = 1 << 20

_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_ENCODING = re.compile(rb"""<\?xml[^>]{0,200}encoding\s*=\s*["']([\w.:-]{1,40})""")
_DECLARATION = re.compile(r"\s*<\?xml[^>]{0,400}\?>")

#: (local name in lower case, attributes) -> whether the text of this element is wanted
Start = Callable[[str, dict[str, str]], bool]
#: (local name in lower case, text, "" where it was not wanted)
End = Callable[[str, str], None]


class Enough(Exception):  # noqa: N818 (not an error)
    """Raised by a handler that wants no more of the document."""


class _Forbidden(Exception):  # noqa: N818 (not an error)
    """Raised where a document declares what it must not."""


def walk(body: bytes, start: Start, end: End) -> None:
    """Tell of all elements of a document, in order, as far as it can be read.

    A broken document is told again from its beginning, mended: handlers must bear repeats.
    """
    try:
        _Walk(start, end).parse(body, None)
    except (Enough, _Forbidden):
        return
    except (expat.ExpatError, ValueError, LookupError):
        _walk_mended(body, start, end)


def _walk_mended(body: bytes, start: Start, end: End) -> None:
    try:
        _Walk(start, end).parse(_mended(body), "utf-8")
    except (Enough, _Forbidden, expat.ExpatError, ValueError):
        return


def _mended(body: bytes) -> bytes:
    text = _CONTROL.sub("", _text(body)).lstrip("\ufeff \t\r\n")
    text = text[max(text.find("<"), 0) :]  # some servers put a warning before it
    return _AMPERSAND.sub("&amp;", _DECLARATION.sub("", text, count=1)).encode("utf-8", "replace")


def _text(body: bytes) -> str:
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace")
    label = _ENCODING.search(plain(body))
    try:
        return body.decode(label[1].decode("ascii") if label else "utf-8", "replace")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace")


class _Walk:
    """One pass over a document."""

    def __init__(self, start: Start, end: End) -> None:
        self._wanted = start
        self._tell = end
        self._depth = 0
        self._parts: list[str] = []
        self._room = 0

    def parse(self, body: bytes, encoding: str | None) -> None:
        """Raises what expat and the handlers raise."""
        parser = self._parser = expat.ParserCreate(encoding)
        parser.buffer_text = True
        parser.buffer_size = 1 << 16
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = _doctype
        parser.EntityDeclHandler = _refuse
        parser.Parse(body, True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _Forbidden
        if self._wanted(name.rpartition(":")[2].lower(), attributes):
            self._parts, self._room = [], MAX_TEXT
            self._parser.CharacterDataHandler = self._text
        elif not self._room:
            self._parser.CharacterDataHandler = None

    def _text(self, text: str) -> None:
        if self._room > 0:
            self._parts.append(text[: self._room])
            self._room -= len(text)

    def _end(self, name: str) -> None:
        self._depth -= 1
        text = ""
        if self._parts or self._room:
            text, self._parts, self._room = "".join(self._parts), [], 0
            self._parser.CharacterDataHandler = None
        self._tell(name.rpartition(":")[2].lower(), text)


def _doctype(
    _name: str, _system: str | None, _public: str | None, has_internal_subset: bool
) -> None:
    if has_internal_subset:
        raise _Forbidden


def _refuse(*_: object) -> None:
    raise _Forbidden
