"""Hosts that something is going on at. All others are only remembered by the store."""

from collections.abc import Iterator

from bowerbird.frontier.base import DELAY_CAP_S, HOLD_CAP_S
from bowerbird.frontier.rules import Rules
from bowerbird.frontier.tasks import HostFacts, OriginFacts, TaskStore

#: Where the mean time of a request begins, in seconds.
UNKNOWN_S = 1.0
#: How much one new measurement of it counts.
WEIGHT = 0.2
#: Of so many hosts it is known why they are held or down; of others it is forgotten.
REASONS = 10_000


class Host:
    """What is going on at a host: who has leases and slots, and what is cooling."""

    __slots__ = ("cooling", "facts", "ghosts", "held", "lanes", "marked", "mean_s",
                 "probing", "users")  # fmt: skip

    def __init__(self, facts: HostFacts, lanes: list[OriginFacts]) -> None:
        self.facts, self.lanes = facts, lanes
        self.users: dict[str, int] = {}  #: session -> its leases here
        self.held: dict[str, int] = {}  #: session -> its slots
        self.cooling: list[float] = []  #: when slots of lost sessions may be used again
        self.ghosts = 0  #: leases of sessions of before a restart
        self.mean_s, self.marked = UNKNOWN_S, 0.0
        self.probing = 0  #: the task that is the probe, while it is out

    def __repr__(self) -> str:
        return f"<Host {self.facts.name}: {sum(self.held.values())} slots, {self.leased} leased>"

    @property
    def id(self) -> int:
        """Its number."""
        return self.facts.id

    @property
    def leased(self) -> int:
        """How many leases are out."""
        return sum(self.users.values())

    def down(self) -> bool:
        """Whether it is waited for."""
        return self.facts.down_at is not None

    def neutral(self, now: float) -> bool:
        """Whether it may be forgotten here: all that matters is in the store."""
        if self.users or self.held or self.ghosts or self.probing:
            return False
        return not any(until > now for until in self.cooling)

    def measure(self, now: float, finished: int, slots: int) -> None:
        """Learn from `finished` requests of a session that has `slots` here."""
        took = (now - self.marked) * max(slots, 1) / finished
        self.mean_s += WEIGHT * (min(max(took, 0.001), 60.0) - self.mean_s)
        self.marked = now

    def hold(self, now: float, hold_s: float) -> None:
        """No request before this has passed; an earlier, longer hold stands."""
        until = now + min(hold_s, HOLD_CAP_S)
        self.facts.hold_until = max(self.facts.hold_until, until)

    def set_delay(self, delay_s: float) -> None:
        """Its spacing from now on, as a worker found it."""
        self.facts.delay_s = min(max(delay_s, 0.0), DELAY_CAP_S)

    def set_crawl_delay(self, delay_s: float) -> None:
        """Its spacing as an origin's robots.txt asks; the longest of its origins counts."""
        self.facts.crawl_delay_s = max(self.facts.crawl_delay_s, min(delay_s, DELAY_CAP_S))


class Hosts:
    """The hosts at hand, loaded as they are met and dropped when nothing goes on there."""

    def __init__(self, store: TaskStore, rules: Rules) -> None:
        self._store, self._rules = store, rules
        self._at_hand: dict[int, Host] = {}
        self._by_name: dict[str, Host] = {}
        self._changed: dict[int, Host] = {}
        self._left: dict[int, Host] = {}
        self._why: dict[int, str] = {}
        self._turned: dict[int, int] = {}  # host of many lanes -> where its next turn begins

    def __iter__(self) -> Iterator[Host]:
        return iter(self._at_hand.values())

    def __len__(self) -> int:
        return len(self._at_hand)

    def get(self, number: int) -> Host:
        """A host by its number."""
        return self._at_hand.get(number) or self._load(number)

    def peek(self, number: int) -> Host:
        """A host by its number, to be looked at only."""
        found = self._at_hand.get(number)
        return found or Host(self._store.host(number), self._store.origins(number))

    def at_hand(self, number: int) -> Host | None:
        """A host by its number, if something goes on there."""
        return self._at_hand.get(number)

    def named(self, name: str) -> Host | None:
        """A host by its name, if something goes on there."""
        return self._by_name.get(name)

    def delay_s(self, host: Host) -> float:
        """Least time between two request starts: the longest of what is asked."""
        facts = host.facts
        return max(self._rules.delay_s, facts.delay_s, facts.crawl_delay_s)

    def window(self, host: Host, width: int) -> list[OriginFacts]:
        """The lanes to be looked at in this turn of a host."""
        lanes = host.lanes
        if len(lanes) <= width:
            return lanes
        start = self._turned.get(host.id, 0)
        self._turned[host.id] = (start + width) % len(lanes)
        return (lanes + lanes)[start : start + width]

    def met(self, number: int, origin: int) -> None:
        """A host at hand may have a new origin."""
        host = self._at_hand.get(number)
        if host is not None and all(lane.id != origin for lane in host.lanes):
            known = {lane.id for lane in host.lanes}
            host.lanes += [one for one in self._store.origins(number) if one.id not in known]

    def touch(self, host: Host) -> None:
        """The facts of a host have changed: they are kept with the next commit."""
        self._changed[host.id] = host

    def blame(self, host: Host, reason: str) -> None:
        """Remember why a host is held or down, for people only."""
        self._why.pop(host.id, None)
        self._why[host.id] = reason
        if len(self._why) > REASONS:
            del self._why[next(iter(self._why))]

    def why(self, host: Host) -> str:
        """Why it was last held or down; "": not known."""
        return self._why.get(host.id, "")

    def leave(self, host: Host) -> None:
        """Something has ended at a host: it is looked at with the next commit."""
        self._left[host.id] = host

    def save(self) -> None:
        """Tell the store which facts have changed."""
        if self._changed:
            self._store.keep_hosts([host.facts for host in self._changed.values()])
            self._left |= self._changed
            self._changed.clear()

    def tidy(self, now: float) -> None:
        """Drop the hosts at which nothing goes on any more; those that cool stay listed."""
        for host in list(self._left.values()):
            if host.neutral(now):
                self._at_hand.pop(host.id, None)
                self._by_name.pop(host.facts.name, None)
                del self._left[host.id]
            elif not host.cooling:
                del self._left[host.id]

    def clear(self) -> None:
        """Drop all, unsaved."""
        for table in (self._at_hand, self._by_name, self._changed, self._left):
            table.clear()

    def _load(self, number: int) -> Host:
        host = Host(self._store.host(number), self._store.origins(number))
        self._at_hand[number] = self._by_name[host.facts.name] = host
        return host
