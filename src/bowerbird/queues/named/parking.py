"""One queue at the server: its leases, and the calls that wait for items or for room."""

from collections.abc import Collection
from heapq import heappop, heappush
from math import inf

import msgspec

from bowerbird.leases import Leases
from bowerbird.queues.named.calls import Get, Put
from bowerbird.queues.server import Call


class Parked(msgspec.Struct, frozen=True, eq=False):
    """A call that found nothing, or no room, when it came."""

    call: Call
    ask: Get | Put
    until_s: float  #: it is answered then, whatever there is


class ServedQueue:
    """A queue. What is parked is tried in the order in which it came."""

    def __init__(self, name: str, leases: Leases, durable: bool) -> None:
        self.name, self.leases, self.durable = name, leases, durable
        self.gets: dict[Parked, None] = {}
        self.puts: dict[Parked, None] = {}
        self.due_s = inf  #: when it is to be looked at, as far as its desk has been told
        self._moments: list[tuple[float, int, Parked]] = []  # a heap
        self._count = 0

    def park(self, parked: Parked) -> None:
        """Keep a call."""
        self._count += 1
        heappush(self._moments, (parked.until_s, self._count, parked))
        if isinstance(parked.ask, Get):
            self.gets[parked] = None
        else:
            self.puts[parked] = None

    def unpark(self, parked: Parked) -> None:
        """It has been answered."""
        self.gets.pop(parked, None)
        self.puts.pop(parked, None)

    def drop(self, connections: Collection[int]) -> None:
        """Forget the calls of connections that have closed."""
        for parked in (*self.gets, *self.puts):
            if parked.call.connection in connections:
                self.unpark(parked)

    def overdue(self, now_s: float) -> list[Parked]:
        """Take those whose wait is over."""
        found = []
        while self._moments and self._moments[0][0] <= now_s:
            parked = heappop(self._moments)[2]
            if self._waits(parked):
                self.unpark(parked)
                found.append(parked)
        return found

    def next_s(self, now_s: float) -> float:
        """When it has to be looked at although nobody calls."""
        if (self.gets and self.leases.counts.waiting) or (self.puts and self.leases.room != 0):
            return now_s
        while self._moments and not self._waits(self._moments[0][2]):
            heappop(self._moments)
        in_s = self.leases.next_in_s()
        return min(
            self._moments[0][0] if self._moments else inf, inf if in_s is None else now_s + in_s
        )

    def _waits(self, parked: Parked) -> bool:
        return parked in self.gets or parked in self.puts
