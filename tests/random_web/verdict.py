"""What a crawl came to, compared with the truth as sets."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from bowerbird.model import Death, Record
from tests.random_web.server import Asked, RandomWeb
from tests.random_web.world import key_of

#: What every origin is asked for without being named by anyone.
UNNAMED = ("robots.txt", "sitemap.xml")


@dataclass(frozen=True)
class Verdict:
    """All differences. Keys (host and path), not URLs."""

    seed: int
    accepted: int  #: images that had to be stored
    recorded: int
    lost: set[str]  #: should have been stored, and were not
    duplicated: set[str]  #: recorded more than once
    unexpected: set[str]  #: recorded, though nobody should have
    wrong: set[str]  #: recorded with other bytes than were served
    trespassed: set[str]  #: asked though robots.txt forbids
    strange: set[str]  #: asked though no allowed page leads there
    unasked: set[str]  #: never asked, though it should have been
    misjudged: dict[str, str]  #: dead of what they should not be, or not dead
    again: dict[str, int]  #: asked more often than needed: how much more
    smallest_gap_s: dict[str, float] = field(repr=False)  #: host -> between two request starts
    most_in_flight: dict[str, int] = field(repr=False)  #: host -> at once
    rules_s: dict[str, float] = field(repr=False)  #: host -> the gap its robots.txt asks for

    @property
    def gap_s(self) -> float:
        """The smallest of all gaps."""
        return min(self.smallest_gap_s.values(), default=float("inf"))

    @property
    def in_flight(self) -> int:
        """The most at one host at once."""
        return max(self.most_in_flight.values(), default=0)

    def assert_whole(
        self, per_host: int = 4, delay_s: float = 0.0, *, faults: bool = False
    ) -> None:
        """Nothing lost, duplicated or unexpected, no rule broken.

        `faults`: there were some, so that things may have been asked again.
        """
        sets = ("lost", "duplicated", "unexpected", "wrong", "trespassed", "strange", "unasked",
                "misjudged")  # fmt: skip
        broken = {name: sorted(getattr(self, name))[:5] for name in sets if getattr(self, name)}
        assert broken == {}, f"seed {self.seed}: {broken}"
        assert faults or self.again == {}, f"seed {self.seed}"
        assert self.in_flight <= per_host, f"seed {self.seed}: {self.most_in_flight}"
        gaps = self.smallest_gap_s.items()
        hurried = {host: gap for host, gap in gaps if gap < self.rules_s.get(host, delay_s)}
        assert hurried == {}, f"seed {self.seed}, to keep: {self.rules_s}"


def compare(
    web: RandomWeb, records: Iterable[Record], log: Iterable[Asked] | None = None,
    deaths: Iterable[Death] | None = None,
) -> Verdict:  # fmt: skip
    """Compare what was stored and asked with what the world's truth says.

    `log`: what was asked, if not all of it is in `web.log`. `deaths`: what was given up, if that is
    to be compared too.
    """
    truth, log = web.world.truth, list(web.log if log is None else log)
    stored = [(key_of(record.final_url), record.sha256) for record in records]
    times = Counter(key for key, _ in stored)
    asked = Counter(one.key for one in log if one.key.partition("/")[2] not in UNNAMED)
    return Verdict(
        seed=web.world.seed,
        accepted=len(truth.images),
        recorded=len(stored),
        lost=truth.images.keys() - times.keys(),
        duplicated={key for key, number in times.items() if number > 1},
        unexpected=times.keys() - truth.images.keys(),
        wrong={key for key, sha256 in stored if truth.images.get(key, sha256) != sha256},
        trespassed={key for key in asked if web.world.forbids(key)},
        strange={key for key in asked.keys() - truth.allowed.keys() if not web.world.forbids(key)},
        unasked=truth.allowed.keys() - asked.keys(),
        misjudged={} if deaths is None else _misjudged(truth.dead, deaths),
        again={
            key: more for key, number in asked.items()
            if (more := number - truth.allowed.get(key, number)) > 0
        },
        smallest_gap_s={host: _gap_s(seen) for host, seen in _by_host(log).items()},
        most_in_flight={host: _most(seen) for host, seen in _by_host(log).items()},
        rules_s=web.world.delays_s,
    )  # fmt: skip


def _misjudged(expected: dict[str, str], deaths: Iterable[Death]) -> dict[str, str]:
    found = {key_of(death.url): death.reason for death in deaths}
    return {
        key: f"{found.get(key, 'alive')}, not {expected.get(key, 'dead at all')}"
        for key in sorted(found.keys() | expected.keys())
        if found.get(key) != expected.get(key) and key.partition("/")[2] not in UNNAMED
    }


def _by_host(log: Iterable[Asked]) -> dict[str, list[Asked]]:
    hosts: dict[str, list[Asked]] = defaultdict(list)
    for one in log:
        hosts[one.host].append(one)
    return hosts


def _gap_s(seen: list[Asked]) -> float:
    moments = sorted(one.began_s for one in seen)
    return min((later - earlier for earlier, later in pairwise(moments)), default=float("inf"))


def _most(seen: list[Asked]) -> int:
    """Most at once; an answer and a request of one moment are one after the other."""
    steps = [(one.began_s, 1) for one in seen]
    steps += [(one.ended_s, -1) for one in seen if one.ended_s]
    now = most = 0
    for _, step in sorted(steps):
        now += step
        most = max(most, now)
    return most
