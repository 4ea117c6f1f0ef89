"""Where a worker is attached: a session is of one partition at a time, a worker has some."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import RLock

from bowerbird.frontier.redis.looks import Look
from bowerbird.model import Grant, Kind, LeaseReply, WorkerInfo

#: Partitions that a worker is attached to at a time, where there are workers enough for all.
MOST_SEATS = 4
#: A worker without work looks for some after so long at first, then ever more rarely, in seconds: a
#: look asks all partitions.
LOOK_S = (0.02, 1.0)
#: A partition that gave nothing is left alone for so long, in seconds; one where all is leased, for
#: longer: all there is to do is to bring back what the dead held.
BARREN_S, LEASED_S = 2.0, 8.0
#: A worker with work looks for partitions that nobody serves, this often, in seconds.
TURN_S = 5.0


@dataclass(slots=True)
class Seat:
    """A worker at one partition."""

    since_s: float = field(default_factory=time.monotonic)
    leases: dict[bytes, bool] = field(default_factory=dict)  #: token -> whether it is a suspect
    slots: dict[str, int] = field(default_factory=dict)  #: host -> as granted, and not given back
    barren: bool = False  #: it gave nothing when last asked
    leaving: bool = False  #: nothing more is leased here

    def is_empty(self) -> bool:
        """Whether it can be left: no request of ours can be under way there."""
        return not (self.leases or self.slots)


@dataclass(slots=True)
class Seats:
    """The seats of one session, of which the first is kept for its life."""

    session: str
    worker: WorkerInfo
    kinds: Sequence[Kind]
    hard_end_s: float
    home: int
    at: dict[int, Seat] = field(default_factory=dict)
    alone: int | None = None  #: where a suspect is, or is waited for: nothing is leased elsewhere
    rests: dict[int, float] = field(default_factory=dict)  #: partitions left, and until when
    most: int = MOST_SEATS
    pause_s: float = LOOK_S[0]  #: between looks
    turn: int = 0  #: whose share is the first, where there is too little to ask for
    looked_s: float = 0.0
    answered: bool = False  #: something of the `lease` under way was carried out, or may have been
    lock: RLock = field(default_factory=RLock)

    def take(self, partition: int, reply: LeaseReply, *, asked: bool) -> None:
        """What was leased, and granted; `asked`: it might have been some."""
        with self.lock:
            seat = self.at[partition]
            seat.barren = asked and not reply.leases
            seat.leases.update((one.token, one.suspect) for one in reply.leases)
            self.grant(partition, reply.grants)

    def grant(self, partition: int, grants: Iterable[Grant]) -> None:
        """Numbers of an answer: what is held falls by being given back alone."""
        with self.lock:
            slots = self.at[partition].slots if partition in self.at else {}
            for one in grants:
                if held := max(slots.get(one.host, 0), one.slots):
                    slots[one.host] = held

    def give(self, partition: int, give: Mapping[str, int]) -> None:
        """Slots are given back."""
        with self.lock:
            slots = self.at[partition].slots if partition in self.at else {}
            for host, surplus in give.items():
                left = slots.pop(host, 0) - surplus
                if left > 0:
                    slots[host] = left

    def finish(self, partition: int, tokens: Iterable[bytes]) -> None:
        """Leases are over, or were ours no more."""
        with self.lock:
            if partition in self.at:
                for token in tokens:
                    self.at[partition].leases.pop(token, None)

    def held_elsewhere(self, partition: int) -> int:
        """Leases in other partitions."""
        with self.lock:
            return sum(len(seat.leases) for number, seat in self.at.items() if number != partition)

    def asked(self) -> list[int]:
        """Partitions to lease from now."""
        with self.lock:
            if self.alone is not None:
                return [self.alone]
            self.turn += 1
            numbers = [number for number, seat in self.at.items() if not seat.leaving]
            first = self.turn % max(1, len(numbers))
            return numbers[first:] + numbers[:first]

    def suspects(self) -> list[int]:
        """Where suspects are held."""
        with self.lock:
            return [number for number, seat in self.at.items() if any(seat.leases.values())]

    # Moving.

    def see(self, looks: Sequence[Look]) -> None:
        """A small fleet has more seats, so that somebody serves each partition; when it grows,
        those too many are left."""
        with self.lock:
            fleet = max(1, sum(one.counts["sessions"] for one in looks))
            self.most = max(MOST_SEATS, -(-len(looks) // fleet))
            others = sorted((self.at[one].since_s, one) for one in self.at if one != self.home)
            for _, number in others[: max(0, len(self.at) - self.most)]:
                self.at[number].leaving = True

    def is_time_to_look(self) -> bool:
        """Whether a worker without work looks around now."""
        now_s = time.monotonic()
        if now_s - self.looked_s < self.pause_s:
            return False
        self.looked_s, self.pause_s = now_s, min(LOOK_S[1], 2 * self.pause_s)
        return True

    def to_leave(self) -> list[int]:
        """Partitions where there was nothing, and whose time is over; they are left from now on."""
        now_s = time.monotonic()
        with self.lock:
            gone = [
                number
                for number, seat in self.at.items()
                if number != self.home and (seat.barren or seat.leaving) and seat.is_empty()
            ]
            for number in gone:
                del self.at[number]
                self.rests[number] = now_s + BARREN_S
            return gone

    def to_join(self, looks: Sequence[Look]) -> list[int]:
        """Partitions to attach to: the busiest for each who serves them."""
        now_s = time.monotonic()
        with self.lock:
            free = self.most - len(self.at)
            found = [
                one
                for one in looks
                if one.partition not in self.at
                and self.rests.get(one.partition, 0.0) <= now_s
                and (one.sum("waiting") or one.sum("leased"))
            ]
            found.sort(key=self._worth, reverse=True)
            chosen = found[: max(0, free)]
            for one in chosen:
                if not one.sum("waiting"):
                    self.rests[one.partition] = now_s + LEASED_S
            return [one.partition for one in chosen]

    def _worth(self, look: Look) -> tuple[bool, float, float, int]:
        """Where nobody is comes first, the one left longest ago, so that none waits for ever."""
        waiting = look.sum("waiting")
        alone = waiting > 0 and not look.crowd
        left_s = self.rests.get(look.partition, 0.0) if alone else 0.0
        return alone, -left_s, waiting / (look.crowd + 1), look.sum("leased")

    def make_way(self, looks: Sequence[Look]) -> None:
        """Where all seats are taken, and nobody serves some partition, one seat is to be left."""
        with self.lock:
            waits = any(
                one.sum("waiting") and not one.crowd and one.partition not in self.at
                for one in looks
            )
            if not waits or len(self.at) < self.most or any(s.leaving for s in self.at.values()):
                return
            others = [number for number in self.at if number != self.home]
            oldest = min(others, key=lambda number: self.at[number].since_s)
            if time.monotonic() - self.at[oldest].since_s >= TURN_S:
                self.at[oldest].leaving = True
