"""The frontier of this process: all policy, over a store that remembers. One thread calls it."""

from collections.abc import Sequence

from bowerbird.errors import FrontierError
from bowerbird.frontier.audit import audit
from bowerbird.frontier.base import Frontier, Give
from bowerbird.frontier.core import Core
from bowerbird.frontier.looking import host_rows, stats_of, worker_rows
from bowerbird.frontier.refetch import refetch
from bowerbird.frontier.sessions import Session
from bowerbird.frontier.tasks import KINDS
from bowerbird.frontier.turns import leases_of
from bowerbird.model import (
    Attached,
    BeatReply,
    Filter,
    FinishReply,
    Grant,
    HostRow,
    Kind,
    LeaseReply,
    Outcome,
    Results,
    Sighting,
    State,
    Stats,
    Task,
    WorkerInfo,
    WorkerRow,
)

#: Dead sessions ended by one call.
REAPED = 8
#: Tasks brought back in one step of `requeue`.
REVIVED = 1_000


class LocalFrontier(Core, Frontier):
    """A frontier that is called directly. Not for several threads."""

    def __repr__(self) -> str:
        waiting = sum(self.books.group("waiting").values())
        return (
            f"<{type(self).__name__} {self.books.shown_state()}: {waiting} waiting, "
            f"{sum(self.books.leased)} leased, {len(self.sessions)} sessions>"
        )

    # Sessions.

    def attach(
        self,
        worker: WorkerInfo,
        tokens_held: Sequence[bytes] = (),
        kinds: Sequence[Kind] = (),
        hard_end_s: float = 180.0,
        in_flight: Give | None = None,
    ) -> Attached:
        with self.batch():
            now = self.books.now()
            if in_flight is not None:
                self._cut_off_s = now
            self.reap()
            before, quota = self.sessions.of_worker(worker.name), self.slots.quota()
            session = self.sessions.open(worker, kinds, hard_end_s)
            self.sessions.alive(session.id, now)
            session.since = now
            session.clock_off_s = worker.clock_s and worker.clock_s - self.books.wall_s()
            self.store.keep_session(session.id, worker)
            standing = self.leases.adopt(session, before, tokens_held, now, in_flight)
            if quota != self.slots.quota():
                self.slots.news_everywhere()
            return Attached(session=session.id, standing=standing)

    def detach(self, session: str) -> None:
        self._end(session, lost=False, died=False)

    def lost(self, session: str) -> None:
        """End a session whose worker has vanished: a death for each task it held."""
        self._end(session, lost=True, died=True)

    def overslept(self) -> None:
        """The manager was stopped, with its machine or alone: whoever is overdue by now may have
        called in vain, and has not died."""
        self._cut_off_s = self.books.now()

    def _has_died(self, session: Session) -> bool:
        """Whether a session that is overdue was not merely cut off: see `attach`."""
        return session.deadline > self._cut_off_s

    def _end(self, session: str, *, lost: bool, died: bool) -> None:
        with self.batch():
            found = self.sessions.find(session)
            if found is not None:
                self.leases.end(found, self.books.now(), lost=lost, died=died)
                self._keep_finds()

    def reap(self) -> None:
        """End sessions that were silent for too long, or sit on a lease past its hard end."""
        now = self.books.now()
        overdue = self.sessions.overdue(now, REAPED)
        if overdue:
            with self.batch():
                for session in overdue:
                    self.leases.end(session, now, lost=True, died=self._has_died(session))
                self._keep_finds()

    def _alive(self, session: str, give: Give | None, now: float) -> Session:
        found = self.sessions.find(session)
        if found is not None and found.overdue(now):
            self._end(session, lost=True, died=self._has_died(found))
        alive = self.sessions.alive(session, now)
        self.slots.take_back(alive, give, now)
        return alive

    def beat(self, session: str, give: Give | None = None) -> BeatReply:
        with self.batch():
            now = self.books.now()
            found = self._alive(session, give, now)
            grants = self.slots.grants(found, set(), now)
            return BeatReply(
                state=self.books.shown_state(), grants=grants, seq=self._next(),
                sessions=len(self.sessions),
            )  # fmt: skip

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    # Tasks in.

    def add(
        self,
        tasks: Sequence[Task],
        sightings: Sequence[Sighting] = (),
        *,
        seeds_complete: bool = False,
    ) -> int:
        with self.batch():
            new = self._add(tasks)
            self._finds.sightings += sightings
            self._keep_finds()
            if seeds_complete:
                self.books.mark_seeds(complete=True)
            return new

    def begin_seeds(self) -> None:
        """Seeds are about to be added, from the first one: the crawl cannot end before the last."""
        with self.batch():
            self.books.mark_seeds(complete=False)

    # Tasks out and back.

    def lease(
        self,
        session: str,
        limit: int,
        wait_s: float = 0.0,  # noqa: ARG002
        give: Give | None = None,
    ) -> LeaseReply:
        """See `Frontier.lease`; it never blocks, `wait_s` is for those that serve it."""
        with self.batch():
            now = self.books.now()
            found = self._alive(session, give, now)
            self.reap()
            running = self.books.state is State.RUNNING
            taken = self.turns.take(found, limit if running else 0, now)
            self._keep_finds()
            return LeaseReply(
                state=self.books.shown_state(),
                leases=leases_of(taken),
                grants=self.slots.grants(found, {entry.host for entry in taken}, now),
                next_in_s=0.0 if taken else self.turns.next_in_s(now),
                seq=self._next(),
            )

    def finish(
        self, session: str, outcomes: Sequence[Outcome], give: Give | None = None
    ) -> FinishReply:
        with self.batch():
            now = self.books.now()
            accepted = self.outcomes.take(outcomes, now)
            self._keep_finds()
            found = self.sessions.find(session)
            grants: tuple[Grant, ...] = ()
            if found is not None and not found.ghost:
                self.slots.take_back(found, give, now)
                grants = self.slots.grants(found, set(), now)
            state = self.books.shown_state()
            return FinishReply(accepted=accepted, grants=grants, state=state, seq=self._next())

    # Results.

    def results(self, cursor: str = "", limit: int = 1_000) -> Results:
        return self.store.results(cursor, limit)

    def trim(self, cursor: str) -> None:
        """Nothing to do: `finish` writes the catalog itself."""

    # Looking.

    def stats(self) -> Stats:
        return stats_of(self)

    def hosts(self, limit: int = 100) -> list[HostRow]:
        return host_rows(self, limit)

    def workers(self) -> list[WorkerRow]:
        return worker_rows(self)

    # Steering.

    def requeue(self, which: Filter) -> int:
        with self.batch():
            revived = 0
            while rows := self.store.revive(which, REVIVED):
                revived += len(rows)
                for number, kind, reason in rows:
                    self._revived(number, kind, reason)
            if revived:
                self.books.steer(State.RUNNING)
            return revived

    def _revived(self, number: int, kind: int, reason: str) -> None:
        self.books.count(f"dead:{reason}", -1)
        self.books.count(f"dead-kind:{KINDS[kind]}", -1)
        self.books.count(f"waiting:{KINDS[kind]}")
        host = self.hosts_at_hand.get(number)
        host.facts.dead -= 1
        self.hosts_at_hand.touch(host)
        self.ring.add(number)
        if host.down():
            self.downs.raise_up(host)
        self.gates.ask_again(host)

    def refetch(self, final_urls: Sequence[str]) -> int:
        """See `refetch.refetch`."""
        return refetch(self, final_urls)

    def pause(self, reason: str = "") -> None:
        self._steer(State.PAUSED, reason)

    def resume(self) -> None:
        self._steer(State.RUNNING, "")

    def stop(self, reason: str = "") -> None:
        self._steer(State.DRAINING, reason)

    def _steer(self, state: State, reason: str) -> None:
        with self.batch():
            self.books.steer(state, reason)

    # Care.

    def audit(self) -> list[str]:
        return audit(self)

    def close(self) -> None:
        if self._depth:
            raise FrontierError("A frontier cannot be closed inside a batch.")
        self.store.close()
