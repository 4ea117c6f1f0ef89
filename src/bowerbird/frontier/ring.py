"""Whose turn it is: the hosts with waiting tasks, going round, and those set aside for a while.

An idle host costs nine bytes here, a waiting one some forty more; none has an object.
"""

from array import array
from collections import deque
from collections.abc import Iterable
from enum import IntEnum
from heapq import heappop, heappush, nlargest


class Seat(IntEnum):
    """Where a host is."""

    IDLE = 0  #: nothing waits
    QUEUED = 1  #: its turn will come
    TIMED = 2  #: set aside until some time
    ASIDE = 3  #: set aside until something happens


class Ring:
    """Hosts by number, with how many of their tasks wait."""

    def __init__(self) -> None:
        self.waiting = array("q", [0])
        self._seats = bytearray(1)
        self._queue: deque[int] = deque()
        self._timers: list[tuple[float, int]] = []
        self.busy = 0  #: hosts with waiting tasks

    def __repr__(self) -> str:
        return f"<Ring {self.busy} hosts with tasks, {len(self._queue)} queued>"

    def __len__(self) -> int:
        return len(self._queue)

    def clear(self) -> None:
        """Forget all."""
        self.__init__()  # type: ignore[misc]

    def count(self, host: int) -> int:
        """How many tasks of a host wait."""
        return self.waiting[host] if host < len(self.waiting) else 0

    def add(self, host: int, tasks: int = 1) -> None:
        """Tasks of a host began to wait."""
        if host >= len(self.waiting):
            self._grow(host)
        if self.waiting[host] == 0:
            self.busy += 1
        self.waiting[host] += tasks
        if self._seats[host] in (Seat.IDLE, Seat.ASIDE):
            self._enqueue(host)

    def remove(self, host: int, tasks: int = 1) -> None:
        """Tasks of a host wait no more. With none, a suspect was taken: its host may be new."""
        if tasks:
            self.waiting[host] -= tasks
            self.busy -= self.waiting[host] == 0

    def next(self) -> int:
        """The host whose turn it is, which then has to be given a new seat; 0: no one's."""
        while self._queue:
            host = self._queue.popleft()
            self._seats[host] = Seat.IDLE
            if self.waiting[host]:
                return host
        return 0

    def again(self, host: int, *, first: bool = False) -> None:
        """Seat a host at the end of the queue, or at its head."""
        if self.count(host) and self._seats[host] != Seat.QUEUED:
            self._enqueue(host, first=first)

    def aside(self, host: int, until: float | None = None) -> None:
        """Set a host aside until some time, or until `wake`."""
        self._seats[host] = Seat.ASIDE if until is None else Seat.TIMED
        if until is not None:
            heappush(self._timers, (until, host))

    def wake(self, host: int) -> None:
        """Something happened at a host: its turn comes, if anything of it waits."""
        if host < len(self._seats) and self._seats[host] in (Seat.ASIDE, Seat.TIMED):
            self._seats[host] = Seat.IDLE
            self.again(host)

    def wake_aside(self, hosts: Iterable[int] | None = None) -> None:
        """Something happened that may matter to every host set aside without a time."""
        for host in range(1, len(self._seats)) if hosts is None else hosts:
            if host < len(self._seats) and self._seats[host] == Seat.ASIDE:
                self.wake(host)

    def tick(self, now: float) -> None:
        """Wake the hosts whose time has come."""
        while self._timers and self._timers[0][0] <= now:
            host = heappop(self._timers)[1]
            if self._seats[host] == Seat.TIMED:
                self.wake(host)

    def next_time(self) -> float | None:
        """When the next host is to be woken."""
        while self._timers and self._seats[self._timers[0][1]] != Seat.TIMED:
            heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def seat(self, host: int) -> Seat:
        """Where a host is."""
        return Seat(self._seats[host])

    def seated(self) -> dict[Seat, set[int]]:
        """Who is in the queue and among the timers, row by row; for `audit`."""
        return {Seat.QUEUED: set(self._queue), Seat.TIMED: {host for _, host in self._timers}}

    def fullest(self, limit: int) -> list[int]:
        """The hosts with most waiting tasks."""
        waiting = self.waiting
        top = nlargest(limit, range(1, len(waiting)), key=waiting.__getitem__)
        return [host for host in top if waiting[host]]

    def _enqueue(self, host: int, *, first: bool = False) -> None:
        self._seats[host] = Seat.QUEUED
        if first:
            self._queue.appendleft(host)
        else:
            self._queue.append(host)

    def _grow(self, host: int) -> None:
        more = max(host + 1 - len(self.waiting), len(self.waiting) // 4)
        self.waiting.frombytes(bytes(8 * more))
        self._seats.extend(bytes(more))
