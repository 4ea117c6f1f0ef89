"""`srcset`, by https://html.spec.whatwg.org/multipage/images.html#parsing-a-srcset-attribute."""

import re
from typing import NamedTuple

#: Candidates of one attribute that are read; sites have a dozen.
MAX_CANDIDATES = 10_000
_BEFORE_URL = re.compile(r"[ \t\n\f\r,]*+")
_URL = re.compile(r"[^ \t\n\f\r]*+")
#: One step of the descriptor tokenizer outside parentheses, and one inside.
_OUTSIDE = re.compile(r"[^ \t\n\f\r,(]*+")
_INSIDE = re.compile(r"[^)]*+\)?")
_INTEGER = re.compile(r"[0-9]++\Z")
_FLOAT = re.compile(r"-?+(?:[0-9]++(?:\.[0-9]++)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?\Z")


class Candidate(NamedTuple):
    """One image of a srcset: width in pixels (0: not said), or density (0.0: not said)."""

    url: str
    width: int = 0
    density: float = 0.0


def parse_srcset(text: str) -> list[Candidate]:
    """The candidates of a `srcset` attribute; those with errors are left out. Linear."""
    found: list[Candidate] = []
    position = 0
    while True:
        position = _end(_BEFORE_URL, text, position)
        if position >= len(text) or len(found) == MAX_CANDIDATES:
            return found
        end = _end(_URL, text, position)
        url, position = text[position:end], end
        descriptors: list[str] = []
        if url.endswith(","):
            url = url.rstrip(",")
        else:
            descriptors, position = _descriptors(text, position)
        candidate = _candidate(url, descriptors)
        if candidate:
            found.append(candidate)


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _descriptors(text: str, position: int) -> tuple[list[str], int]:
    """The descriptors after a URL, and where the next candidate begins."""
    found, start = [], position
    while position < len(text):
        position = _end(_OUTSIDE, text, position)
        stop = text[position : position + 1]
        if stop == "(":
            position = _end(_INSIDE, text, position + 1)
            continue
        if start < position:
            found.append(text[start:position])
        position += 1
        start = position
        if stop == ",":
            return found, position
    if start < len(text):
        found.append(text[start:])
    return found, len(text)


def _candidate(url: str, descriptors: list[str]) -> Candidate | None:
    values: dict[str, str] = {}
    for descriptor in descriptors:
        kind, value = descriptor[-1], descriptor[:-1]
        if kind not in "wxh" or kind in values or not _is_valid(kind, value):
            return None
        values[kind] = value
    if "x" in values and len(values) > 1:
        return None
    if "h" in values and "w" not in values:
        return None
    return Candidate(url, int(values.get("w", 0)), float(values.get("x", 0)))


def _is_valid(kind: str, value: str) -> bool:
    if kind == "x":
        return _FLOAT.match(value) is not None and not float(value) < 0
    return _INTEGER.match(value) is not None and len(value) < 4_000 and int(value) > 0
