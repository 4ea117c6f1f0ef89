"""Tasks that end without what they are for."""

from collections.abc import Sequence

from bowerbird.frontier.hosts import Host
from bowerbird.frontier.shared import Shared
from bowerbird.frontier.tasks import KINDS, ROBOTS, Entry, Mark
from bowerbird.model import Death


class Graves:
    """Makes tasks dead, and says so in the catalog."""

    def __init__(self, shared: Shared) -> None:
        self._store, self._books, self._ring = shared.store, shared.books, shared.ring
        self._hosts, self._finds = shared.hosts, shared.finds
        self._sessions = shared.sessions

    def bury_waiting(
        self, host: Host, entries: Sequence[Entry], reason: str, detail: str = ""
    ) -> None:
        """Waiting tasks of a host die before they were leased."""
        if not entries:
            return
        self._ring.remove(host.id, len(entries))
        for entry in entries:
            self._books.count(f"waiting:{KINDS[entry.kind]}", -1)
        self.bury(host, entries, reason, detail)

    def bury(self, host: Host, entries: Sequence[Entry], reason: str, detail: str = "") -> None:
        """Tasks that no longer count as waiting or leased are dead."""
        for entry in entries:
            self._sessions.supersede(entry.id)  # an answer that comes late finds nothing unfinished
        robots = [entry for entry in entries if entry.kind == ROBOTS]
        self._store.drop(robots)
        dead = [entry for entry in entries if entry.kind != ROBOTS] if robots else entries
        self._store.settle(dead, Mark.DEAD, reason)
        for entry in dead:
            self._write(entry, reason, detail)
        host.facts.dead += len(dead)
        self._hosts.touch(host)

    def _write(self, entry: Entry, reason: str, detail: str) -> None:
        kind = KINDS[entry.kind]
        self._books.count(f"dead:{reason}")
        self._books.count(f"dead-kind:{kind}")
        task = entry.task
        self._finds.deaths.append(
            Death(url=task.url, first_url=task.first, kind=kind, reason=reason, detail=detail)
        )
