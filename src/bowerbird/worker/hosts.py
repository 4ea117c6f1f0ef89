"""What this worker may do at each host: slots, spacing and holds, as the frontier grants them.

A number wished can fall while requests run: the surplus goes back as they end (`take_gifts`). Gifts
travel with `lease` alone, and until its answer is here no other answer raises the number: an
answer made before the gift arrived would count the given slots twice.
"""

import heapq
from collections import deque
from collections.abc import Collection, Iterable, Mapping

from bowerbird.frontier.base import AHEAD_S
from bowerbird.model import Grant, Lease

#: An idle desk keeps its slots for so long, in seconds.
IDLE_S = 0.25


class Held:
    """A lease at hand, with the moment it was asked for."""

    __slots__ = ("asked_s", "host", "lease")

    def __init__(self, lease: Lease, host: str, asked_s: float) -> None:
        self.lease = lease
        self.host = host
        self.asked_s = asked_s


class Desk:
    """One host: its waiting leases, and the slots this worker has there."""

    __slots__ = ("delay_s", "free_s", "giving", "host", "idle_s", "in_flight", "kept", "queued",
                 "seen_s", "seq", "slots", "waiting", "wished")  # fmt: skip

    def __init__(self, host: str) -> None:
        self.host = host
        self.waiting: deque[Held] = deque()
        self.in_flight = 0
        self.slots = 0  #: owned, by the frontier's books
        self.wished = 0  #: to be used; less than `slots` while a recall lasts
        self.delay_s = 0.0
        self.free_s = 0.0  #: no request starts before this
        self.seen_s = float("-inf")  #: the last answer's first byte
        self.seq = -1  #: of the answer the numbers come from
        self.giving = False  #: a gift is under way
        self.kept: tuple[int, Grant] | None = None  #: an answer put off until the gift's own
        self.idle_s = 0.0  #: the moment the last request here ended
        self.queued = False  #: stands in the line of desks to be looked at

    def accept(self, grant: Grant, seq: int, now_s: float) -> None:
        """Take over the numbers of an answer, unless a later one has been seen."""
        if seq < self.seq:
            return
        self.seq = seq
        self.wished = grant.slots
        self.slots = max(self.slots, grant.slots)
        self.delay_s = grant.delay_s
        # One that has grown binds the next request already: robots.txt was an answer as well.
        self.free_s = max(self.free_s, self.seen_s + grant.delay_s)
        if grant.hold_s:
            self.free_s = max(self.free_s, now_s + grant.hold_s)

    def begin_anew(self, slots: int) -> None:
        """Take over the numbers of a new session."""
        self.slots = self.wished = slots
        self.seq = -1
        self.giving = False
        self.kept = None

    def idle(self) -> bool:
        """Whether there is nothing to do here."""
        return not (self.waiting or self.in_flight)

    def give(self, surplus: int) -> None:
        """Part with so many slots, from now on."""
        self.slots -= surplus
        self.wished = min(self.wished, self.slots)
        self.giving = True

    def surplus(self) -> int:
        """Slots to give back: what is above the number wished and not in use; all when idle."""
        needed = 0 if self.idle() else self.wished
        return max(0, self.slots - max(needed, self.in_flight))

    def gift(self, now_s: float) -> int:
        """Slots to give back now. An idle desk keeps its own for a moment: a slot given back at a
        host with a delay is of no use to anyone until the delay is over."""
        rests = self.idle() and now_s - self.idle_s < IDLE_S
        return 0 if rests else self.surplus()

    def may_start(self, now_s: float) -> bool:
        """Whether a request may start now."""
        return bool(self.waiting) and self.in_flight < self.wished and now_s >= self.free_s


