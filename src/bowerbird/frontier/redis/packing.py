"""Tasks and outcomes as the scripts take them: what Lua has to know, and the rest as it is."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from bowerbird.codec import encode
from bowerbird.frontier.redis.division import Division
from bowerbird.frontier.redis.keys import fingerprint
from bowerbird.frontier.redis.robots import Judge
from bowerbird.frontier.tasks import NUMBER, priority_of
from bowerbird.model import Kind, Outcome, Record, Robots, Task, Verb
from bowerbird.urls import host_of_origin, origin_of

#: Tasks, outcomes and what they bring in one script call: it takes about a millisecond then.
CHUNK = 250

T = TypeVar("T")

#: {host, label, priority, places in ARGV} of tasks that go into one list.
Group = tuple[str, str, int, list[int]]
#: The partition of a URL where it is another one; None: it is this one.
Elsewhere = Callable[[str], int | None]
#: A partition, and the place of a message to it.
Post = tuple[int, int]


@lru_cache(maxsize=16_384)
def place_of(origin: str) -> tuple[str, str]:
    """The host of an origin and its label there: scheme and port."""
    host = host_of_origin(origin)
    scheme, _, authority = origin.partition("://")
    return host, scheme + authority[len(host) :]


class Packed:
    """The arguments of one script call, as they grow; Lua counts ARGV from 1."""

    def __init__(self, fixed: int, key: bytes, elsewhere: Elsewhere | None = None) -> None:
        """`fixed`: how many arguments stand before those put here; `key`: the fingerprints'."""
        self.arguments: list[Any] = []
        self._key, self._first, self._next = key, fixed + 1, fixed + 1
        self._elsewhere = elsewhere

    def put(self, *values: Any) -> int:
        """Add arguments; answer the place of the first."""
        place = self._next
        self.arguments += values
        self._next += len(values)
        return place

    def groups(self, tasks: Iterable[Task]) -> list[Group]:
        """Put tasks, the first of each URL: groups change their order. Robots tasks are the
        frontier's own and left out."""
        groups: dict[tuple[str, int], Group] = {}
        firsts: dict[str, Task] = {}
        for task in tasks:
            url = task.url
            if task.kind is not Kind.ROBOTS and firsts.setdefault(url, task) is task:
                priority = priority_of(NUMBER[task.kind], task.depth)
                which = origin_of(url), priority
                if which not in groups:
                    groups[which] = (*place_of(which[0]), priority, [])
                groups[which][3].append(self.put(fingerprint(url, self._key), encode(task)))
        return list(groups.values())

    def at(self, place: int) -> Any:
        """What was put at a place."""
        return self.arguments[place - self._first]

    # For other partitions.

    def _parted(self, tasks: Sequence[Task]) -> tuple[list[Group], list[Post]]:
        """Tasks that stay here, as groups, and messages with the others."""
        if self._elsewhere is None:
            return self.groups(tasks), []
        parts: dict[int | None, list[Task]] = {}
        for task in tasks:
            parts.setdefault(self._elsewhere(task.url), []).append(task)
        own = self.groups(parts.pop(None, ()))
        return own, [
            (partition, self.put(found_message(some, self._key)))
            for partition, some in parts.items()
            if partition is not None
        ]

    def _counted_elsewhere(self, others: Sequence[Record]) -> list[Post]:
        """Messages with records under another URL: each is counted where all who bring it look."""
        assert self._elsewhere is not None
        parts: dict[int | None, list[tuple[str, int]]] = {}
        for one in others:
            parts.setdefault(self._elsewhere(one.final_url), []).append(self._counted(one))
        return [
            (partition, self.put(encode(("u", some))))
            for partition, some in parts.items()
            if partition is not None
        ]

    def _counted(self, record: Record) -> tuple[str, int]:
        return single(record, self._key), record.bytes

    # Outcomes.

    def outcome(self, outcome: Outcome, judge: Judge) -> dict[str, Any]:
        """An outcome; what is missing is nothing. The letters: `lua/shared/outcomes.lua`."""
        said = _plain(outcome)
        if outcome.records or outcome.sightings:
            self._finds(said, outcome)
        if outcome.found:
            said["f"], posts = self._parted(outcome.found)
            if posts:
                said["x"] = [*said.get("x", ()), *posts]
            if outcome.verb in (Verb.DEAD, Verb.RETRY):  # a spent retry is a death
                said["g"] = [task.url for task in outcome.found]
        if outcome.moved is not None:
            said["o"] = self._moved(outcome.moved)
        if outcome.robots is not None:
            said["r"] = self._robots(outcome.robots, judge)
        return said

    def _finds(self, said: dict[str, Any], outcome: Outcome) -> None:
        said["k"] = self.put(encode((outcome.records, outcome.sightings)))
        own = [one for one in outcome.records if _is_own(one, outcome)]
        if own:
            said["n"], said["y"] = len(own), sum(one.bytes for one in own)
        others = [one for one in outcome.records if not _is_own(one, outcome)]
        if others:
            here = [
                one
                for one in others
                if not self._elsewhere or self._elsewhere(one.final_url) is None
            ]
            said["u"] = [self._counted(one) for one in here]
            if len(here) < len(others):
                said["x"] = self._counted_elsewhere(others)

    def _moved(self, target: Task) -> tuple[Any, ...]:
        groups, posts = self._parted([target])
        place = place_of(origin_of(target.url))
        return groups, target.url, target.hops, *place, *(posts[0] if posts else ())

    def _robots(self, robots: Robots, judge: Judge) -> tuple[str, int, float]:
        if robots.verdict != "text":
            return robots.verdict, 0, 0.0
        text = readable(robots.text)
        if not text.strip():
            return "allow", 0, 0.0
        place = self.put(zlib.compress(text.encode(), 1))
        return "text", place, judge.crawl_delay_s(text)


