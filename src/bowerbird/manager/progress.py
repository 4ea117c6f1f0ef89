"""Progress: rates and the time still to go, from two looks at the frontier's counts."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from bowerbird.model import HostRow, State, Stats, WorkerRow

#: Rates are taken over this stretch, in seconds: calm enough to read, quick enough to trust.
WINDOW_S = 10.0


#: Reasons that are the user's or the site's wish rather than a fault.
LEFT_OUT = frozenset(
    {
        "robots",
        "x-robots-tag",
        "out-of-scope",
        "type-not-wanted",
        "too-small",
        "private-address",
        "trap",
    }
)


@dataclass(slots=True, frozen=True)
class Progress:
    """One moment of a crawl, for people."""

    stats: Stats
    seconds: float  #: since this run began
    images_per_s: float
    bytes_per_s: float
    tasks_per_s: float
    eta_s: float | None  #: None: not to be said yet
    hosts: tuple[HostRow, ...] = ()  #: the busiest
    workers: tuple[WorkerRow, ...] = ()  #: all

    @property
    def waiting(self) -> int:
        """Tasks not yet ended."""
        return sum(self.stats.waiting.values()) + self.stats.leased

    @property
    def ended(self) -> int:
        """Tasks done and dead."""
        return ended(self.stats)

    @property
    def failed(self) -> int:
        """Tasks dead, but for what was left out by somebody's wish."""
        return sum(self.failures.values())

    @property
    def failures(self) -> dict[str, int]:
        """The same by reason."""
        return failures(self.stats)

    @property
    def phase(self) -> str:
        """What a crawl that runs is at, in a few words; else its state."""
        if self.stats.state is not State.RUNNING:
            return state_word(self.stats)
        if self.hosts and all(row.state == "down" for row in self.hosts):
            return "no host answers"
        if not self.ended:
            return "starting"
        return "crawling" if self.stats.waiting.get("page") else "fetching images"


def state_word(stats: Stats) -> str:
    """The state for people: a crawl that has ended while tasks wait was stopped, and can go on."""
    waits = any(stats.waiting.values()) or stats.leased
    return "stopped" if stats.state is State.ENDED and waits else str(stats.state)


def failures(stats: Stats) -> dict[str, int]:
    """Dead tasks by reason, but for what was left out."""
    return {reason: n for reason, n in stats.dead.items() if reason not in LEFT_OUT}


def left_out(stats: Stats) -> dict[str, int]:
    """Dead tasks that a rule of the crawl's or the site's left out, by reason."""
    return {reason: n for reason, n in stats.dead.items() if reason in LEFT_OUT}


def ended(stats: Stats) -> int:
    """Tasks done and dead."""
    return sum(stats.done.values()) + sum(stats.dead.values())


class Meter:
    """Turns counts into progress."""

    def __init__(self, now_s: float) -> None:
        self._began_s = now_s
        self._looks: deque[tuple[float, int, int, int]] = deque()

    def look(
        self, stats: Stats, now_s: float, hosts: Sequence[HostRow] = (),
        workers: Sequence[WorkerRow] = (),
    ) -> Progress:  # fmt: skip
        """One more look."""
        so_far = ended(stats)
        self._looks.append((now_s, stats.records, stats.bytes, so_far))
        while len(self._looks) > 2 and now_s - self._looks[0][0] > WINDOW_S:
            self._looks.popleft()
        first = self._looks[0]
        over_s = max(now_s - first[0], 1e-9)
        tasks_per_s = (so_far - first[3]) / over_s
        waiting = sum(stats.waiting.values()) + stats.leased
        return Progress(
            stats=stats,
            seconds=now_s - self._began_s,
            images_per_s=(stats.records - first[1]) / over_s,
            bytes_per_s=(stats.bytes - first[2]) / over_s,
            tasks_per_s=tasks_per_s,
            eta_s=waiting / tasks_per_s if tasks_per_s > 0 and stats.seeds_complete else None,
            hosts=tuple(hosts),
            workers=tuple(workers),
        )
