"""Counts, state and time of a crawl, as they are kept through restarts."""

from collections.abc import Mapping

from bowerbird.clock import Clock
from bowerbird.frontier.base import ROBOTS_TTL_S
from bowerbird.frontier.counts import Counts
from bowerbird.frontier.rules import Rules
from bowerbird.frontier.tasks import IMAGE, KINDS, PAGE, Saved
from bowerbird.model import EXAMPLE, TRAP, TRAP_AT, State


class Books(Counts):
    """Counters that are never recounted, the state asked for, and crawl time.

    Crawl time is the seconds this crawl has been going: what was saved, and what has passed since
    on a clock that no one can set. While it was closed the wall clock is believed, but never
    backwards and never for more than the longest thing it decides.
    """

    def __init__(self, clock: Clock, rules: Rules) -> None:
        super().__init__({}, rules.max_images, rules.max_pages)
        self._clock = clock
        self._zero = 0.0
        self.closed_at = 0.0  #: by the wall clock: when the last run wrote anything
        self.leased: list[int] = [0] * len(KINDS)
        self.state: State = State.RUNNING
        self.reason = ""
        self.seeds_complete = False
        self._changed: set[str] = set()
        self._values_changed = False

    def open(self, saved: Saved) -> None:
        """Take up what was saved; crawl time goes on."""
        values = saved.values
        elapsed = float(values.get("elapsed_s", 0.0))
        self.closed_at = float(values.get("closed_at", self._clock.wall_s()))
        away = self._clock.wall_s() - self.closed_at
        self._zero = self._clock.now_s() - elapsed - min(max(away, 0.0), ROBOTS_TTL_S)
        self._recall(saved)

    def reopen(self, saved: Saved) -> None:
        """Take up what was saved after a rollback: time has not stopped meanwhile."""
        self._recall(saved)

    def _recall(self, saved: Saved) -> None:
        values = saved.values
        self.counters = dict(saved.counters)
        self.leased = [0] * len(KINDS)
        self.state = State(values.get("state", State.RUNNING))
        self.reason = values.get("reason", "")
        self.seeds_complete = values.get("seeds_complete") == "yes"
        self._changed.clear()
        self._values_changed = False

    # Time.

    def wall_s(self) -> float:
        """Seconds since 1970 by the wall clock, to be shown."""
        return self._clock.wall_s()

    def now(self) -> float:
        """Crawl time."""
        return self._clock.now_s() - self._zero

    def booted(self) -> float:
        """When this machine was started, in crawl time."""
        return -self._zero

    # State.

    def steer(self, state: State, reason: str = "") -> None:
        """Set what is asked of the crawl."""
        self.state, self.reason, self._values_changed = state, reason, True

    def mark_seeds(self, *, complete: bool) -> None:
        """Whether the last seed has been added."""
        self._values_changed |= self.seeds_complete != complete
        self.seeds_complete = complete

    def begin_seeds(self) -> None:
        """Seeds are being added again: until the last has come nothing is over."""
        self.seeds_complete, self._values_changed = False, True

    def shown_state(self) -> State:
        """The state as callers see it: the end is no state but a fact."""
        return self.shown(self.state, seeds_complete=self.seeds_complete, leased=sum(self.leased))

    # Counters.

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter."""
        self.counters[name] = self.counters.get(name, 0) + by
        self._changed.add(name)

    def count_trap(self, kind: str, url: str) -> None:
        """A link into a trap was left aside; the first of a kind is kept as an example."""
        if not self.get(f"count:{TRAP}{kind}"):
            self.count(f"count:{TRAP_AT}{kind} {url[:EXAMPLE]}")
        self.count(f"count:{TRAP}{kind}")

    def met(self, host: int) -> None:
        """A host's number has been seen; they are dense."""
        if host > self.get("hosts"):
            self.count("hosts", host - self.get("hosts"))

    def to_save(self) -> tuple[Mapping[str, int], Mapping[str, str]]:
        """Counters and values that have changed since the last time, and the time."""
        counters = {name: self.counters[name] for name in self._changed}
        values = {"elapsed_s": repr(self.now()), "closed_at": repr(self._clock.wall_s())}
        if self._values_changed:
            done = "yes" if self.seeds_complete else ""
            values |= {"state": self.state, "reason": self.reason, "seeds_complete": done}
        self._changed.clear()
        self._values_changed = False
        return counters, values

    @property
    def changed(self) -> bool:
        """Whether anything but the time is to be saved."""
        return bool(self._changed) or self._values_changed

    # Limits.

    def room(self, kind: int) -> int:
        """How many more tasks of a kind may be leased now."""
        if self.images_full():
            return 0
        if kind == PAGE and self._max_pages:
            return max(0, self._max_pages - self.pages_read() - self.leased[PAGE])
        if kind == IMAGE and self._max_images:
            return max(0, self._max_images - self.get("records") - self.leased[kind])
        return 1 << 30
