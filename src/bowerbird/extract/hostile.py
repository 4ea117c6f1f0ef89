"""Pages that are made to be slow to parse, and how they are read all the same.

Attributes are compared with all earlier ones of their element: 200,000 take three minutes.
Elements beyond `MAX_ATTRIBUTES` are cut short.

The HTML algorithm is quadratic in the depth of its open elements (every `<div>` looks through all
of them for a `<p>`) and in its unclosed formatting elements (every `<p>` opens all of them anew).
Browsers stop at a depth of 512; lexbor does not. A page that goes beyond is cut into slices, each
parsed for itself: links stay whole, and only what one element knows of another is lost.

An element or attribute takes some hundred bytes of the tree: what has very many is read in parts.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

#: Fewer tags than this cannot do harm: 10 ms and 60 MB at worst (measured).
HARMLESS = 2_000
#: Depth of open elements, browsers' own limit; and of formatting elements left open.
MAX_DEPTH = 512
MAX_FORMATTING = 100
#: Tags in a slice: small enough that its square is nothing.
SLICE = 64
#: Bytes of tags in a part of a page, each tag counted as some more: 100 MB of tree at worst.
PART, TAG = 1_000_000, 10

_TAG = re.compile(rb"<(/?+[A-Za-z][^\s/>]*+)")
_WHOLE_TAG = re.compile(rb"<[/A-Za-z][^>]*+")
_VOID = frozenset(b"area base br col embed hr img input link meta param source track wbr".split())
#: Elements that the next of their kind closes.
_CLOSES_ITSELF = frozenset(b"p li option dt dd tr td th a button optgroup thead tbody".split())
_FORMATTING = frozenset(b"b big code em font i nobr s small strike strong tt u".split())

#: A drawing of shapes closed in place, as icons are: as deep as it looks in the text, not deeper.
_SHAPE = rb"[^<]++|<(?:path|circle|ellipse|line|rect|polygon|polyline|stop|use)\b[^<>]*+/>"
_DRAWING = re.compile(
    rb"(?i)<svg\b[^<>]*+>(?:%b|<(?:g|defs|title)\b[^<>]*+>(?:%b|(?!))*+</(?:g|defs|title)\s*+>|(?!))*+</svg\s*+>"
    % (_SHAPE, _SHAPE)
)

#: Shorter documents cannot hold so many attributes that it matters, in bytes.
MAY_BE_CROWDED = 32_768
MAX_ATTRIBUTES = 1_000
_NAME = rb"<[A-Za-z][^\s/>]*+"
_ATTRIBUTE = rb"""[\s/]*+[^\s/>][^\s/>=]*+
    (?:\s*+=\s*+(?:"[^"]*+"?+|'[^']*+'?+|[^\s>"'][^\s>]*+|(?!))?+|(?!))?+"""
#: What is no tag, whatever it looks like: comments, and elements whose content is text.
_COMMENT = rb"<!--(?:-?+>|(?:[^-]++|-(?!-!?+>)|(?!))*+(?:--!?+>|\Z))"
_TEXT = rb"|".join(
    rb"<%b(?=[\s/>])(?:%b|(?!)){0,1000}+[\s/]*+>(?:[^<]++|<(?!/%b[\s/>])|(?!))*+"
    % (name, _ATTRIBUTE, name)
    for name in (
        b"(?i:%b)" % each
        for each in b"script style textarea title xmp iframe noembed noframes".split()
    )
)
_CALM = re.compile(
    rb"(?:[^<]++|"
    + _COMMENT
    + rb"|"
    + _TEXT
    + rb"|<(?![A-Za-z])|"
    + _NAME
    + rb"(?:"
    + _ATTRIBUTE
    + rb"|(?!)){0,1000}+[\s/]*+(?:>|\Z)|(?!))*+",
    re.VERBOSE,
)
_CROWDED = re.compile(_NAME + rb"(?:" + _ATTRIBUTE + rb"){1000}", re.VERBOSE)
_REST = re.compile(rb"(?:" + _ATTRIBUTE + rb"|(?!))*+[\s/]*+>?+", re.VERBOSE)


def without_crowds(text: bytes) -> bytes:
    """The document with no more than `MAX_ATTRIBUTES` attributes to an element."""
    if len(text) < MAY_BE_CROWDED:
        return text
    kept, position = [], 0
    while (stop := _end(_CALM, text, position)) < len(text):
        cut = _end(_CROWDED, text, stop)
        kept += [text[position:cut], b">"]
        position = _end(_REST, text, cut)
    return b"".join([*kept, text[position:]]) if kept else text


def _end(pattern: re.Pattern[bytes], text: bytes, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position + 1


def parts_of(text: bytes) -> Iterable[bytes]:
    """The document, or where it is too deep or too long for one tree, what it is read in."""
    if is_hostile(text):
        return in_slices(text)
    return in_parts(text) if len(text) > PART // 5 else (text,)  # no tag is shorter than 3 bytes


def is_hostile(text: bytes) -> bool:
    """Whether a document nests deeper than browsers would follow."""
    return text.count(b"<") > HARMLESS and _is_deep(_DRAWING.sub(b"", text))


def _is_deep(text: bytes) -> bool:
    tags = _TAG.findall(text)
    if _climbs(tags, _Steps(), MAX_DEPTH):
        return True
    formats = sum(count for tag, count in Counter(tags).items() if tag.lower() in _FORMATTING)
    return formats > MAX_FORMATTING and _climbs(tags, _Formats(), MAX_FORMATTING)


class _Steps(dict[bytes, int]):
    """What each tag adds to the depth of open elements."""

    def __missing__(self, tag: bytes) -> int:
        name = tag.lower().lstrip(b"/")
        step = 0 if name in _VOID or name in _CLOSES_ITSELF else 1
        self[tag] = step = -step if tag[:1] == b"/" else step
        return step


class _Formats(_Steps):
    """What each tag adds to the number of formatting elements left open."""

    def __missing__(self, tag: bytes) -> int:
        if tag.lower().lstrip(b"/") in _FORMATTING:
            return super().__missing__(tag)
        self[tag] = 0
        return 0


def _climbs(tags: list[bytes], steps: _Steps, limit: int) -> bool:
    """Whether a count of steps, that never falls below 0, goes beyond a limit."""
    height = 0
    for step in map(steps.__getitem__, tags):
        height += step
        if height < 0:
            height = 0
        elif height > limit:
            return True
    return False


def in_slices(text: bytes) -> Iterator[bytes]:
    """The document in pieces of `SLICE` tags."""
    return _pieces(text, _TAG, lambda _: 1, SLICE)


def in_parts(text: bytes) -> Iterator[bytes]:
    """The document in pieces whose trees are not too large."""
    return _pieces(text, _WHOLE_TAG, lambda tag: TAG + tag.end() - tag.start(), PART)


def _pieces(
    text: bytes, tags: re.Pattern[bytes], weigh: Callable[[re.Match[bytes]], int], most: int
) -> Iterator[bytes]:
    """The document cut before tags, wherever those since the last cut weigh so much."""
    start = weight = 0
    for tag in tags.finditer(text):
        weight += weigh(tag)
        if weight >= most:
            yield text[start : tag.start()]
            start, weight = tag.start(), 0
    yield text[start:]
