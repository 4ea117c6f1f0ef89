"""Items in memory: they end with their process."""

from collections import deque
from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import islice

from bowerbird.clock import Clock, SystemClock
from bowerbird.leases.items import DELAYED, WAITING, Entry, Items, Lot, Saved
from bowerbird.leases.values import Counts, DeadItem


class _Lane:
    """Items of one priority: those that nobody has taken yet, and those that came back."""

    __slots__ = ("back", "fresh")

    def __init__(self) -> None:
        self.fresh: deque[Entry] = deque()
        self.back: list[Entry] = []  # a heap

    def take(self, limit: int) -> list[Entry]:
        found: list[Entry] = []
        while len(found) < limit and self.back:
            self._take_older(found)
        fresh = self.fresh
        while len(found) < limit and fresh:
            some = [fresh.popleft() for _ in range(min(limit - len(found), len(fresh)))]
            found += [entry for entry in some if entry.state is WAITING]  # else done by a late word
        return found

    def _take_older(self, found: list[Entry]) -> None:
        first = not self.fresh or self.back[0] < self.fresh[0]
        entry = heappop(self.back) if first else self.fresh.popleft()
        if entry.state is WAITING:
            found.append(entry)


class MemoryItems(Items):
    """An entry lies in one place at a time; one that was finished there is passed over later."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._last = 0
        self._lanes: dict[int, _Lane] = {}  # the highest priority first
        self._delayed: list[tuple[float, Entry]] = []  # a heap
        self._dead: dict[int, tuple[Entry, str, float]] = {}

    def load(self) -> Saved:
        return Saved(Counts(), [])

    def add(self, items: Sequence[bytes], priority: int, in_s: float) -> None:
        first = self._last + 1
        self._last += len(items)
        if in_s > 0:
            due_s = self._clock.now_s() + in_s
            for id, item in enumerate(items, first):
                heappush(self._delayed, (due_s, Entry(id, item, priority, DELAYED)))
            return
        self._lane(priority).fresh.extend(
            Entry(id, item, priority, WAITING) for id, item in enumerate(items, first)
        )

    def _lane(self, priority: int) -> _Lane:
        lane = self._lanes.get(priority)
        if lane is None:
            lanes = {**self._lanes, priority: (lane := _Lane())}
            self._lanes = dict(sorted(lanes.items(), reverse=True))
        return lane

    def take(self, limit: int) -> tuple[list[Entry], list[bytes]]:
        found: list[Entry] = []
        for lane in self._lanes.values():
            found += lane.take(limit - len(found))
            if len(found) == limit:
                break
        return found, [entry.data for entry in found]

    def untake(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            heappush(self._lane(entry.priority).back, entry)

    def lend(self, lot: Lot) -> None:
        pass

    def end(self, lot: Lot) -> None:
        pass

    def back(self, entry: Entry, in_s: float) -> None:
        if in_s > 0:
            heappush(self._delayed, (self._clock.now_s() + in_s, entry))
        else:
            heappush(self._lane(entry.priority).back, entry)

    def remove(self, entries: Sequence[Entry]) -> None:
        pass

    def bury(self, entry: Entry, why: str) -> None:
        self._dead[entry.id] = (entry, why, self._clock.wall_s())

    def ripen(self) -> int:
        count, now_s = 0, self._clock.now_s()
        while self._delayed and self._delayed[0][0] <= now_s:
            entry = heappop(self._delayed)[1]
            if entry.state is DELAYED:
                entry.state = WAITING
                heappush(self._lane(entry.priority).back, entry)
                count += 1
        return count

    def next_in_s(self) -> float | None:
        while self._delayed and self._delayed[0][1].state is not DELAYED:
            heappop(self._delayed)
        return self._delayed[0][0] - self._clock.now_s() if self._delayed else None

    def dead(self, after: int, limit: int) -> list[DeadItem]:
        rows = ((id, self._dead[id]) for id in sorted(self._dead) if id > after)
        return [
            DeadItem(id, entry.data, entry.attempts, why, died_at)
            for id, (entry, why, died_at) in islice(rows, limit)
        ]

    def revive(self, ids: Sequence[int] | None) -> int:
        graves = self._open(ids)
        for grave in graves:
            self.add([grave.data], grave.priority, 0.0)
        return len(graves)

    def forget(self, ids: Sequence[int] | None) -> int:
        return len(self._open(ids))

    def _open(self, ids: Sequence[int] | None) -> list[Entry]:
        wanted = list(self._dead) if ids is None else [id for id in ids if id in self._dead]
        return [self._dead.pop(id)[0] for id in sorted(set(wanted))]
