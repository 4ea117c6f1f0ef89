"""Leases as they end: by an outcome, with their session, or handed on to its successor."""

from collections.abc import Collection, Iterable

from bowerbird.frontier.base import Give
from bowerbird.frontier.graves import Graves
from bowerbird.frontier.hosts import Host
from bowerbird.frontier.sessions import Session
from bowerbird.frontier.shared import Shared
from bowerbird.frontier.slots import Slots
from bowerbird.frontier.tasks import KINDS, ROBOTS, Entry, is_suspect
from bowerbird.frontier.turns import Turns
from bowerbird.model import Robots

#: Deaths while alone that make a suspect dead.
CRASHES = 2
#: Why.
KILLS = "kills-worker"


class Leases:
    """What is out, and how it comes back."""

    def __init__(self, shared: Shared, slots: Slots, turns: Turns, graves: Graves) -> None:
        self._store, self._books, self._ring = shared.store, shared.books, shared.ring
        self._hosts, self._sessions = shared.hosts, shared.sessions
        self._slots, self._turns, self._graves = slots, turns, graves

    # One lease.

    def let_go(self, entry: Entry) -> Host:
        """A task is no one's any more, neither leased nor waiting; its token stays as it is."""
        host = self._hosts.get(entry.host)
        self._hosts.leave(host)
        if not entry.session:
            self._unwait(entry)
            return host
        tight = not self._books.room(entry.kind)
        self._books.leased[entry.kind] -= 1
        self._leave_host(host, entry.session)
        if host.probing == entry.id:
            host.probing = 0
        if tight:
            self._ring.wake_aside()  # a limit that was spent may have room again
        else:
            self._ring.wake_aside((host.id,))
        return host

    def wait_again(self, entries: list[Entry], *, spent: bool) -> None:
        """Tasks that were let go wait as before; unless spent, their last tokens stay good."""
        self._store.back(entries, spent=spent)
        for entry in entries:
            self._books.count(f"waiting:{KINDS[entry.kind]}")
            if is_suspect(entry):
                self._turns.suspects += 1
            else:
                self._ring.add(entry.host)
            entry.alone = False
            if not spent:
                self._sessions.stray(entry)

    def _unwait(self, entry: Entry) -> None:
        self._books.count(f"waiting:{KINDS[entry.kind]}", -1)
        if is_suspect(entry):
            self._turns.suspects -= 1
        else:
            self._ring.remove(entry.host)

    def _leave_host(self, host: Host, session: str) -> None:
        left = host.users.get(session, 0) - 1
        if left > 0:
            host.users[session] = left
            return
        host.users.pop(session, None)
        # It may have asked there just now. While it holds a slot nobody else will, but a restart
        # knows leases only.
        host.facts.freed_at = max(host.facts.freed_at, self._books.now())
        if self._hosts.delay_s(host):
            self._hosts.touch(host)
        found = self._sessions.find(session)
        if found is not None:
            if found.ghost:
                host.ghosts = sum(1 for one in host.users if self._is_ghost(one))
                self._hosts.touch(host)
            found.news.add(host.id)

    def _is_ghost(self, session: str) -> bool:
        found = self._sessions.find(session)
        return found is not None and found.ghost

    # A session's end.

    def end(self, session: Session, now: float, *, lost: bool, died: bool) -> None:
        """All leases of a session go back, all its slots return: those of a lost one may be in use
        for a while. One whose worker has died leaves deaths."""
        quota = self._slots.quota()
        entries = list(session.leases.values())
        for entry in entries:
            self.let_go(entry)
        session.leases.clear()
        if died and not session.ghost:
            entries = self._count_deaths(entries, now)
        self.wait_again(entries, spent=False)
        self._leave_hosts(session, now, lost=lost)
        self._sessions.remove(session)
        self._store.drop_session(session.id)
        if quota != self._slots.quota():
            self._slots.news_everywhere()

    def _leave_hosts(self, session: Session, now: float, *, lost: bool) -> None:
        for number in session.hosts:
            host = self._hosts.at_hand(number)
            if host is not None:
                self._slots.leave(session, host, now, lost=lost)
                self._ring.wake(number)

    def _count_deaths(self, entries: list[Entry], now: float) -> list[Entry]:
        alive = []
        for entry in entries:
            entry.deaths += 1
            entry.crashes += entry.alone
            if entry.crashes < CRASHES:
                alive.append(entry)
            else:
                self._sessions.spend(entry)
                self._graves.bury(self._hosts.get(entry.host), [entry], KILLS)
                if entry.kind == ROBOTS:
                    self._turns.settle_gate(entry, Robots(verdict="forbid"), KILLS, now)
        return alive

    # From one session to the next of the same worker.

    def adopt(
        self, session: Session, before: Iterable[Session], tokens: Collection[bytes], now: float,
        in_flight: Give | None,
    ) -> tuple[bytes, ...]:  # fmt: skip
        """A worker's new session takes over the leases it names; its older sessions end.

        Slots go with them: those of its requests `in_flight`, where it says so; else as they were.
        """
        standing: list[bytes] = []
        for old in before:
            entries = [old.leases[token] for token in tokens if token in old.leases]
            for entry in entries:
                self._hand_on(entry, old, session, with_slots=in_flight is None)
            standing += [entry.token for entry in entries]
            self._store.lease(entries)
            self.end(old, now, lost=False, died=False)
        self._slots.bring(session, in_flight)
        return tuple(standing)

    def _hand_on(self, entry: Entry, old: Session, new: Session, *, with_slots: bool) -> None:
        host = self._hosts.get(entry.host)
        del old.leases[entry.token]
        self._sessions.hold(new, entry)
        host.users[new.id] = host.users.get(new.id, 0) + 1
        self._leave_host(host, old.id)
        if with_slots and old.ghost:
            self._slots.inherit(new, host)
        elif with_slots and old.id in host.held:
            host.held[new.id] = host.held.get(new.id, 0) + host.held.pop(old.id)
        new.hosts.add(host.id)
        new.news.add(host.id)

    def restore(self, entries: Iterable[Entry], now: float) -> None:
        """Leases of before a restart stand, for ghosts; those of local workers go back."""
        back = []
        for entry in entries:
            session = self._sessions.find(entry.session)
            if not entry.session:
                self._sessions.stray(entry)
            elif session is None:
                back.append(entry)
                self._books.leased[entry.kind] += 1
            else:
                self._stand(entry, session, now)
        for entry in back:
            host = self.let_go(entry)
            host.facts.freed_at = now  # its request may have begun just now
            self._hosts.touch(host)
        self.wait_again(back, spent=False)

    def _stand(self, entry: Entry, session: Session, now: float) -> None:
        host = self._hosts.get(entry.host)
        entry.since = now
        self._books.leased[entry.kind] += 1
        self._sessions.hold(session, entry)
        host.users[session.id] = host.users.get(session.id, 0) + 1
        host.ghosts = sum(1 for one in host.users if self._is_ghost(one))
        session.hosts.add(host.id)
