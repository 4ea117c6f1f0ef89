"""Counts, state and time of a crawl, as they are kept through restarts."""

from collections.abc import Mapping

from bowerbird.clock import Clock
from bowerbird.frontier.base import ROBOTS_TTL_S
from bowerbird.frontier.rules import Rules
from bowerbird.frontier.tasks import IMAGE, KINDS, NUMBER, PAGE, ROBOTS, Saved
from bowerbird.model import Kind, State


class Books:
    """Counters that are never recounted, the state asked for, and crawl time.

    Crawl time is the seconds this crawl has been going: what was saved, and what has passed since
    on a clock that no one can set. While it was closed the wall clock is believed, but never
    backwards and never for more than the longest thing it decides.
    """

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock, self._rules = clock, rules
        self._zero = 0.0
        self.counters: dict[str, int] = {}
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
        away = self._clock.wall_s() - float(values.get("closed_at", self._clock.wall_s()))
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
        if self.state is State.PAUSED or any(self.leased):
            return self.state
        over = self.state is State.DRAINING or (self.seeds_complete and not self.left())
        return State.ENDED if over else self.state

    # Counters.

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter."""
        self.counters[name] = self.counters.get(name, 0) + by
        self._changed.add(name)

    def met(self, host: int) -> None:
        """A host's number has been seen; they are dense."""
        if host > self.get("hosts"):
            self.count("hosts", host - self.get("hosts"))

    def get(self, name: str) -> int:
        """A counter's value."""
        return self.counters.get(name, 0)

    def group(self, prefix: str) -> dict[str, int]:
        """The counters `prefix:…` that are not 0, by the rest of their names."""
        start = len(prefix) + 1
        return {
            name[start:]: value
            for name, value in self.counters.items()
            if value and name.startswith(prefix + ":")
        }

    def waiting(self, kind: Kind) -> int:
        """How many tasks of a kind wait, be it for their retry or to be leased alone."""
        return self.get(f"waiting:{kind}")

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

    def images_full(self) -> bool:
        """Whether the crawl has all the images it may have."""
        return 0 < self._rules.max_images <= self.get("records")

    def pages_full(self) -> bool:
        """Whether the crawl has read all the pages it may read."""
        return 0 < self._rules.max_pages <= self.pages_read()

    def pages_read(self) -> int:
        """Pages done; one that only redirected was not read."""
        return self.get("done:page") - self.get("moved:page")

    def room(self, kind: int) -> int:
        """How many more tasks of a kind may be leased now."""
        if self.images_full():
            return 0
        if kind == PAGE and self._rules.max_pages:
            return max(0, self._rules.max_pages - self.pages_read() - self.leased[PAGE])
        if kind == IMAGE and self._rules.max_images:
            return max(0, self._rules.max_images - self.get("records") - self.leased[kind])
        return 1 << 30

    def skipped(self) -> int:
        """How many waiting tasks the limits leave aside for good."""
        if self.images_full():
            return sum(self.waiting(kind) for kind in KINDS[1:])
        return self.waiting(Kind.PAGE) if self.pages_full() else 0

    def left(self) -> int:
        """How many waiting tasks are still to be done; robots tasks only serve others."""
        return sum(self.waiting(kind) for kind in KINDS if NUMBER[kind] != ROBOTS) - self.skipped()