def found_message(tasks: Sequence[Task], key: bytes) -> bytes:
    """A message with tasks: `lua/deliver.lua`. They stand behind it, as cmsgpack reads no bytes."""
    packed = Packed(0, key)
    groups = packed.groups(tasks)
    names, tails = packed.arguments[::2], packed.arguments[1::2]
    return b"".join((encode(("f", groups, names, [len(tail) for tail in tails])), *tails))


def _plain(outcome: Outcome) -> dict[str, Any]:
    """The letters of what is said in a word or a number."""
    said = {
        letter: value
        for letter, value in (
            ("w", outcome.reason), ("t", outcome.detail), ("i", outcome.in_s),
            ("h", outcome.hold_s), ("s", outcome.status), ("c", outcome.counts),
        )
        if value
    }  # fmt: skip
    if outcome.verb is not Verb.DONE:
        said["v"] = outcome.verb.value
    if outcome.answered is not None:
        said["a"] = outcome.answered
    if outcome.delay_s is not None:
        said["d"] = outcome.delay_s
    return said


def readable(text: str) -> str:
    """A robots.txt as far as it is read; lone surrogates break its parser."""
    from bowerbird.frontier.gates import MAX_TEXT

    return text[:MAX_TEXT].encode("utf-8", "replace").decode()


def _is_own(record: Record, outcome: Outcome) -> bool:
    """Whether it can come but once: with the one good end of the task of its URL. Images that
    pages carry themselves (data:) may come from many."""
    return outcome.verb is Verb.DONE and not record.final_url.startswith("data:")


def chunks_of_tasks(tasks: Sequence[Task]) -> Iterator[Sequence[Task]]:
    """Stretches of tasks, one script call each; one at least."""
    for start in range(0, max(1, len(tasks)), CHUNK):
        yield tasks[start : start + CHUNK]


def chunks_of_outcomes(outcomes: Sequence[Outcome]) -> Iterator[list[Outcome]]:
    """Stretches of outcomes, one script call each; one at least."""
    return chunks_by_weight(outcomes, lambda one: 1 + len(one.found) + len(one.records))


def chunks_by_weight(some: Sequence[T], weight_of: Callable[[T], int]) -> Iterator[list[T]]:
    """Stretches of `CHUNK` in weight at most, or of a single thing that weighs more; one at
    least."""
    chunk: list[T] = []
    weight = 0
    for one in some:
        more = weight_of(one)
        if chunk and weight + more > CHUNK:
            yield chunk
            chunk, weight = [], 0
        chunk.append(one)
        weight += more
    yield chunk


def single(record: Record, key: bytes) -> str:
    """What a record is counted by, where several tasks may bring it."""
    return fingerprint(f"record {record.final_url}", key)


def partition_of(url: str, division: Division) -> int:
    """Where a URL's host lies; one that has none (data:) lies anywhere, always in one place."""
    return division.of(host_of_origin(origin_of(url)) if url.startswith("http") else url)
