"""Pages that are made to be slow to parse, and how they are read all the same.

The HTML algorithm is quadratic in the depth of its open elements (every `<div>` looks through all
of them for a `<p>`) and in its unclosed formatting elements (every `<p>` opens all of them anew).
Browsers stop at a depth of 512; lexbor does not. A page that goes beyond is cut into slices, each
parsed for itself: links stay whole, and only what one element knows of another is lost.
"""

import re
from collections.abc import Iterator

#: Fewer tags than this cannot do harm: 10 ms and 60 MB at worst (measured).
HARMLESS = 2_000
#: Depth of open elements, browsers' own limit; and of formatting elements left open.
MAX_DEPTH = 512
MAX_FORMATTING = 100
#: Tags in a slice: small enough that its square is nothing.
SLICE = 128

_TAG = re.compile(rb"<(/?+)([A-Za-z][^\s/>]*+)")
_VOID = frozenset(b"area base br col embed hr img input link meta param source track wbr".split())
#: Elements that the next of their kind closes.
_CLOSES_ITSELF = frozenset(b"p li option dt dd tr td th a button optgroup thead tbody".split())
_FORMATTING = frozenset(b"b big code em font i nobr s small strike strong tt u".split())


def is_hostile(text: bytes) -> bool:
    """Whether a document nests deeper than browsers would follow."""
    return text.count(b"<") > HARMLESS and _is_deep(text)


def _is_deep(text: bytes) -> bool:
    depth = formatting = 0
    for match in _TAG.finditer(text):
        closes, name = match[1], match[2].lower()
        if name in _FORMATTING:
            formatting = max(0, formatting + (-1 if closes else 1))
        elif name in _VOID or name in _CLOSES_ITSELF:
            continue
        depth = max(0, depth - 1) if closes else depth + 1
        if depth > MAX_DEPTH or formatting > MAX_FORMATTING:
            return True
    return False


def in_slices(text: bytes) -> Iterator[bytes]:
    """The document in pieces of `SLICE` tags."""
    start = 0
    for count, match in enumerate(_TAG.finditer(text), 1):
        if count % SLICE == 0:
            yield text[start : match.start()]
            start = match.start()
    yield text[start:]
