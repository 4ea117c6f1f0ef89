"""Every invariant of a crawl in Redis, checked key by key, while nobody else calls."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from bowerbird.codec import decode
from bowerbird.frontier.redis.looking import Counters, pages
from bowerbird.frontier.redis.partition import Partition
from bowerbird.frontier.tasks import KINDS

#: host, leased, its lists (key, kind, length, whether its stand knows that), its users (session,
#: leases), slots out, most (0: another crawl's limits may be on their way to their holders), seat,
#: whether something is to come that wakes it.
_Host = tuple[
    str, int, list[tuple[str, int, int, bool]], list[tuple[str, int]], int, int, int, bool
]
#: Seats, as stands.lua has them.
_IDLE, _QUEUED, _TIMED, _ASIDE = range(4)
#: kind, host, session ("": it waits, with its last token still good).
_Lease = tuple[int, str, str]


class _Call(msgspec.Struct, frozen=True, array_like=True):
    left: int


def audit(partition: Partition) -> list[str]:
    """What is broken, in words; empty: nothing."""
    return list(_Audit(partition).faults())


class _Audit:
    """One look at everything."""

    def __init__(self, partition: Partition) -> None:
        self._line, self._keys = partition.line, partition.keys
        self._partition = partition
        line, keys = self._line, self._keys
        self._books = Counters(line.table("HGETALL", keys.of("books")))
        hosts: list[bytes] = line.command("ZRANGE", keys.of("hosts"), 0, -1)
        tokens: list[bytes] = line.command("HKEYS", keys.of("out"))
        self._hosts: list[_Host] = self._all("hosts", hosts, list[_Host])
        out: list[_Lease] = self._all("out", tokens, list[_Lease])
        self._leased = [lease for lease in out if lease[2]]

    def _ask(self, *what: Any) -> Any:
        return self._partition.ask("audit", *what).alone()

    def _all(self, what: str, names: list[bytes], shape: Any) -> Any:
        return [row for page in pages(names) for row in decode(self._ask(what, *page), shape)]

    def faults(self) -> Iterator[str]:
        yield from self._queues()
        yield from self._seats()
        yield from self._counts()
        yield from self._leases()
        yield from self._slots()
        yield from self._leftovers()

    def _queues(self) -> Iterator[str]:
        """Each list is about as long as its host's stand says."""
        for host in self._hosts:
            for key, _, length, known in host[2]:
                if not known:
                    yield f"{key} has {length} tasks, which its host's stand does not know"

    def _seats(self) -> Iterator[str]:
        """Each host with waiting tasks has its turn, a time, or something that wakes it."""
        seated = {
            _QUEUED: self._members("LRANGE", "ring"),
            _TIMED: self._members("ZRANGE", "timers"),
        }
        for host in self._hosts:
            name, seat = host[0], host[6]
            lost = seat == _IDLE or (seat == _ASIDE and not host[7])
            if host[2] and lost:
                yield f"{name} has tasks and seat {seat}, and nothing wakes it"
            if name.encode() not in seated.get(seat, {name.encode()}):
                yield f"{name} is not where its seat {seat} says"

    def _members(self, command: str, name: str) -> set[bytes]:
        return set(self._line.command(command, self._keys.of(name), 0, -1))

    def _counts(self) -> Iterator[str]:
        waiting: Counter[int] = Counter()
        for host in self._hosts:
            for _, number, length, _ in host[2]:
                waiting[number] += length
        for name in ("delayed", "suspects"):
            waiting.update(decode(self._ask("apart", name), list[int]))
        leased = Counter(lease[0] for lease in self._leased)
        for number, kind in enumerate(KINDS):
            yield from self._differ(f"waiting:{kind}", waiting[number])
            yield from self._differ(f"leased:{kind}", leased[number])
        dead = self._line.command("ZCARD", self._keys.of("dead"))
        for group in ("dead", "dead-kind"):
            if sum(self._books.group(group).values()) != dead:
                yield f"{dead} tasks are dead, the counters of {group} differ"
        yield from self._differ("busy", sum(1 for host in self._hosts if host[2]))
        yield from self._differ("hosts", len(self._hosts))

    def _differ(self, name: str, real: int) -> Iterator[str]:
        if self._books.get(name) != real:
            yield f"{name} is {real}, counted {self._books.get(name)}"

    def _leases(self) -> Iterator[str]:
        """Each lease is in its session's books, and counted at its host."""
        held = Counter(lease[2] for lease in self._leased)
        held.update(dict.fromkeys(self._sessions(), 0))
        for session, number in held.items():
            kept = int(self._line.command("HGET", self._keys.session(session), "held") or 0)
            calls = self._line.table("HGETALL", self._keys.session(session, "leases"))
            left = sum(decode(raw, _Call).left for raw in calls.values())
            if {kept, left} != {number}:
                yield f"session {session} holds {number} leases, its books say {kept} and {left}"
        leased = Counter(lease[1] for lease in self._leased)
        for host in self._hosts:
            if host[1] != leased[host[0]]:
                yield f"{leased[host[0]]} tasks of {host[0]} are leased, counted {host[1]}"

    def _sessions(self) -> Iterator[str]:
        for raw in self._line.command("ZRANGE", f"{self._keys.common}sessions", 0, -1):
            crawl = self._line.command("HGET", self._keys.session(raw.decode()), "crawl")
            if crawl == self._keys.crawl.encode():
                yield raw.decode()

    def _leftovers(self) -> Iterator[str]:
        """Of sessions that are no more nothing is left."""
        start, cursor = self._keys.session(""), b"0"
        while True:
            cursor, found = self._line.command("SCAN", cursor, "MATCH", f"{start}*")
            for key in found:
                session = key.decode().removeprefix(start).split(":")[0]
                if not self._line.command("EXISTS", self._keys.session(session)):
                    yield f"{key.decode()} is left of a session that is no more"
            if int(cursor) == 0:
                return

    def _slots(self) -> Iterator[str]:
        """Slots are within the limit, and this crawl's leases are counted where slots are given."""
        counted = {(host[0], user): leases for host in self._hosts for user, leases in host[3]}
        for host in self._hosts:
            if host[5] and host[4] > host[5]:
                yield f"{host[0]} has {host[4]} slots out, more than {host[5]}"
        for (name, session), number in Counter(lease[1:] for lease in self._leased).items():
            if counted.get((name, session)) != number:
                yield f"{name} does not count {number} leases of {session}"
