"""Leasing: hosts take turns; each gives what its gates, slots, holds and probes allow.

Each call does a bounded amount of work; what is left is done by the next one.
"""

import os
from collections.abc import Iterable

from bowerbird.frontier.base import TURN
from bowerbird.frontier.downs import Downs
from bowerbird.frontier.gates import UNREACHABLE, Gates, lane_of
from bowerbird.frontier.graves import Graves
from bowerbird.frontier.hosts import Host
from bowerbird.frontier.sessions import Session
from bowerbird.frontier.shared import Shared
from bowerbird.frontier.slots import Slots
from bowerbird.frontier.tasks import (
    KINDS,
    ROBOTS,
    Entry,
    OriginFacts,
    Place,
    Range,
    ranges_of,
)
from bowerbird.model import Lease, Robots, Task
from bowerbird.urls import host_of_origin, origin_of

#: Most leases of one call: a token has two bytes for its place in the answer.
LIMIT = 1 << 16
#: Tasks of one host in its turn while no other host waits: nobody to be fair to, but judging takes
#: up to 20 ms a task where a hostile robots.txt has its 512 KiB full of rules.
ALONE = 64
#: Turns of one call beyond one for each task asked for.
EXTRA_TURNS = 64
#: Lanes (origins) of one host looked at in one turn; real hosts have two.
LANES = 8
#: Tasks buried in one turn of a host whose tasks may not be fetched.
BURIED = 256
#: Suspects looked at in one call.
SUSPECTS = 16
#: Delayed tasks that begin to wait in one call.
RIPENED = 1_000
#: All priorities, and those that wait behind a gate.
EVERYTHING, BEHIND = (0, 255), (ROBOTS + 1, 255)
#: Why the tasks of a host that is given up die.
HOST_DOWN = "host-down"
#: When to ask again where only an event can help, in seconds.
IDLE_S = 1.0
#: When to ask again where not all hosts could be looked at, in seconds.
SOON_S = 0.02


