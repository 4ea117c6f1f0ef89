"""The frontier of this process: all policy, over a store that remembers.

One thread calls it. A call that the store cannot carry out is undone as a whole, with every
other call of its batch: what is in memory is then read again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from bowerbird.clock import Clock, SystemClock
from bowerbird.errors import FrontierError, SessionGoneError, StorageFullError
from bowerbird.frontier.audit import audit
from bowerbird.frontier.base import Frontier, Give
from bowerbird.frontier.books import Books
from bowerbird.frontier.downs import Downs
from bowerbird.frontier.gates import Gates
from bowerbird.frontier.graves import Graves
from bowerbird.frontier.hosts import Hosts
from bowerbird.frontier.leases import Leases
from bowerbird.frontier.looking import host_rows, stats_of, worker_rows
from bowerbird.frontier.outcomes import Outcomes
from bowerbird.frontier.ring import Ring
from bowerbird.frontier.rules import Rules
from bowerbird.frontier.sessions import Session, Sessions
from bowerbird.frontier.slots import Slots
from bowerbird.frontier.tasks import KINDS, Finds, Place, Saved, TaskStore
from bowerbird.frontier.turns import Turns, leases_of
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
from bowerbird.urls import origin_of

#: Dead sessions ended by one call.
REAPED = 8
#: Origins whose numbers are kept at hand.
PLACES = 16_384
#: Tasks brought back in one step of `requeue`.
REVIVED = 1_000


class LocalFrontier(Frontier):
    """A frontier that is called directly. Not for several threads."""

    def __init__(self, store: TaskStore, rules: Rules, clock: Clock | None = None) -> None:
        """Take up what `store` remembers; raises what it raises."""
        self.rules, self.store = rules, store
        self.books = Books(clock or SystemClock(), rules)
        self.ring, self.sessions, self.hosts_at_hand = Ring(), Sessions(), Hosts(store, rules)
        self._finds = Finds()
        self._places: dict[str, Place] = {}
        self._depth, self._seq = 0, 0
        self._broken: BaseException | None = None
        self._stale = False  #: what is in memory is not what the store has
        self.slots = Slots(rules, self.hosts_at_hand, self.ring, self.sessions)
        self._assemble()
        saved = store.load()
        self.books.open(saved)
        with self.batch():
            self._restore_sessions(saved)
            self._restore(saved)

    def _assemble(self) -> None:
        store, books, ring, hosts = self.store, self.books, self.ring, self.hosts_at_hand
        self.gates = Gates(store, self.rules)
        self.downs = Downs(books, ring, hosts)
        self.graves = Graves(store, books, ring, hosts, self._finds)
        self.turns = Turns(
            store, books, ring, hosts, self.sessions, self.slots, self.gates, self.graves,
            self.downs,
        )  # fmt: skip
        self.leases = Leases(
            store, books, ring, hosts, self.sessions, self.slots, self.turns, self.graves
        )
        self.outcomes = Outcomes(
            store, books, hosts, self.sessions, self.leases, self.gates, self.graves, self.downs,
            self.turns, self._finds, self.rules, self._add,
        )  # fmt: skip

    def __repr__(self) -> str:
        waiting = sum(self.books.group("waiting").values())
        return (
            f"<{type(self).__name__} {self.books.shown_state()}: {waiting} waiting, "
            f"{sum(self.books.leased)} leased, {len(self.sessions)} sessions>"
        )

    # Transactions.

    @contextmanager
    def batch(self) -> Iterator[None]:
        """One transaction for all calls inside: answers may be sent once it has closed.

        Raises:
            StorageFullError: the disk refuses; no call inside has happened.
        """
        if self._broken is not None and self._depth:
            raise StorageFullError() from self._broken
        if self._stale:
            self._reload()
        self._depth += 1
        try:
            yield
            self._close_batch()
        except SessionGoneError:
            self._close_batch()  # an answer, not a fault: what else the call did stands
            raise
        except BaseException as error:
            self._undo(error)
            raise
        finally:
            self._depth -= 1
            if not self._depth:
                self._broken = None

    def _close_batch(self) -> None:
        if self._depth > 1:
            return
        if self._broken is not None:
            raise StorageFullError() from self._broken
        self.hosts_at_hand.save()
        if self.store.dirty or self.books.changed:
            self.store.commit(*self.books.to_save())
        self.hosts_at_hand.tidy(self.books.now())

    def _undo(self, error: BaseException) -> None:
        if self._broken is None:
            self._broken = error
            self._stale = True
            self.store.rollback()
            self._reload()

    def _reload(self) -> None:
        """Read again what is in memory; where the disk refuses even that, the next call will."""
        try:
            saved = self.store.load()
            self.books.reopen(saved)
            self._restore(saved)
            self._stale = False
        except StorageFullError:
            if self._broken is None:
                raise

    # Restoring.

    def _restore_sessions(self, saved: Saved) -> None:
        now = self.books.now()
        for number, worker in saved.sessions.items():
            if worker.local:
                self.store.drop_session(number)
            else:
                self.sessions.restore(number, worker, now)

    def _restore(self, saved: Saved) -> None:
        now = self.books.now()
        held = {host.id: host.held for host in self.hosts_at_hand if host.held}
        self._clear()
        for number, tasks in saved.waiting:
            self.ring.add(number, tasks)
        self.gates.restore(saved.gates)
        self.downs.restore(saved.down)
        self.turns.restore(saved.suspects)
        for number, slots in held.items():
            host = self.hosts_at_hand.get(number)
            host.held, host.facts.freed_at = slots, now
        self.leases.restore(saved.leases, now)
        for session in self.sessions:
            session.told.clear()
            session.news |= session.hosts

    def _clear(self) -> None:
        self.ring.clear()
        self.sessions.clear()
        self.hosts_at_hand.clear()
        self._places.clear()
        self._finds.clear()

    # Sessions.

    def attach(
        self,
        worker: WorkerInfo,
        tokens_held: Sequence[bytes] = (),
        kinds: Sequence[Kind] = (),
        hard_end_s: float = 180.0,
    ) -> Attached:
        with self.batch():
            now = self.books.now()
            self.reap()
            before, quota = self.sessions.of_worker(worker.name), self.slots.quota()
            session = self.sessions.open(worker, kinds, hard_end_s)
            self.sessions.alive(session.id, now)
            self.store.keep_session(session.id, worker)
            standing = self.leases.adopt(session, before, tokens_held, now)
            if quota != self.slots.quota():
                self.slots.news_everywhere()
            return Attached(session=session.id, standing=standing)

    def detach(self, session: str) -> None:
        self._end(session, lost=False)

    def lost(self, session: str) -> None:
        """End a session whose worker has vanished: a death for each task it held."""
        self._end(session, lost=True)

    def _end(self, session: str, *, lost: bool) -> None:
        with self.batch():
            found = self.sessions.find(session)
            if found is not None:
                self.leases.end(found, self.books.now(), lost=lost)
                self._keep_finds()

    def reap(self) -> None:
        """End sessions that were silent for too long, or sit on a lease past its hard end."""
        now = self.books.now()
        overdue = self.sessions.overdue(now, REAPED)
        if overdue:
            with self.batch():
                for session in overdue:
                    self.leases.end(session, now, lost=True)
                self._keep_finds()

    def _alive(self, session: str, give: Give | None, now: float) -> Session:
        found = self.sessions.find(session)
        if found is not None and found.overdue(now):
            self._end(session, lost=True)
        alive = self.sessions.alive(session, now)
        self.slots.take_back(alive, give, now)
        return alive

    def beat(self, session: str, give: Give | None = None) -> BeatReply:
        with self.batch():
            now = self.books.now()
            found = self._alive(session, give, now)
            grants = self.slots.grants(found, set(), now)
            return BeatReply(state=self.books.shown_state(), grants=grants, seq=self._next())

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

    def _add(self, tasks: Sequence[Task]) -> int:
        fresh = [task for task in self.store.fresh(tasks) if task.kind is not Kind.ROBOTS]
        if not fresh:
            return 0
        origins = [origin_of(task.url) for task in fresh]
        places = self._places_of(origins)
        rows = []
        for task, origin in zip(fresh, origins, strict=True):
            place = places[origin]
            rows.append((task, place.origin))
            self.ring.add(place.host)
        self.store.insert(rows)
        for kind, number in Counter(task.kind for task in fresh).items():
            self.books.count(f"waiting:{kind}", number)
        return len(rows)

    def _places_of(self, origins: Iterable[str]) -> dict[str, Place]:
        if len(self._places) > PLACES:
            self._places.clear()
        unknown = set(origins) - self._places.keys()
        if unknown:
            self._places |= (found := self.store.places(sorted(unknown)))
            for place in found.values():
                self.books.met(place.host)
                self.hosts_at_hand.met(place.host, place.origin)
        return self._places

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
            taken = self.turns.take(found, limit, now) if running and limit > 0 else []
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

    def _keep_finds(self) -> None:
        finds = self._finds
        if finds.records or finds.redirections or finds.sightings or finds.deaths:
            records, size = self.store.keep(finds)
            if records:
                self.books.count("records", records)
                self.books.count("bytes", size)
            finds.clear()

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