class Hosts:
    """All desks of one worker."""

    def __init__(self) -> None:
        self._desks: dict[str, Desk] = {}
        self._line: deque[Desk] = deque()
        self._later: list[tuple[float, int, Desk]] = []
        self._touched: set[str] = set()
        self._given: list[Desk] = []
        self._count = 0
        self.waiting = 0  #: leases at hand that have not started

    def __repr__(self) -> str:
        return f"<Hosts [{len(self._desks)} desks, {self.waiting} leases waiting]>"

    # What comes in.

    def accept(self, grants: Iterable[Grant], seq: int, now_s: float) -> None:
        """Numbers from an answer of `beat` or `finish`."""
        for grant in grants:
            desk, its = self._desk(grant.host), grant.seq or seq
            if not desk.giving:
                desk.accept(grant, its, now_s)
                self._look_at(desk)
            elif desk.kept is None or desk.kept[0] < its:
                desk.kept = (its, grant)

    def accept_leased(self, grants: Iterable[Grant], seq: int, now_s: float) -> None:
        """Numbers from the answer of `lease`, which has carried the gifts under way."""
        given, self._given = self._given, []
        for desk in given:
            desk.giving = False
        self.accept(grants, seq, now_s)
        for desk in given:
            if desk.kept is not None:
                (kept_seq, grant), desk.kept = desk.kept, None
                self.accept((grant,), kept_seq, now_s)

    def add(self, held: Held) -> None:
        """A new lease."""
        desk = self._desk(held.host)
        desk.waiting.append(held)
        self.waiting += 1
        self._look_at(desk)

    # What goes out.

    def take(self, now_s: float, room: int) -> list[Held]:
        """Leases whose requests start now, at most `room`; each takes a slot."""
        self._call_later(now_s)
        taken: list[Held] = []
        while self._line and len(taken) < room:
            desk = self._line.popleft()
            desk.queued = False
            while len(taken) < room and desk.may_start(now_s):
                taken.append(self._start(desk, now_s))
            self._put_off(desk, now_s)
        return taken

    def _start(self, desk: Desk, now_s: float) -> Held:
        desk.in_flight += 1
        desk.free_s = now_s + desk.delay_s
        self.waiting -= 1
        return desk.waiting.popleft()

    def ended(self, host: str, seen_s: float, now_s: float, delay_s: float = 0.0) -> None:
        """A request has ended. Spacing counts from `seen_s`, the first byte of its answer: the
        earliest proof that the host has seen it, however long it was on its way."""
        desk = self._desks[host]
        desk.in_flight -= 1
        desk.idle_s = now_s
        desk.seen_s = max(desk.seen_s, seen_s)
        desk.free_s = max(desk.free_s, seen_s + max(desk.delay_s, delay_s))
        self._look_at(desk)

    def hold(self, host: str, until_s: float) -> None:
        """Start nothing at this host before `until_s`: known here before the fleet is told."""
        desk = self._desk(host)
        desk.free_s = max(desk.free_s, until_s)

    def take_gifts(self, now_s: float) -> dict[str, int]:
        """Slots to give back with the next `lease`; they count as given from now on."""
        gifts: dict[str, int] = {}
        for desk in self._touched_desks():
            gift = desk.gift(now_s)
            if gift:
                gifts[desk.host] = gift
                desk.give(gift)
                self._given.append(desk)
            if not desk.surplus():
                self._touched.discard(desk.host)
        return gifts

    def owes_gifts(self, now_s: float) -> bool:
        """Whether `take_gifts` would give anything."""
        return any(desk.gift(now_s) for desk in self._touched_desks())

    def _touched_desks(self) -> list[Desk]:
        return [self._desks[host] for host in self._touched if host in self._desks]

    def stale(self, now_s: float) -> list[Held]:
        """Take back the leases that have not started within `AHEAD_S`."""
        late: list[Held] = []
        for desk in list(self._desks.values()):
            while desk.waiting and now_s - desk.waiting[0].asked_s > AHEAD_S:
                late.append(desk.waiting.popleft())
                self._touched.add(desk.host)
        self.waiting -= len(late)
        return late

    def clear(self) -> list[Held]:
        """Take back all leases that have not started."""
        rest = [held for desk in self._desks.values() for held in desk.waiting]
        for desk in self._desks.values():
            desk.waiting.clear()
            self._touched.add(desk.host)
        self.waiting = 0
        return rest

    # When the session is lost.

    def tokens(self) -> list[bytes]:
        """Of all leases that have not started."""
        return [held.lease.token for desk in self._desks.values() for held in desk.waiting]

    def in_flight(self) -> dict[str, int]:
        """Host -> requests under way there."""
        return {desk.host: desk.in_flight for desk in self._desks.values() if desk.in_flight}

    def aborted(self, host: str) -> None:
        """A request was ended by us."""
        self._desks[host].in_flight -= 1

    def forget(self) -> None:
        """All leases that have not started are no longer ours."""
        for desk in self._desks.values():
            desk.waiting.clear()
        self.waiting = 0

    def begin_anew(self, in_flight: Mapping[str, int], standing: Collection[bytes]) -> None:
        """A new session: of the leases only those standing are ours, of the slots only those of
        the requests that were under way when it began. Spacing and holds are as they were."""
        self._given.clear()
        for desk in self._desks.values():
            desk.begin_anew(in_flight.get(desk.host, 0))
            desk.waiting = deque(held for held in desk.waiting if held.lease.token in standing)
            self._look_at(desk)
        self.waiting = sum(len(desk.waiting) for desk in self._desks.values())

    def next_start_s(self) -> float | None:
        """The moment when a request may next start for time alone, if any."""
        return self._later[0][0] if self._later else None

    def delay_s(self, host: str) -> float:
        """The spacing in force at a host."""
        desk = self._desks.get(host)
        return desk.delay_s if desk else 0.0

    def prune(self) -> None:
        """Forget desks that hold nothing."""
        idle = [
            host
            for host, desk in self._desks.items()
            if not (desk.waiting or desk.in_flight or desk.slots or desk.giving or desk.queued)
        ]
        for host in idle:
            del self._desks[host]

    # The line of desks.

    def _desk(self, host: str) -> Desk:
        desk = self._desks.get(host)
        if desk is None:
            desk = self._desks[host] = Desk(host)
        return desk

    def _look_at(self, desk: Desk) -> None:
        self._touched.add(desk.host)
        if not desk.queued:
            desk.queued = True
            self._line.append(desk)

    def _put_off(self, desk: Desk, now_s: float) -> None:
        """What waits for time alone is called again then; for slots, when one is free."""
        if not desk.waiting or desk.in_flight >= desk.wished:
            return
        if now_s >= desk.free_s:
            self._look_at(desk)
            return
        self._count += 1
        heapq.heappush(self._later, (desk.free_s, self._count, desk))

    def _call_later(self, now_s: float) -> None:
        while self._later and self._later[0][0] <= now_s:
            self._look_at(heapq.heappop(self._later)[2])