class Turns:
    """Whose tasks a session is given next."""

    def __init__(
        self, shared: Shared, slots: Slots, gates: Gates, graves: Graves, downs: Downs
    ) -> None:
        self._store, self._books, self._ring = shared.store, shared.books, shared.ring
        self._hosts, self._sessions = shared.hosts, shared.sessions
        self._slots, self._gates, self._graves, self._downs = slots, gates, graves, downs
        self.due: float | None = None  #: when the next delayed task is due
        self.suspects = 0  #: how many wait
        self._chosen = ""  #: the session that is to be free for a suspect
        self._worked = False  #: something was done that may let the next call find more
        self._cut = False  #: not all hosts could be looked at

    # One call.

    def take(self, session: Session, limit: int, now: float) -> list[Entry]:
        """Up to `limit` tasks for a session, leased. With a limit of 0 only time goes on."""
        self._worked = self._cut = False
        self.ripen(now)
        if limit < 1:
            return []
        if self.suspects and (alone := self._alone(session, now)) is not None:
            return alone
        if session.alone():
            return []
        taken = self._round(session, min(limit, LIMIT), now)
        idle = not taken and not self._worked and self.due is None
        if idle and not any(self._books.leased):
            self._worked = self._downs.give_up()
        return taken

    def next_in_s(self, now: float) -> float:
        """When it is worth asking again."""
        if self._worked or self._cut:
            return 0.0 if self._worked else SOON_S
        times = [time for time in (self._ring.next_time(), self.due) if time is not None]
        return max(0.0, min([now + IDLE_S, *times]) - now)

    def ripen(self, now: float) -> None:
        """Let delayed tasks that are due wait as all others."""
        if self.due is not None and self.due <= now:
            for host, suspect in self._store.ripe(now, RIPENED):
                if suspect:
                    self.suspects += 1
                else:
                    self._ring.add(host)
            self.due = self._store.next_due()
        self._ring.tick(now)

    # What others tell.

    def restore(self, suspects: int) -> None:
        """Take up what the store knows."""
        self.due, self.suspects, self._chosen = self._store.next_due(), suspects, ""

    def add_robots(self, gate: int, task: Task) -> None:
        """A robots task begins to wait; it opens the gate of this origin."""
        place = self._store.place(origin_of(task.url))
        self._gates.asked(gate, self._store.insert([(task, place.origin)]))
        self._books.count("waiting:robots")
        self._hosts.met(place.host, place.origin)
        self._ring.add(place.host)

    def gate_of(self, entry: Entry) -> tuple[OriginFacts, Host]:
        """What a robots task opens, and the host of it."""
        place = self._store.place(self._gates.gate_of(entry))
        host = self._hosts.get(place.host)
        self._hosts.leave(host)
        lane = lane_of(host, place.origin)
        assert lane is not None, "an origin belongs to its host"
        return lane, host

    def settle_gate(self, entry: Entry, robots: Robots, reason: str, now: float) -> None:
        """A robots task is over: what waits for it is leased, or dies of the reason."""
        gate, host = self.gate_of(entry)
        delay_s = self._gates.settle(gate, robots, reason, now)
        if delay_s > host.facts.crawl_delay_s:
            host.set_crawl_delay(delay_s)
            self.changed(host)
        self.opened(host)

    def delay(self, entries: list[tuple[Entry, float]]) -> None:
        """Tasks that were let go wait until they are due."""
        if not entries:
            return
        self._store.delay(entries)
        for entry, due in entries:
            self._books.count(f"waiting:{KINDS[entry.kind]}")
            self.due = due if self.due is None else min(self.due, due)

    def changed(self, host: Host) -> None:
        """A delay or hold of a host has changed: its users will be told, its turn comes anew."""
        self._hosts.touch(host)
        self._slots.news(host)
        self._ring.wake(host.id)

    def opened(self, host: Host) -> None:
        """A gate of a host has opened."""
        self._ring.wake(host.id)

    def _round(self, session: Session, limit: int, now: float) -> list[Entry]:
        """Turns until there is enough, or no host has given anything in a whole round."""
        call = os.urandom(8)
        taken: list[Entry] = []
        signed, unmet = 0, len(self._ring)
        met: set[int] = set()
        for _ in range(limit + EXTRA_TURNS):
            number = self._ring.next() if len(taken) < limit and unmet > 0 else 0
            if not number:
                break
            if number in met:  # the store must not offer the same tasks again
                signed = self._sign(session, call, taken, signed, now)
                met.clear()
            met.add(number)
            found = self._turn(session, self._hosts.get(number), limit - len(taken), now)
            taken += found
            unmet = len(self._ring) if found else unmet - 1
        else:
            self._cut = True
        self._sign(session, call, taken, signed, now)
        return taken

    def _sign(
        self, session: Session, call: bytes, entries: list[Entry], signed: int, now: float
    ) -> int:
        """Give tokens to what has none yet, and have it kept; answer how many have one now."""
        for index in range(signed, len(entries)):
            entry = entries[index]
            self._sessions.supersede(entry.id)
            entry.token = call + index.to_bytes(2)
            entry.since = now
            self._sessions.hold(session, entry)
        self._store.lease(entries[signed:])
        return len(entries)

    # One host.

    def _turn(self, session: Session, host: Host, room: int, now: float) -> list[Entry]:
        taken: list[Entry] = []
        if not self._barred(host, now):
            turn = TURN if len(self._ring) else ALONE
            room = min(room, turn, self._slots.room(session, host, now))
            if host.down():
                taken = self._probe(session, host, min(room, 1), now)
            elif room > 0:
                taken = self._from_lanes(session, host, room, now)
            else:
                self._wait_for_slots(host, now)
        if taken:
            self.hand_out(session, host, taken, now)
        self._hosts.leave(host)
        return taken

    def hand_out(self, session: Session, host: Host, entries: list[Entry], now: float) -> None:
        """Count these tasks as a session's leases; it has a slot for them."""
        if not host.users.get(session.id):
            host.marked = now
        host.users[session.id] = host.users.get(session.id, 0) + len(entries)
        session.hosts.add(host.id)
        self._ring.remove(host.id, sum(not entry.alone for entry in entries))
        for entry in entries:
            self._books.leased[entry.kind] += 1
            self._books.count(f"waiting:{KINDS[entry.kind]}", -1)
        self._slots.grow(session, host, now)
        self._ring.again(host.id)

    def _barred(self, host: Host, now: float) -> bool:
        until = host.facts.hold_until
        if host.down():
            if self._downs.doomed(host):
                self._bury_host(host, now)
                return True
            if host.probing:
                self._ring.aside(host.id)
                return True
            until = max(until, self._downs.probe_at(host))
        if until > now:
            self._ring.aside(host.id, until)
            return True
        return False

    def _wait_for_slots(self, host: Host, now: float) -> None:
        """Others may have room where this session has none; without slots, no one has."""
        if host.ghosts or (not host.held and (until := self._slots.free_at(host, now)) is None):
            self._ring.aside(host.id)
        elif not host.held:
            self._ring.aside(host.id, until)
        elif len(self._sessions) == 1:
            self._ring.aside(host.id)  # it is woken by the next finish here
        else:
            self._ring.again(host.id)

    # Lanes: the origins of a host.

    def _from_lanes(self, session: Session, host: Host, room: int, now: float) -> list[Entry]:
        lanes = self._hosts.window(host, LANES)
        found: list[Entry] = []
        for lane in lanes:
            ranges = self._ranges(session, host, lane, now)
            entries = self._store.take(Place(lane.id, host.id), ranges, room) if ranges else []
            found += self._judged(host, lane, entries)
        if len(lanes) > 1:
            found.sort(key=lambda entry: entry.order)
        found = self._within_limits(found[:room])
        if not found:
            self._after_nothing(session, host)
        return found

    def _ranges(self, session: Session, host: Host, lane: OriginFacts, now: float) -> list[Range]:
        kinds: Iterable[int] = session.kinds
        if not self._gates.is_open(lane, now):
            self._ask_robots(host, lane)
            kinds = session.kinds & {ROBOTS}
        return ranges_of(kind for kind in kinds if self._books.room(kind))

    def _ask_robots(self, host: Host, lane: OriginFacts, *, suspect: bool = False) -> None:
        """Make the task that opens a gate, if there is anything behind it."""
        task = self._gates.task_for(lane)
        if task and (suspect or self._store.take(Place(lane.id, host.id), [BEHIND], 1)):
            self.add_robots(lane.id, task)

    def _judged(self, host: Host, lane: OriginFacts, entries: list[Entry]) -> list[Entry]:
        allowed: list[Entry] = []
        refused: dict[str, list[Entry]] = {}
        for entry in entries:
            reason = "" if entry.kind == ROBOTS else self._gates.refusal(lane, entry.task.url)
            (refused.setdefault(reason, []) if reason else allowed).append(entry)
        for reason, buried in refused.items():
            self._graves.bury_waiting(host, buried, reason)
            self._worked = True
        return allowed

    def _within_limits(self, entries: list[Entry]) -> list[Entry]:
        room = {kind: self._books.room(kind) for kind in {entry.kind for entry in entries}}
        kept = []
        for entry in entries:
            if room[entry.kind] > 0:
                room[entry.kind] -= 1
                kept.append(entry)
        return kept

    def _after_nothing(self, session: Session, host: Host) -> None:
        """A host gave nothing: set it aside where only an event can change that."""
        if self._worked:
            self._ring.again(host.id)
        elif len(session.kinds) == len(KINDS) and len(host.lanes) <= LANES:
            self._ring.aside(host.id)
        else:
            self._ring.again(host.id)

    # Hosts that are down.

    def _bury_host(self, host: Host, now: float) -> None:
        left = BURIED
        for lane in host.lanes:
            entries = self._store.take(Place(lane.id, host.id), [EVERYTHING], left)
            self._graves.bury_waiting(host, entries, HOST_DOWN, self._hosts.why(host))
            for entry in entries:
                self._give_up_gate(host, entry, now)
            left -= len(entries)
        self._worked = True
        self._ring.again(host.id)

    def _give_up_gate(self, host: Host, entry: Entry, now: float) -> None:
        """A robots task died with its host. A gate of another host, which had sent it here, would
        send it here for ever: that one is closed."""
        if entry.kind == ROBOTS and host_of_origin(origin_of(entry.task.first)) != host.facts.name:
            self.settle_gate(entry, Robots(verdict="forbid"), UNREACHABLE, now)
        else:
            self._gates.forget(entry)

    def _probe(self, session: Session, host: Host, room: int, now: float) -> list[Entry]:
        if room < 1:
            self._wait_for_slots(host, now)
            return []
        taken = self._from_lanes(session, host, 1, now)
        if taken:
            host.probing = taken[0].id
        return taken

    # Suspects: leased alone, to a session that has been let run empty.

    def _alone(self, session: Session, now: float) -> list[Entry] | None:
        """The suspect, or nothing while the session has other leases; None: no suspect for it."""
        if self._sessions.find(self._chosen) is not None and self._chosen != session.id:
            return None
        self._chosen = ""
        entry = self._suspect_for(session, now)
        if entry is None:
            return None
        self._chosen = session.id
        if session.leases:
            return []
        self._chosen = ""
        self.suspects -= 1
        entry.alone = True
        host = self._hosts.get(entry.host)
        host.probing = entry.id if host.down() else host.probing
        self.hand_out(session, host, [entry], now)
        self._sign(session, os.urandom(8), [entry], 0, now)
        return [entry]

    def _suspect_for(self, session: Session, now: float) -> Entry | None:
        for entry in self._store.suspects(SUSPECTS):
            if entry.kind in session.kinds and self._books.room(entry.kind):
                host = self._hosts.get(entry.host)
                self._hosts.leave(host)
                if host.down() and self._downs.doomed(host):
                    self._bury_suspect(host, entry, now)
                elif self._may_start(session, host, entry, now):
                    return entry
        return None

    def _bury_suspect(self, host: Host, entry: Entry, now: float) -> None:
        self.suspects -= 1
        self._books.count(f"waiting:{KINDS[entry.kind]}", -1)
        self._graves.bury(host, [entry], HOST_DOWN)
        self._give_up_gate(host, entry, now)
        self._worked = True

    def _may_start(self, session: Session, host: Host, entry: Entry, now: float) -> bool:
        lane = lane_of(host, entry.origin)
        if entry.kind != ROBOTS and lane is not None and not self._gates.is_open(lane, now):
            self._ask_robots(host, lane, suspect=True)
            return False
        waits = host.down() and (host.probing or self._downs.probe_at(host) > now)
        return not waits and host.facts.hold_until <= now and self._has_slot(session, host, now)

    def _has_slot(self, session: Session, host: Host, now: float) -> bool:
        return bool(host.held.get(session.id)) or self._slots.free(host, now) > 0


def leases_of(entries: Iterable[Entry]) -> tuple[Lease, ...]:
    """What the session sees of its leases."""
    return tuple(
        Lease(token=entry.token, task=entry.task, attempts=entry.attempts, suspect=entry.alone)
        for entry in entries
    )
