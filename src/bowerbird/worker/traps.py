"""Crawler traps: pages that lead on for ever, and how they are told from a site that is large.

By the link: a path that repeats itself, is too deep, or asks with too many parameters (the rules of
Heritrix' PathologicalPath and TooManyPathSegments, with its limits).

By what comes of it: pages have a *shape*, their host and the words of their path without numbers
and ids, whatever the order. A page is *barren* that names no image that is new, and no new page of
a shape that brings images. Pages of one shape that are barren and alike, word by word, a hundred
in a row, condemn the shape: its links are not followed, those that wait are not fetched. An image,
or a text unlike the last ones, absolves it. Far from the start a barren page leads no further.

All this is one worker's own opinion; with N workers a trap costs at most N times as much.
"""

import re
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bowerbird.model import EXAMPLE, TRAP, TRAP_AT, Kind, Task
from bowerbird.settings import Settings
from bowerbird.urls import host_of

#: Shapes remembered; some kilobytes each at most.
SHAPES = 4_096
#: Pages of a shape that a new one is compared with: a year of months, and some more.
REMEMBERED = 16
#: Barren pages in a row before words are compared at all.
SUSPICIOUS = 16
#: Words that two pages must share, of all that either has, to be alike.
ALIKE = 0.9
#: Words of a page that are looked at.
WORDS = 2_000
#: A shape brings images if at least one of so many of its pages did.
FRUITFUL = 20
#: Links of a page that are looked through for such shapes.
LOOKED_AT = 200

_ID = re.compile(r"[0-9A-Fa-f]{8,}|\d+")
_TAG = re.compile(rb"<[^<>]*+>?")
_WORD = re.compile(rb"[^\W\d_]{2,}")


@dataclass(slots=True)
class Shape:
    """What is known of pages of one shape."""

    pages: int = 0
    fruits: int = 0  #: pages of it that named a new image
    barren: int = 0  #: barren pages in a row, from `SUSPICIOUS` on only those that are alike
    seen: deque[frozenset[bytes]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    @property
    def fruitful(self) -> bool:
        """Whether it brings images."""
        return self.fruits * FRUITFUL >= self.pages and self.fruits > 0

    def alike(self, words: frozenset[bytes]) -> bool:
        """Whether one of the last pages had these words; it is remembered if not."""
        if any(len(words & one) >= ALIKE * len(words | one) for one in self.seen):
            return True
        self.seen.append(words)
        return False


class Traps:
    """Which links and pages are left aside since they would lead on for ever, and how many."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._shapes: dict[str, Shape] = {}
        self._counts: Counter[str] = Counter()
        self._told: set[str] = set()

    # By the link.

    def admits(self, url: str) -> bool:
        """Whether a page link may be followed, as far as its text goes."""
        # Fewer slashes than this hold no path that repeats itself or is deep, whatever the limits.
        if url.count("/") > 4 or "&" in url:
            kind = self._flaw(url)
            if kind:
                self.count(kind, url)
                return False
        return True

    def _flaw(self, url: str) -> str:
        settings = self._settings
        path, _, query = url.partition("?")
        segments = path.rstrip("/").split("/")[3:]
        if len(set(segments)) < len(segments):
            segments = [one for one in segments if one]
            if settings.max_path_repeats and _repeats(segments, settings.max_path_repeats):
                return "path-repeats"
        if settings.max_path_segments and len(segments) > settings.max_path_segments:
            return "path-segments"
        if settings.max_parameters and query.count("&") >= settings.max_parameters:
            return "parameters"
        return ""

    # By what comes of it.

    def condemns(self, task: Task) -> bool:
        """Whether a page is not to be fetched: too many like it brought nothing."""
        most = self._settings.max_near_duplicates
        if task.kind is not Kind.PAGE or not self._shapes or not most or not task.referrer:
            return False
        shape = self._shapes.get(shape_of(task.url))
        return shape is not None and shape.barren >= most

    def sift(self, task: Task, found: Sequence[Task], body: bytes) -> Sequence[Task]:
        """What is left of the tasks that a page leads to; the page is remembered."""
        name = shape_of(task.url)
        shape = self._shape(name)
        shape.pages += 1
        if any(one.kind is Kind.IMAGE for one in found):
            shape.fruits += 1
            shape.barren = 0
            return found
        if self._leads_to_images(name, found):
            shape.barren = 0
            return found
        shape.barren += 1
        if shape.barren > SUSPICIOUS and not shape.alike(words_of(body)):
            shape.barren = SUSPICIOUS
        return [one for one in found if one.kind is not Kind.PAGE or self._leads_on(task, one)]

    def _leads_on(self, task: Task, link: Task) -> bool:
        most = self._settings.max_barren_depth
        if most and task.depth >= most:
            self.count("depth", link.url)
            return False
        if self.condemns(link):
            self.count("near-duplicates", link.url)
            return False
        return True

    def _leads_to_images(self, name: str, found: Sequence[Task]) -> bool:
        others = {shape_of(one.url) for one in found[:LOOKED_AT] if one.kind is Kind.PAGE} - {name}
        return any((shape := self._shapes.get(one)) and shape.fruitful for one in others)

    def _shape(self, name: str) -> Shape:
        if len(self._shapes) >= SHAPES and name not in self._shapes:
            self._shapes = {
                one: shape for one, shape in self._shapes.items() if shape.barren > SUSPICIOUS
            }
            if len(self._shapes) >= SHAPES:
                self._shapes.clear()
        return self._shapes.setdefault(name, Shape())

    # What is told.

    def count(self, kind: str, url: str, number: int = 1) -> None:
        """Links were left aside, this among them."""
        self._counts[TRAP + kind] += number
        if kind not in self._told:
            self._told.add(kind)
            self._counts[f"{TRAP_AT}{kind} {url[:EXAMPLE]}"] = 1

    def note(self, name: str, number: int) -> None:
        """Count something else that should not be a silent nothing."""
        self._counts[name] += number

    def counts(self) -> dict[str, int]:
        """What was left aside since the last call, for the crawl's counters."""
        if not self._counts:
            return {}
        counts, self._counts = dict(self._counts), Counter()
        return counts


def shape_of(url: str) -> str:
    """Host and the words of a path, without numbers and ids, in no order."""
    path, query, _ = url.partition("?")
    segments = {_ID.sub("0", one.partition(";")[0]) for one in path.split("/")[3:]}
    return f"{host_of(url)} {'/'.join(sorted(segments))}{query}"


def words_of(body: bytes) -> frozenset[bytes]:
    """The words of a page, without numbers; scripts and styles are words too."""
    return frozenset(_first(_WORD.finditer(_TAG.sub(b" ", body[:200_000]).lower())))


def _first(matches: Iterable[re.Match[bytes]]) -> Iterable[bytes]:
    for number, match in enumerate(matches):
        if number >= WORDS:
            return
        yield match[0]


def _repeats(segments: Sequence[str], most: int) -> bool:
    """Whether some segments follow each other more than `most` times: /a/b/a/b/a/b."""
    longest = len(segments) // (most + 1)
    return any(_run(segments, period) >= period * most for period in range(1, longest + 1))


def _run(segments: Sequence[str], period: int) -> int:
    """The longest stretch of segments that are the same as those one period later, and no mere
    numbers: dates and coordinates do repeat."""
    longest = now = words = 0
    for one, later in zip(segments, segments[period:], strict=False):
        now, words = (now + 1, words + (not one.isdigit())) if one == later else (0, 0)
        longest = max(longest, now if words else 0)
    return longest
