"""Looks at all partitions of a crawl: where there is work, how far its limits are spent, whether it
has ended."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bowerbird.frontier.counts import Counts
from bowerbird.frontier.redis.line import together
from bowerbird.frontier.redis.partition import Partition
from bowerbird.frontier.tasks import KINDS
from bowerbird.model import State

_TEXTS = ("identity", "state", "seeds", "epochs")
_NUMBERS = (
    *(f"{what}:{kind}" for what in ("waiting", "leased", "done", "dead-kind") for kind in KINDS),
    "moved:page", "records", "hosts-answered", "busy", "downs", "last", "sessions", "max_images",
    "max_pages",
)  # fmt: skip
#: These are said of the crawl, not counted.
RULES = frozenset(
    {"max_images", "max_pages", "max_host_urls", "per_host", "retries", "obey_robots", "parted"}
)


class Look(NamedTuple):
    """What one partition has at one moment."""

    partition: int
    state: State
    seeds: bool
    epochs: bytes
    counts: Mapping[str, int]
    outbox: int  #: messages to other partitions
    crowd: int  #: sessions attached, of all crawls, that are not overdue

    def sum(self, group: str) -> int:
        """Over all kinds."""
        return sum(self.counts[f"{group}:{kind}"] for kind in KINDS)

    @property
    def activity(self) -> tuple[int, ...]:
        """What is not the same again once anything has happened to a task."""
        return self.counts["last"], self.sum("done"), self.sum("dead-kind")


def looked(partitions: Sequence[Partition]) -> list[Look]:
    """A look at each, one round trip for each Redis. Raises CrawlVanishedError."""
    asks = [
        ask
        for one in partitions
        for ask in (
            one.command("HMGET", "books", *_TEXTS, *_NUMBERS),
            one.command("XLEN", "outbox"),
            one.shared("ZCOUNT", "sessions", one.now_s(), "+inf"),
        )
    ]
    answers = together(asks)
    return [
        _look(one, *answers[3 * number : 3 * number + 3]) for number, one in enumerate(partitions)
    ]


def _look(partition: Partition, values: Sequence[bytes | None], outbox: int, crowd: int) -> Look:
    identity, state, seeds, epochs = values[: len(_TEXTS)]
    partition.checked(identity)
    numbers = (int(value or 0) for value in values[len(_TEXTS) :])
    counts = dict(zip(_NUMBERS, numbers, strict=True))
    return Look(
        partition.number, State((state or b"").decode()), seeds == b"yes", epochs or b"", counts,
        outbox, crowd,
    )  # fmt: skip


def summed(looks: Sequence[Look]) -> Counts:
    """The counts of the crawl."""
    counters = {
        name: looks[0].counts[name] if name in RULES else sum(one.counts[name] for one in looks)
        for name in _NUMBERS
    }
    return Counts(counters, counters["max_images"], counters["max_pages"])


def state_of(states: Sequence[State]) -> State:
    """What is asked of a crawl; partitions are told one after the other."""
    for state in (State.PAUSED, State.DRAINING):
        if state in states:
            return state
    return State.RUNNING


def is_quiet(looks: Sequence[Look]) -> bool:
    """Whether, as far as one look can tell, nothing is to be done any more."""
    if any(one.outbox or one.sum("leased") for one in looks):
        return False
    asked = state_of([one.state for one in looks])
    shown = summed(looks).shown(asked, seeds_complete=looks[0].seeds, leased=0)
    return shown is State.ENDED


def all_down(looks: Sequence[Look]) -> bool:
    """Whether no host ever answered and all that is left is down."""
    counts = summed(looks)
    still = not any(one.sum("leased") or one.outbox for one in looks)
    return still and not counts.get("hosts-answered") and counts.get("busy") == counts.get("downs")
