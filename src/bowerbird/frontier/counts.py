"""Counters of a crawl, and what its limits make of them: the same for every back end."""

from bowerbird.frontier.tasks import KINDS, ROBOTS
from bowerbird.model import Kind, State, Stats

_ROBOTS = KINDS[ROBOTS]


class Counts:
    """Counters by name: `records`, `waiting:image`, `dead:http-404`, …"""

    def __init__(self, counters: dict[str, int], max_images: int, max_pages: int) -> None:
        """`max_images`, `max_pages`: 0: no limit."""
        self.counters = counters
        self._max_images, self._max_pages = max_images, max_pages

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

    def tasks(self) -> int:
        """About how many tasks there are and were, but for those that are leased."""
        waiting = sum(self.waiting(kind) for kind in KINDS)
        return waiting + sum(self.group("done").values()) + sum(self.group("dead").values())

    # Limits.

    def images_full(self) -> bool:
        """Whether the crawl has all the images it may have."""
        return 0 < self._max_images <= self.get("records")

    def pages_full(self) -> bool:
        """Whether the crawl has read all the pages it may read."""
        return 0 < self._max_pages <= self.pages_read()

    def pages_read(self) -> int:
        """Pages done; one that only redirected was not read."""
        return self.get("done:page") - self.get("moved:page")

    def skipped(self) -> int:
        """How many waiting tasks the limits leave aside for good."""
        if self.images_full():
            return sum(self.waiting(kind) for kind in KINDS if kind != _ROBOTS)
        return self.waiting(Kind.PAGE) if self.pages_full() else 0

    def left(self) -> int:
        """How many waiting tasks are still to be done; robots tasks only serve others."""
        return sum(self.waiting(kind) for kind in KINDS if kind != _ROBOTS) - self.skipped()

    def to_do(self) -> dict[str, int]:
        """What waits and is to be done, by kind."""
        waiting = self.group("waiting")
        if self.images_full():
            return {kind: number for kind, number in waiting.items() if kind == _ROBOTS}
        if self.pages_full():
            waiting.pop(Kind.PAGE, None)
        return waiting

    # For callers.

    def shown(self, asked: State, *, seeds_complete: bool, leased: int) -> State:
        """The state as callers see it: the end is no state but a fact."""
        if asked is State.PAUSED or leased:
            return asked
        over = asked is State.DRAINING or (seeds_complete and not self.left())
        return State.ENDED if over else asked

    def stats(
        self, state: State, reason: str, *, seeds_complete: bool, leased: int, sessions: int
    ) -> Stats:
        """Counts at this moment; `state` as it is shown."""
        return Stats(
            state=state,
            reason=reason,
            seeds_complete=seeds_complete,
            waiting=self.to_do(),
            leased=leased,
            done=self.group("done"),
            dead=self.group("dead"),
            dead_kinds=self.group("dead-kind"),
            skipped=self.skipped(),
            records=self.get("records"),
            bytes=self.get("bytes"),
            counters=self.group("count"),
            hosts=self.get("hosts"),
            sessions=sessions,
            hosts_answered=self.get("hosts-answered"),
        )
