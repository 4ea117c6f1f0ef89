"""Leases that wait until there is something to give. Pure: time comes from outside."""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import Generic, Protocol, TypeVar

import msgspec

from bowerbird.model import LeaseReply, State
from bowerbird.queues.server import Call

#: A frontier that names no moment, or one too near, is asked again after this, in seconds.
LEAST_S = 0.002
#: No parked lease goes untried for longer, in seconds: what it waits for may lie outside.
MOST_S = 1.0
#: Parked leases that are tried in vain before the rest is left for later: one finish must not
#: cost as many tries as there are workers.
MISSES = 4


class Waiting(Protocol):
    """A call that can be parked; told from others by its identity."""

    @property
    def connection(self) -> int:
        """Where it came from."""
        ...

    @property
    def until_s(self) -> float:
        """It is answered then, whatever there is."""
        ...


W = TypeVar("W", bound=Waiting)


class Parked(msgspec.Struct, frozen=True, eq=False):
    """A `lease` that had nothing to give when it was last tried."""

    call: Call
    session: str
    limit: int
    until_s: float  #: it is answered then, whatever there is
    state: State  #: of the crawl when it was parked; a change is an answer

    @property
    def connection(self) -> int:
        """Where it came from."""
        return self.call.connection

    def content_with(self, reply: LeaseReply, now_s: float) -> bool:
        """Whether this is worth its answer."""
        worth = reply.leases or reply.grants or reply.state is not self.state
        return bool(worth) or now_s >= self.until_s


class Parking(Generic[W]):
    """All parked leases: first come, first tried; each also has a moment of its own."""

    def __init__(self) -> None:
        self._waiting: dict[W, int] = {}  # -> which of its moments holds
        self._moments: list[tuple[float, int, W]] = []
        self._count = 0
        self._untried = 0  # of those that were here at the last change

    def __len__(self) -> int:
        return len(self._waiting)

    def park(self, parked: W, now_s: float, next_in_s: float) -> None:
        """Keep it; to be tried in `next_in_s`, or at a change."""
        self._count += 1
        self._waiting[parked] = self._count
        due_s = min(parked.until_s, now_s + min(max(next_in_s, LEAST_S), MOST_S))
        heappush(self._moments, (due_s, self._count, parked))

    def change(self) -> None:
        """Something happened that may have brought tasks: all are to be tried."""
        self._untried = len(self._waiting)

    def drop(self, connection: int) -> None:
        """Forget those of a connection that has closed."""
        gone = [parked for parked in self._waiting if parked.connection == connection]
        for parked in gone:
            del self._waiting[parked]

    def try_all(self, now_s: float, changed: bool, attempt: Callable[[W], bool]) -> None:
        """Try those that are due, and, after a change, the others until too many were in vain.

        What is tried is parked no more. `attempt` answers whether there was something for it.
        """
        for parked in self.due(now_s):
            attempt(parked)
        if changed:
            self.change()
        misses = 0
        for parked in self.untried():
            misses += not attempt(parked)
            if misses >= MISSES:
                break

    def due(self, now_s: float) -> Iterator[W]:
        """Take those whose moment has come."""
        while self._moments and self._moments[0][0] <= now_s:
            _, number, parked = heappop(self._moments)
            if self._waiting.get(parked) == number:
                del self._waiting[parked]
                yield parked

    def untried(self) -> Iterator[W]:
        """Take those that were not tried since the last change, the longest waiting first."""
        while self._untried and self._waiting:
            self._untried -= 1
            parked = next(iter(self._waiting))
            del self._waiting[parked]
            yield parked
        self._untried = 0

    def next_s(self) -> float | None:
        """When one is due; None where none waits."""
        while self._moments and self._waiting.get(self._moments[0][2]) != self._moments[0][1]:
            heappop(self._moments)
        return self._moments[0][0] if self._moments else None

    @property
    def behind(self) -> bool:
        """Whether some were not tried since the last change."""
        return self._untried > 0 and bool(self._waiting)
