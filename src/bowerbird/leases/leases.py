"""The rules of leasing, whatever the items lie in. Called from one thread; never blocks."""

import os
from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
from itertools import accumulate, takewhile

from bowerbird.clock import Clock, SystemClock
from bowerbird.leases.items import DELAYED, GONE, LEASED, WAITING, Entry, Items, Lot
from bowerbird.leases.values import Counts, DeadItem, Given, Terms, Ticket, Verb

#: Reasons of deaths that nobody gave.
EXPIRED, LOST = "lease-expired", "client-gone"
#: Leases that one `tend` takes back at most: what is left has its turn with the next.
TEND_MOST = 1_000

#: Bytes of the items that are given at once; an item alone may be larger.
BYTES_MOST = 8 << 20
#: Ends of leases that are kept in vain, beside as many as there are leases.
STALE_MOST = 1_000


class Leases:
    """Items, lent under tokens until they are settled.

    A token is compared with an item's last one only: while nobody else was given the item, a late
    word about it still counts, also after its lease time; any other word is refused and
    changes nothing. An item is given at least once, and after `terms.attempts` times it is dead.
    """

    def __init__(
        self, items: Items, terms: Terms | None = None, clock: Clock | None = None
    ) -> None:
        self.terms = terms or Terms()  #: may be replaced at any time
        self._items = items
        self._clock = clock or SystemClock()
        self._counts = Counts()
        self._lots: dict[bytes, Lot] = {}
        self._held: dict[int, dict[bytes, Lot]] = {}
        self._ends: list[tuple[float, bytes]] = []  # a heap; a lot's own moment holds
        self.reload()

    def reload(self) -> None:
        """Take what is kept for what is so: at the start, and after a rollback. Leases stand,
        each for its whole time from now on."""
        before, self._lots, self._held, self._ends = self._lots, {}, {}, []
        self._counts, lots = self._items.load()
        for lot in lots:
            old = before.get(lot.token)
            self._lend(lot, old.holder if old else lot.holder)

    def __repr__(self) -> str:
        return f"<Leases {self._counts}>"

    @property
    def counts(self) -> Counts:
        """How many items there are."""
        return self._counts

    @property
    def room(self) -> int | None:
        """How many items more may wait; None: any number."""
        if not self.terms.maxsize:
            return None
        return max(0, self.terms.maxsize - self._counts.waiting - self._counts.delayed)

    # Items come and are given.

    def put(self, items: Sequence[bytes], *, priority: int = 0, in_s: float = 0.0) -> int:
        """Keep items, the first of them where there is no room for all; answers how many.

        `priority`: the higher are given first. `in_s`: none of them is given before.
        """
        room = self.room
        if room is not None and room < len(items):
            items = items[:room]
        if items:
            self._items.add(items, priority, in_s)
            if in_s > 0:
                self._counts.delayed += len(items)
            else:
                self._counts.waiting += len(items)
        return len(items)

    def take(self, limit: int, lease_s: float | None = None, holder: int = 0) -> Given | None:
        """Lend items, of `BYTES_MOST` or one, for `lease_s` at most; None where none waits.

        `holder` is who takes them, for `lost`; 0: nobody whose end will be told.
        """
        if not self._counts.waiting or limit < 1:
            return None
        entries, items = self._take(limit)
        token = os.urandom(8)
        lot = Lot(token, entries, self.terms.lease_s if lease_s is None else lease_s)
        attempts = self._lease(entries, lot)
        self._counts.waiting -= len(entries)
        self._counts.leased += len(entries)
        self._items.lend(lot)
        self._lend(lot, holder)
        return Given(token, items, attempts)

    def _take(self, limit: int) -> tuple[list[Entry], list[bytes]]:
        entries, items = self._items.take(limit)
        if sum(map(len, items)) > BYTES_MOST:
            number = _that_fit(items)
            self._items.untake(entries[number:])
            del entries[number:], items[number:]
        return entries, items

    def _lease(self, entries: Sequence[Entry], lot: Lot) -> list[int]:
        """Their attempts. What is done for each item is kept short here and in `_finish`."""
        attempts = []
        for entry in entries:
            if entry.lot is not None:
                self._leave(entry.lot, 1)
            entry.lot = lot
            entry.state = LEASED
            entry.attempts += 1
            attempts.append(entry.attempts)
        lot.open = len(entries)
        return attempts

    def _lend(self, lot: Lot, holder: int) -> None:
        lot.holder = holder
        lot.until_s = self._clock.now_s() + lot.lease_s
        self._lots[lot.token] = lot
        self._mark_end(lot)
        if holder:
            self._held.setdefault(holder, {})[lot.token] = lot

    def _mark_end(self, lot: Lot) -> None:
        heappush(self._ends, (lot.until_s, lot.token))
        if len(self._ends) > 2 * len(self._lots) + STALE_MOST:  # most are settled long before
            self._ends = [end for end in self._ends if not self._is_idle(*end)]
            heapify(self._ends)

    def _leave(self, lot: Lot, number: int) -> None:
        """So many entries have another last lot now, or none."""
        lot.open -= number
        if lot.open == 0:
            del self._lots[lot.token]
            self._release(lot)
            self._items.end(lot)

    def _release(self, lot: Lot) -> None:
        held = self._held.get(lot.holder)
        if held is not None:
            held.pop(lot.token, None)
            if not held:
                del self._held[lot.holder]

    # Leases are settled.

    def settle(
        self,
        tickets: Iterable[Ticket],
        verb: Verb = Verb.DONE,
        *,
        in_s: float | None = None,
        why: str = "",
    ) -> int:
        """Say what became of items; answers for how many it counted.

        `in_s`: when a retry or a release is given again; None: as the terms have it, or at once.
        """
        return sum(self._settle(ticket, verb, in_s, why) for ticket in tickets)

    def _settle(self, ticket: Ticket, verb: Verb, in_s: float | None, why: str) -> int:
        lot = self._lots.get(ticket.token)
        if lot is None:
            return 0
        entries = self._named(lot, ticket.places)
        if verb is Verb.DONE:
            self._finish(entries, lot)
        else:
            for entry in entries:
                self._unfinish(entry, verb, in_s, why)
        return len(entries)

    def _named(self, lot: Lot, places: Sequence[int] | None) -> list[Entry]:
        """The entries of a lot that are still its own."""
        entries = lot.entries
        if places is None:
            return [one for one in entries if one is not None and one.lot is lot]
        within = (entries[place] for place in dict.fromkeys(places) if 0 <= place < len(entries))
        return [one for one in within if one is not None and one.lot is lot]

    def _finish(self, entries: Sequence[Entry], lot: Lot) -> None:
        self._items.remove(entries)
        late = [entry for entry in entries if entry.state is not LEASED]
        for entry in late:
            self._uncount(entry)
        self._counts.leased -= len(entries) - len(late)
        for entry in entries:
            entry.state = GONE
            entry.lot = None
        if entries:
            self._leave(lot, len(entries))

    def _uncount(self, entry: Entry) -> None:
        if entry.state is LEASED:
            self._counts.leased -= 1
        elif entry.state is WAITING:
            self._counts.waiting -= 1
        else:
            self._counts.delayed -= 1

    def _unfinish(self, entry: Entry, verb: Verb, in_s: float | None, why: str) -> None:
        if verb is Verb.DEAD:
            self._bury(entry, why)
        elif entry.state is not LEASED:
            return  # its lease was over: it waits again already
        elif verb is Verb.RELEASED:
            entry.attempts -= 1
            self._back(entry, in_s or 0.0)
        else:
            self._retry(entry, in_s, why)

    def _retry(self, entry: Entry, in_s: float | None, why: str) -> None:
        if 0 < self.terms.attempts <= entry.attempts:
            self._bury(entry, why)
        else:
            self._back(entry, self.terms.retry_in_s(entry.attempts) if in_s is None else in_s)

    def _back(self, entry: Entry, in_s: float) -> None:
        self._counts.leased -= 1
        if in_s > 0:
            self._counts.delayed += 1
            entry.state = DELAYED
        else:
            self._counts.waiting += 1
            entry.state = WAITING
        self._items.back(entry, in_s)

    def _bury(self, entry: Entry, why: str) -> None:
        self._items.bury(entry, why)
        self._uncount(entry)
        self._counts.dead += 1
        entry.state = GONE
        lot, entry.lot = entry.lot, None
        if lot is not None:
            self._leave(lot, 1)

    def renew(self, tickets: Iterable[Ticket], lease_s: float | None = None) -> int:
        """Lease times begin anew, of whole lots; answers how many items are still leased."""
        return sum(self._renew(ticket, lease_s) for ticket in tickets)

    def _renew(self, ticket: Ticket, lease_s: float | None) -> int:
        lot = self._lots.get(ticket.token)
        if lot is None:
            return 0
        named = self._named(lot, ticket.places)
        leased = sum(entry.state is LEASED for entry in named)
        if leased:
            lot.until_s = self._clock.now_s() + (lot.lease_s if lease_s is None else lease_s)
            self._mark_end(lot)
        return leased

    # Leases end by themselves.

    def lost(self, holder: int) -> bool:
        """A holder is gone: what it held goes to the next. Answers whether it held something."""
        held = self._held.pop(holder, {})
        for lot in held.values():
            self._end(lot, LOST)
        return bool(held)

    def tend(self) -> None:
        """Take back what is past its lease time; let delayed items wait whose moment has come."""
        now_s = self._clock.now_s()
        for _ in range(TEND_MOST):
            if not self._ends or self._ends[0][0] > now_s:
                break
            until_s, token = heappop(self._ends)
            lot = self._lots.get(token)
            if lot is not None and lot.until_s == until_s:
                self._release(lot)
                self._end(lot, EXPIRED)
        if self._counts.delayed:
            ripe = self._items.ripen()
            self._counts.delayed -= ripe
            self._counts.waiting += ripe

    def _end(self, lot: Lot, why: str) -> None:
        for entry in self._named(lot, None):
            if entry.state is LEASED:
                self._retry(entry, 0.0, why)

    def next_in_s(self) -> float | None:
        """When `tend` has something to do; None: not before something else happens."""
        while self._ends and self._is_idle(*self._ends[0]):
            heappop(self._ends)
        dues = [self._ends[0][0] - self._clock.now_s()] if self._ends else []
        ripe = self._items.next_in_s() if self._counts.delayed else None
        if ripe is not None:
            dues.append(ripe)
        return max(0.0, min(dues)) if dues else None

    def _is_idle(self, until_s: float, token: bytes) -> bool:
        lot = self._lots.get(token)
        return lot is None or lot.until_s != until_s

    # The dead.

    def dead(self, after: int = 0, limit: int = 100) -> list[DeadItem]:
        """Dead items with an id above `after`, in the order of their ids."""
        return self._items.dead(after, limit)

    def requeue(self, ids: Sequence[int] | None = None) -> int:
        """Let dead items (None: all) be given again, as if they had just been put: how many."""
        number = self._items.revive(ids)
        self._counts.dead -= number
        self._counts.waiting += number
        return number

    def forget(self, ids: Sequence[int] | None = None) -> int:
        """Forget dead items (None: all): how many."""
        number = self._items.forget(ids)
        self._counts.dead -= number
        return number


def _that_fit(items: Sequence[bytes]) -> int:
    """How many of the first are small enough to be given at once; one always is."""
    sizes = accumulate(map(len, items))
    return max(1, sum(1 for _ in takewhile(lambda size: size <= BYTES_MOST, sizes)))
