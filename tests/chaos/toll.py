"""What faults have cost a crawl: promises held against what is there at the end."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tests.chaos.ledger import Ledger
from tests.chaos.world import World
from tests.net.fleet import Verdict
from tests.random_web import RandomWeb, key_of
from tests.random_web import compare as compare_web


@dataclass
class Toll:
    """One run: what was done to it and what came of it."""

    row: str
    seed: int
    faults: list[str] = field(default_factory=list)
    accepted: int = 0  #: URLs that were accepted or linked
    requests: int = 0
    recorded: int = 0
    lost: set[str] = field(default_factory=set)
    twice: set[str] = field(default_factory=set)
    unexpected: set[str] = field(default_factory=set)
    damaged: set[str] = field(default_factory=set)  #: records whose file is missing or another
    trespassed: set[str] = field(default_factory=set)  #: asked against robots.txt, or unasked-for
    undone: set[str] = field(default_factory=set)  #: said to be stored, and fetched again
    dead: dict[str, int] = field(default_factory=dict)  #: given up for no reason of the web's
    audit: list[str] = field(default_factory=list)  #: with `PRAGMA integrity_check`
    tries: list[int] = field(default_factory=list)  #: requests of each URL
    recoveries_s: list[float] = field(default_factory=list)  #: from a fault to the second request
    gap_s: float = float("inf")  #: smallest between two requests to one host
    rule_s: float = 0.0  #: what it may not be under
    peak_rss: dict[str, int] = field(default_factory=dict)  #: role -> bytes
    files: tuple[int, int] = (0, 0)  #: open in the manager: at first, at last
    left: int = 0  #: temporary files
    stuck: int = 0  #: of them those that the next start does not sweep away
    forgiven: int = 0  #: accepted and lost where the mode allows it, see row 11
    oldest_s: float = 0.0  #: of them the one accepted longest before its fault, see row 17
    seconds: float = 0.0
    failed: str = ""  #: why the run broke off; "": it did not

    @property
    def complaints(self) -> list[str]:
        """What may not be; [] where all promises were kept."""
        sets = ("lost", "twice", "unexpected", "damaged", "trespassed", "undone")
        kinds = ((name, getattr(self, name)) for name in sets)
        found = [f"{len(some)} {name}: {sorted(some)[:3]}" for name, some in kinds if some]
        found += [self.failed] if self.failed else []
        found += [f"dead: {self.dead}"] if self.dead else []
        found += [f"audit: {self.audit}"] if self.audit else []
        found += [f"temporary files for ever: {self.stuck}"] if self.stuck else []
        if self.gap_s < self.rule_s:
            found.append(f"a gap of {self.gap_s:.4f} s, the rule is {self.rule_s} s")
        return found

    def assert_kept(self) -> None:
        """Every promise was kept."""
        assert self.complaints == [], f"row {self.row}, seed {self.seed}, after {self.faults}"


def compare(toll: Toll, verdict: Verdict, ledger: Ledger, world: World) -> None:
    """Fill in what is known of URLs and records."""
    wanted = world.shown | ledger.accepted.keys()
    there = {record.final_url for record in verdict.records}
    toll.accepted, toll.recorded = len(wanted), len(verdict.records)
    toll.lost, toll.unexpected = wanted - there, there - wanted - ledger.asked
    toll.twice, toll.damaged = set(verdict.twice), set(verdict.damaged)
    toll.dead = {why: n for why, n in verdict.stats.dead.items() if why not in world.dead}
    toll.audit = list(verdict.faults)
    seen = compare_web(world.web, verdict.records)
    toll.damaged |= seen.wrong
    toll.trespassed = seen.trespassed | (seen.strange - set(map(key_of, ledger.asked)))


def count(toll: Toll, web: RandomWeb, ledger: Ledger, faults_s: Iterable[float]) -> None:
    """Fill in what the web has seen."""
    asked = _moments(web)
    toll.requests = len(web.log)
    toll.tries = sorted(len(moments) for moments in asked.values())
    toll.gap_s = compare_web(web, ()).gap_s
    toll.undone = {
        url for url, said_s in ledger.recorded.items() if asked.get(url, [0.0])[-1] > said_s
    }
    toll.recoveries_s = sorted(_recoveries_s(asked, sorted(faults_s)))


def _moments(web: RandomWeb) -> dict[str, list[float]]:
    """URL -> when it was asked for."""
    asked = defaultdict(list)
    for one in web.log:
        if not one.key.endswith("/robots.txt"):
            asked[web.url(one.key)].append(one.began_s)
    return {url: sorted(moments) for url, moments in asked.items()}


def _recoveries_s(asked: dict[str, list[float]], faults_s: list[float]) -> list[float]:
    """Of each URL that was asked for before a fault and again after it: how long after."""
    found = []
    for moments in asked.values():
        for before, after in pairwise(moments):
            between = [at_s for at_s in faults_s if before <= at_s <= after]
            found += [after - between[0]] if between else []
    return found


def forgive_latest(toll: Toll, ledger: Ledger, faults_s: Sequence[float], within_s: float) -> None:
    """Count apart what was lost and had been accepted so shortly before one of these faults."""
    ages = {
        url: _age_s(ledger.accepted[url], faults_s) for url in toll.lost & ledger.accepted.keys()
    }
    late = {url: age_s for url, age_s in ages.items() if age_s <= within_s}
    toll.forgiven += len(late)
    toll.oldest_s = max(late.values(), default=0.0)
    toll.lost -= late.keys()


def _age_s(accepted_s: float, faults_s: Sequence[float]) -> float:
    """How long it had been accepted when the next fault came."""
    return min((at_s - accepted_s for at_s in faults_s if at_s >= accepted_s), default=float("inf"))


def share(values: Sequence[float], part: float) -> float:
    """The value below which that part of sorted values lies; 0 where there are none."""
    return values[min(len(values) - 1, int(len(values) * part))] if values else 0.0
