"""Hosts that do not answer: how they fall, are probed, and return or are given up."""

from bowerbird.frontier.base import DOWN_AFTER, PROBES_S
from bowerbird.frontier.hosts import Host
from bowerbird.frontier.shared import Shared

#: libcurl's word for a name that does not resolve. Of a host that never answered it means that
#: there is no such host: its tasks die by their own retries, and nothing is probed.
NO_SUCH_HOST = "dns-failed"


class Downs:
    """The hosts that are down."""

    def __init__(self, shared: Shared) -> None:
        self._books, self._ring, self._hosts = shared.books, shared.ring, shared.hosts
        self._down: set[int] = set()

    def restore(self, numbers: list[int]) -> None:
        """Take up what was known."""
        self._down = set(numbers)

    def failed(self, host: Host, now: float, reason: str, *, probe: bool) -> None:
        """A connection failed: DNS, connect, TLS, or no first byte."""
        facts = host.facts
        if reason == NO_SUCH_HOST and not facts.answered:
            return
        facts.failures += 1
        if host.down():
            facts.probes += probe
        elif facts.failures >= DOWN_AFTER:
            facts.down_at, facts.probes, facts.condemned = now, 0, False
            self._down.add(host.id)
        self._hosts.touch(host)

    def answered(self, host: Host) -> None:
        """The host answered, whatever it said."""
        facts = host.facts
        if facts.answered and not facts.failures:
            return
        self._books.count("hosts-answered", not facts.answered)
        facts.answered = True
        self.raise_up(host)

    def raise_up(self, host: Host) -> None:
        """A host is as good as new."""
        facts = host.facts
        facts.failures = facts.probes = 0
        facts.down_at, facts.condemned = None, False
        self._down.discard(host.id)
        self._hosts.touch(host)
        self._ring.wake(host.id)

    def doomed(self, host: Host) -> bool:
        """Whether the last probe has failed: one for a host that never answered, else three."""
        facts = host.facts
        if not facts.condemned and facts.probes >= (len(PROBES_S) if facts.answered else 1):
            self._condemn(host)
        return facts.condemned

    def probe_at(self, host: Host) -> float:
        """When the next probe is due."""
        return (host.facts.down_at or 0.0) + PROBES_S[host.facts.probes]

    def give_up(self) -> bool:
        """Where no host of the crawl ever answered and all that is left is down, no probe is
        waited for; answer whether that is so."""
        if self._books.get("hosts-answered") or not self._down:
            return False
        # Delayed tasks may be of hosts that are not down: the caller has waited for them.
        busy = [number for number in self._down if self._ring.count(number)]
        if not busy or len(busy) != self._ring.busy:
            return False
        for number in busy:
            self._condemn(self._hosts.get(number))
            self._ring.wake(number)
        return True

    def _condemn(self, host: Host) -> None:
        host.facts.condemned = True
        self._hosts.touch(host)
