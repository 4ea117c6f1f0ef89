"""What becomes of a lease: each outcome is taken whole, or refused and changes nothing."""

from collections.abc import Callable, Sequence

from bowerbird.frontier.base import HOLD_CAP_S
from bowerbird.frontier.downs import NO_SUCH_HOST, Downs
from bowerbird.frontier.gates import BARRED, UNREACHABLE, Gates
from bowerbird.frontier.graves import Graves
from bowerbird.frontier.hosts import Host
from bowerbird.frontier.leases import Leases
from bowerbird.frontier.sessions import Session
from bowerbird.frontier.shared import Shared
from bowerbird.frontier.tasks import KINDS, ROBOTS, Entry, Mark
from bowerbird.frontier.turns import Turns
from bowerbird.model import Outcome, Redirection, Robots, Task, Verb

#: Redirects followed for one task; browsers allow 20, honest sites need 3.
MAX_HOPS = 10
LOOP = "redirect-loop"


class Batch:
    """What the outcomes of one call come to, written at its end."""

    __slots__ = ("back", "delayed", "done", "drop", "found", "moved")

    def __init__(self) -> None:
        self.done: list[Entry] = []
        self.moved: list[Entry] = []
        self.back: list[Entry] = []
        self.drop: list[Entry] = []
        self.delayed: list[tuple[Entry, float]] = []
        self.found: list[Task] = []


