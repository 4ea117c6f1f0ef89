"""Slots: the right to have one request in flight at a host.

Tasks may run ahead of slots, requests never. Numbers are absolute for (session, host); their
sum never exceeds `per_host`, and a host with a delay has one. A number falls only when its holder
gives back; `wished` is what it should come down to.
"""

from bowerbird.frontier.base import AHEAD_S, Give
from bowerbird.frontier.hosts import Host
from bowerbird.frontier.sessions import Session
from bowerbird.frontier.shared import Shared
from bowerbird.model import Grant

#: A lost session's requests may go on this long past its end, in seconds: two clocks, one deadline.
LOST_S = 1.0


class Slots:
    """Who may ask which host how often at once."""

    def __init__(self, shared: Shared) -> None:
        self._rules, self._hosts = shared.rules, shared.hosts
        self._ring, self._sessions = shared.ring, shared.sessions
        self._given: list[tuple[str, Host, int]] = []  # in this batch: by whom, where, how many
        self.settled = float("-inf")  #: from then on nobody uses a slot that is not known here

    # How many.

    def quota(self) -> int:
        """Most slots of one session at a host: a fair share, rounded up."""
        return -(-self._rules.per_host // max(1, len(self._sessions)))

    def free(self, host: Host, now: float) -> int:
        """Slots that nobody holds and that may be used now."""
        delay_s = self._hosts.delay_s(host)
        if host.ghosts or now < self.settled + delay_s:
            return 0
        out = sum(host.held.values())
        if host.cooling:
            host.cooling = [until for until in host.cooling if until > now]
            out += len(host.cooling)
        if delay_s:
            return int(out == 0 and now >= host.facts.freed_at + delay_s)
        return self._rules.per_host - out

    def free_at(self, host: Host, now: float) -> float | None:
        """When the next slot will have cooled down, if time is all that is missing."""
        if host.ghosts or host.held:
            return None
        times = [until for until in (*host.cooling, self.settled) if until > now]
        delay_s = self._hosts.delay_s(host)
        if delay_s:
            times = [max([max(host.facts.freed_at, self.settled) + delay_s, *times])]
        return min(times, default=None)

    def wished(self, session: Session, host: Host) -> int:
        """What a session's number at a host should be, of what it holds."""
        if not host.users.get(session.id):
            return 0
        held = host.held.get(session.id, 0)
        if self._hosts.delay_s(host):
            first = next((one for one in host.held if host.users.get(one)), "")
            return min(held, int(first == session.id))
        return min(held, self.quota())

    def room(self, session: Session, host: Host, now: float) -> int:
        """How many more tasks of a host a session may lease: what can start within `AHEAD_S`."""
        held = host.held.get(session.id, 0)
        slots = min(self.quota(), held + max(0, self.free(host, now)))
        delay_s = self._hosts.delay_s(host)
        if held and delay_s:
            slots = self.wished(session, host) if host.users.get(session.id) else 1
        if slots < 1:
            return 0
        ahead = AHEAD_S / delay_s if delay_s else slots * AHEAD_S / host.mean_s
        return max(slots, int(ahead)) - host.users.get(session.id, 0)

    # Giving and taking.

    def grow(self, session: Session, host: Host, now: float) -> None:
        """Give a session the slots it has leases for, as far as its share and the host go."""
        held = host.held.get(session.id, 0)
        more = min(self.quota(), host.users.get(session.id, 0)) - held
        if more > 0:
            more = min(more, self.free(host, now))
        if more > 0:
            host.held[session.id] = held + more
            session.hosts.add(host.id)

    def inherit(self, session: Session, host: Host) -> None:
        """A lease of before a restart is this session's: its request may be under way, and
        counts."""
        if sum(host.held.values()) < self._rules.per_host:
            host.held[session.id] = host.held.get(session.id, 0) + 1

    def bring(self, session: Session, in_flight: Give | None) -> None:
        """A session comes with requests under way: for those of its leases it has slots."""
        for name, count in (in_flight or {}).items():
            host = self._hosts.named(name)
            slots = min(count, host.users.get(session.id, 0)) if host else 0
            if host is not None and slots > 0:
                host.held[session.id] = slots
                session.hosts.add(host.id)
                session.news.add(host.id)
                session.told[host.id] = (slots, -1.0, -1.0)  # delay and hold it has to be told

    def take_back(self, session: Session, give: Give | None, now: float) -> None:
        """A session returns surplus slots: requests that were under way there have ended."""
        for name, surplus in (give or {}).items():
            host = self._hosts.named(name)
            if host is not None and surplus > 0:
                slots = min(surplus, host.held.get(session.id, 0))
                self._release(session, host, slots, now)
                if slots:
                    self._given.append((session.id, host, slots))

    def keep(self) -> None:
        """The batch is committed."""
        self._given.clear()

    def undo(self) -> None:
        """The batch is undone: what was given back in it will be given once more."""
        for session, host, slots in self._given:
            if self._sessions.find(session):
                host.held[session] = host.held.get(session, 0) + slots
        self._given.clear()

    def leave(self, session: Session, host: Host, now: float, *, lost: bool) -> None:
        """A session has ended: all its slots at a host return."""
        slots = host.held.get(session.id, 0)
        if lost and slots:
            host.cooling += [now + LOST_S] * slots
        self._release(session, host, slots, now + LOST_S * lost)

    def _release(self, session: Session, host: Host, slots: int, at: float) -> None:
        if slots < 1:
            return
        self.news(host)  # the giver's too: it forgets the host where it has nothing any more
        host.held[session.id] -= slots
        if not host.held[session.id]:
            del host.held[session.id]
        if self._hosts.delay_s(host):
            self._hosts.touch(host)  # a restart must not forget when the last request was
        host.facts.freed_at = max(host.facts.freed_at, at)
        self._hosts.leave(host)
        self._ring.wake(host.id)

    # Telling.

    def news(self, host: Host) -> None:
        """What holds at a host has changed: all who have to do with it will be told."""
        for number in {*host.users, *host.held}:
            session = self._sessions.find(number)
            if session is not None:
                session.news.add(host.id)

    def news_everywhere(self) -> None:
        """The share of each session has changed."""
        for session in self._sessions:
            session.news |= session.hosts

    def grants(self, session: Session, new: set[int], now: float) -> tuple[Grant, ...]:
        """What to tell a session: the hosts of new leases and what has changed elsewhere."""
        news, session.news = session.news | new, set()
        found = []
        for number in news:
            host = self._hosts.at_hand(number)
            if host is not None:
                grant = self._grant(session, host, now)
                if number in new or self._is_news(session, host, grant):
                    found.append(grant)
                    session.told[number] = (grant.slots, grant.delay_s, host.facts.hold_until)
            if host is None or (session.id not in host.held and session.id not in host.users):
                session.told.pop(number, None)
                session.hosts.discard(number)
        return tuple(found)

    def _grant(self, session: Session, host: Host, now: float) -> Grant:
        self.grow(session, host, now)
        if host.users.get(session.id) and session.id not in host.held:
            session.news.add(host.id)  # it waits for a slot that has to cool first
        return Grant(
            host=host.facts.name,
            slots=self.wished(session, host),
            delay_s=self._hosts.delay_s(host),
            hold_s=max(0.0, host.facts.hold_until - now),
        )

    @staticmethod
    def _is_news(session: Session, host: Host, grant: Grant) -> bool:
        told = session.told.get(host.id, (0, 0.0, 0.0))
        if grant.slots != told[0]:
            return True
        cares = host.id in session.told
        return cares and (grant.delay_s, host.facts.hold_until) != told[1:]
