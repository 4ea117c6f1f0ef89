"""What a local frontier is made of, and the one gate through which it changes anything.

A call that the store cannot carry out is undone as a whole, with every other call of its batch:
what is in memory is then read again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from bowerbird.clock import Clock, SystemClock
from bowerbird.errors import SessionGoneError, StorageFullError
from bowerbird.frontier.base import ORIGINS, SESSION_DEADLINE_S
from bowerbird.frontier.books import Books
from bowerbird.frontier.downs import Downs
from bowerbird.frontier.gates import Gates
from bowerbird.frontier.graves import Graves
from bowerbird.frontier.hosts import Hosts
from bowerbird.frontier.leases import Leases
from bowerbird.frontier.outcomes import Outcomes
from bowerbird.frontier.rules import Rules
from bowerbird.frontier.shared import Shared
from bowerbird.frontier.slots import LOST_S, Slots
from bowerbird.frontier.tasks import Place, Saved, TaskStore
from bowerbird.frontier.turns import Turns
from bowerbird.model import Kind, Task
from bowerbird.urls import origin_of

#: Origins whose numbers are kept at hand, in 140 bytes each: long lists visit them by turns.
PLACES = 131_072


class Core:
    """The parts of a local frontier, put together, and the transactions they share."""

    def __init__(self, store: TaskStore, rules: Rules, clock: Clock | None = None) -> None:
        """Take up what `store` remembers; raises what it raises."""
        self.rules, self.store = rules, store
        self.books = Books(clock or SystemClock(), rules)
        self.hosts_at_hand = Hosts(store, rules)
        shared = Shared(store, rules, self.books, self.hosts_at_hand)
        self.ring, self.sessions, self._finds = shared.ring, shared.sessions, shared.finds
        self._places: dict[str, Place] = {}
        self._depth, self._seq = 0, 0
        self._cut_off_s = float("-inf")  # until when silent sessions may have been cut off
        self._broken: BaseException | None = None
        self._stale = False  #: what is in memory is not what the store has
        self._assemble(shared)
        saved = store.load()
        self.books.open(saved)
        with self.batch():
            self._restore_sessions(saved)
            self._restore(saved)

    def _assemble(self, shared: Shared) -> None:
        graves = Graves(shared)
        self.slots, self.gates, self.downs = Slots(shared), Gates(shared), Downs(shared)
        self.turns = Turns(shared, self.slots, self.gates, graves, self.downs)
        self.leases = Leases(shared, self.slots, self.turns, graves)
        self.outcomes = Outcomes(shared, self.turns, self.leases, self.gates, self.downs, self._add)

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
        self.slots.keep()
        self.hosts_at_hand.tidy(self.books.now())

    def _undo(self, error: BaseException) -> None:
        if self._broken is None:
            self._broken = error
            self._stale = True
            self.store.rollback()
            self.slots.undo()
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
        busy = [host for host in self.hosts_at_hand if host.held or host.cooling]
        self._clear()
        for number, tasks in saved.waiting:
            self.ring.add(number, tasks)
        self.gates.restore(saved.gates)
        self.downs.restore(saved.down)
        self.turns.restore(saved.suspects)
        for before in busy:
            number = self.store.host_number(before.facts.name)
            if number:  # else it was met in what is undone: nobody was told of a slot
                host = self.hosts_at_hand.get(number)
                host.held, host.cooling = before.held, before.cooling
                host.facts.freed_at = max([now, *before.cooling])
                self.hosts_at_hand.leave(host)
        self.leases.restore(saved.leases, now)
        for session in self.sessions:
            session.told.clear()
            session.news |= session.hosts

    def rest(self) -> None:
        """The machine was down, and may have forgotten to whom it gave hosts last: nobody is given
        one before they have stopped. Most machines take longer to start."""
        self.slots.settled = self.books.booted() + SESSION_DEADLINE_S + LOST_S

    def _clear(self) -> None:
        self.ring.clear()
        self.sessions.clear()
        self.hosts_at_hand.clear()
        self._places.clear()
        self._finds.clear()

    # What every door needs.

    def _add(self, tasks: Sequence[Task]) -> int:
        tasks = [task for task in tasks if task.kind is not Kind.ROBOTS]  # those it makes itself
        fresh = self._bounded(self.store.fresh(self._placed(tasks)))
        if fresh:
            self.store.insert([(task, place.origin) for task, place in fresh])
        for _, place in fresh:
            self.ring.add(place.host)
        for kind, number in Counter(task.kind for task, _ in fresh).items():
            self.books.count(f"waiting:{kind}", number)
        return len(fresh)

    def _placed(self, tasks: Sequence[Task]) -> list[tuple[Task, Place]]:
        """Without tasks of further origins of hosts that have too many."""
        origins = [origin_of(task.url) for task in tasks]
        places = self._places_of(origins)
        placed = []
        for task, origin in zip(tasks, origins, strict=True):
            if origin in places:
                placed.append((task, places[origin]))
            else:
                self.books.count_trap("host-origins", task.url)
        return placed

    def _bounded(self, fresh: list[tuple[Task, Place]]) -> list[tuple[Task, Place]]:
        """Without the documents of hosts that have named too many; images are welcome."""
        most = self.rules.max_host_urls
        if not most or self.books.tasks() + sum(self.books.leased) + len(fresh) <= most:
            return fresh
        room = {place.host: most - self._known_of(place.host) for _, place in fresh}
        kept = []
        for task, place in fresh:
            room[place.host] -= 1
            if room[place.host] >= 0 or task.kind is Kind.IMAGE:
                kept.append((task, place))
            else:
                self.books.count_trap("host-urls", task.url)
        return kept

    def _known_of(self, number: int) -> int:
        """How many tasks a host has or had."""
        host = self.hosts_at_hand.peek(number)
        return self.ring.count(number) + host.leased + host.facts.done + host.facts.dead

    def _places_of(self, origins: Iterable[str]) -> dict[str, Place]:
        """Those that are known; new origins of hosts that have named too many are not."""
        if len(self._places) > PLACES:
            self._places.clear()
        unknown = [name for name in dict.fromkeys(origins) if name not in self._places]
        if unknown:
            self._places |= (found := self.store.places(unknown, ORIGINS))
            for place in found.values():
                self.books.met(place.host)
                self.hosts_at_hand.met(place.host, place.origin)
        return self._places

    def _keep_finds(self) -> None:
        finds = self._finds
        if finds.records or finds.redirections or finds.sightings or finds.deaths:
            records, size = self.store.keep(finds)
            if records:
                self.books.count("records", records)
                self.books.count("bytes", size)
            finds.clear()