class Outcomes:
    """Takes outcomes."""

    def __init__(
        self,
        shared: Shared,
        turns: Turns,
        leases: Leases,
        gates: Gates,
        downs: Downs,
        add: Callable[[Sequence[Task]], int],
    ) -> None:
        """`add` puts what was found among the tasks."""
        self._store, self._books, self._hosts = shared.store, shared.books, shared.hosts
        self._sessions, self._finds, self._rules = shared.sessions, shared.finds, shared.rules
        self._turns, self._leases, self._gates, self._downs = turns, leases, gates, downs
        self._graves = Graves(shared)
        self._add = add

    def take(self, outcomes: Sequence[Outcome], now: float) -> tuple[bool, ...]:
        """For each, whether it was accepted."""
        batch = Batch()
        finished: dict[tuple[str, int], int] = {}
        accepted = tuple([self._take(batch, outcome, finished, now) for outcome in outcomes])
        self._measure(finished, now)
        self._write(batch)
        return accepted

    def _take(
        self, batch: Batch, outcome: Outcome, finished: dict[tuple[str, int], int], now: float
    ) -> bool:
        entry = self._sessions.tokens.get(outcome.token)
        if entry is None:
            return False
        if entry.session and outcome.verb is not Verb.RELEASED:
            key = entry.session, entry.host
            finished[key] = finished.get(key, 0) + 1
        probe = self._hosts.get(entry.host).probing == entry.id
        host = self._leases.let_go(entry)
        self._sessions.spend(entry)
        failed = self._learn(host, entry, outcome, now, probe=probe)
        if failed and host.down():
            batch.back.append(entry)
        else:
            self._settle(batch, host, entry, outcome, now)
        return True

    # Facts about the host.

    def _learn(
        self, host: Host, entry: Entry, outcome: Outcome, now: float, *, probe: bool
    ) -> bool:
        """Take facts about a host; answer whether the connection failed."""
        if outcome.hold_s > 0:
            host.hold(now, outcome.hold_s)
            self._hosts.blame(host, outcome.reason)
            self._turns.changed(host)
        if outcome.delay_s is not None and outcome.delay_s != host.facts.delay_s:
            host.set_delay(outcome.delay_s)
            self._turns.changed(host)
        if outcome.answered:
            self._downs.answered(host)
        elif outcome.answered is False and self._is_connection(entry, outcome):
            self._downs.failed(host, now, outcome.reason, probe=probe)
            self._hosts.blame(host, outcome.reason)
            return True
        return False

    def _is_connection(self, entry: Entry, outcome: Outcome) -> bool:
        """Whether the network failed; a task dead at once died by a rule (guard, certificate)."""
        if outcome.reason in BARRED:
            return False
        spent = entry.attempts >= self._rules.retries
        return outcome.verb is Verb.RETRY or (outcome.verb is Verb.DEAD and spent)

    # One outcome.

    def _settle(self, batch: Batch, host: Host, entry: Entry, outcome: Outcome, now: float) -> None:
        self._collect(batch, outcome)
        if outcome.verb is Verb.RELEASED:
            batch.back.append(entry)
        elif entry.kind == ROBOTS:
            self._settle_robots(batch, entry, outcome, now)
        elif outcome.verb is Verb.DONE:
            self._done(batch.done, host, entry)
        elif outcome.verb is Verb.MOVED:
            self._settle_moved(batch, host, entry, outcome)
        elif outcome.verb is Verb.RETRY and entry.attempts < self._rules.retries:
            self._retry(batch, entry, outcome, now)
        else:
            self._graves.bury(host, [entry], outcome.reason or "unknown", outcome.detail)
            for spare in outcome.found:
                self._lead(entry, spare, outcome.status)

    def _lead(self, entry: Entry, target: Task, status: int) -> None:
        """What was seen under one URL is to be found under another: moved there, or its spare."""
        self._finds.redirections.append(
            Redirection(from_url=entry.task.url, to_url=target.url, status=status)
        )

    def _collect(self, batch: Batch, outcome: Outcome) -> None:
        batch.found += outcome.found
        self._finds.records += outcome.records
        self._finds.sightings += outcome.sightings
        for name, number in outcome.counts.items():
            self._books.count(f"count:{name}", number)

    def _done(self, among: list[Entry], host: Host, entry: Entry) -> None:
        among.append(entry)
        self._books.count(f"done:{KINDS[entry.kind]}")
        host.facts.done += 1
        self._hosts.touch(host)

    def _retry(self, batch: Batch, entry: Entry, outcome: Outcome, now: float) -> None:
        entry.attempts += 1
        batch.delayed.append((entry, now + min(max(outcome.in_s, 0.0), HOLD_CAP_S)))

    def _settle_moved(self, batch: Batch, host: Host, entry: Entry, outcome: Outcome) -> None:
        target, task = outcome.moved, entry.task
        if target is None or target.url in (task.url, task.first) or target.hops > MAX_HOPS:
            detail = f"to {target.url}" if target else outcome.detail
            self._graves.bury(host, [entry], LOOP if target else "bad-redirect", detail)
            return
        self._done(batch.moved, host, entry)
        self._books.count(f"moved:{KINDS[entry.kind]}")
        batch.found.append(target)
        self._lead(entry, target, outcome.status)

    # robots.txt.

    def _settle_robots(self, batch: Batch, entry: Entry, outcome: Outcome, now: float) -> None:
        if outcome.verb is Verb.RETRY and entry.attempts < self._rules.retries:
            self._retry(batch, entry, outcome, now)
        elif outcome.verb in (Verb.RETRY, Verb.DEAD):
            self._robots_failed(batch, entry, outcome, now)
        elif outcome.verb is Verb.MOVED and outcome.moved is not None:
            self._robots_moved(batch, entry, outcome.moved, now)
        else:
            self._open(batch, entry, outcome.robots or Robots(verdict="allow"), "", now)

    def _robots_failed(self, batch: Batch, entry: Entry, outcome: Outcome, now: float) -> None:
        """Failing connections bring the host down, it is asked until then; all else forbids."""
        unknown = outcome.reason == NO_SUCH_HOST
        if outcome.answered is False and self._is_connection(entry, outcome) and not unknown:
            self._retry(batch, entry, outcome, now)
            return
        barred = outcome.reason in BARRED and not entry.task.hops
        reason = outcome.reason if unknown or barred else UNREACHABLE
        self._open(batch, entry, Robots(verdict="forbid"), reason, now)

    def _robots_moved(self, batch: Batch, entry: Entry, moved: Task, now: float) -> None:
        target = self._gates.target(entry, moved)
        if target is None:
            self._open(batch, entry, Robots(verdict="allow"), "", now)
            return
        gate, _ = self._turns.gate_of(entry)
        batch.drop.append(entry)
        self._turns.add_robots(gate.id, target)

    def _open(self, batch: Batch, entry: Entry, robots: Robots, reason: str, now: float) -> None:
        batch.drop.append(entry)
        self._turns.settle_gate(entry, robots, reason, now)

    # The end of a call.

    def _measure(self, finished: dict[tuple[str, int], int], now: float) -> None:
        for (session, number), count in finished.items():
            host = self._hosts.get(number)
            host.measure(now, count, host.held.get(session, 1))
            found: Session | None = self._sessions.find(session)
            if found is not None:
                found.finished += count

    def _write(self, batch: Batch) -> None:
        self._store.settle(batch.done, Mark.DONE)
        self._store.settle(batch.moved, Mark.MOVED)
        self._store.drop(batch.drop)
        self._turns.delay(batch.delayed)
        self._leases.wait_again(batch.back, spent=True)
        if batch.found:
            self._add(batch.found)
