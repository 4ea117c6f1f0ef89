"""Items in SQLite, many queues to a file."""

import sys
from array import array
from collections.abc import Sequence

import apsw

from bowerbird.clock import Clock, SystemClock
from bowerbird.codec import decode, encode
from bowerbird.leases.database import Database
from bowerbird.leases.items import DELAYED, LEASED, WAITING, Entry, Items, Lot, Saved, State
from bowerbird.leases.values import Counts, DeadItem, Terms


def saved_queues(database: Database) -> dict[str, Terms]:
    """The queues that a file holds."""
    return {name: decode(terms, Terms) for _, name, terms in database.read("queues")}


def keep_terms(database: Database, name: str, terms: Terms) -> int:
    """The terms of a queue from now on; answers its number. It is made if it is not there."""
    number: int = database.write("keep_queue", name, encode(terms))[0][0]
    return number


class SqliteItems(Items):
    """One queue of a file. Its caller opens and ends transactions (`Database.batch`)."""

    def __init__(
        self, database: Database, name: str, terms: Terms, clock: Clock | None = None
    ) -> None:
        """Open a queue, which is made if it is not there; its terms are these from now on."""
        self._database = database
        self._clock = clock or SystemClock()
        self._queue = keep_terms(database, name, terms)
        self._known: dict[int, Entry] = {}  # those with a lot
        self._number = 0
        self._ended: dict[bytes, int] = {}  # token -> holder, of the transaction under way
        self._ended_in = 0

    def load(self) -> Saved:
        self._known.clear()
        self._number = self._database.read("last_lot")[0][0]
        lots = [self._lot(*row) for row in self._database.read("lots", self._queue)]
        self._hold_again(lots)
        for lot in lots:
            for entry in lot.entries:
                if entry is not None:
                    entry.lot = lot  # the last one that names it
        for entry in self._known.values():
            if entry.lot is not None:
                entry.lot.open += 1
        return Saved(self._counts(), [lot for lot in lots if lot.open])

    def _hold_again(self, lots: Sequence[Lot]) -> None:
        """A lot whose end has been rolled back is still its holder's."""
        for lot in lots:
            lot.holder = self._ended.get(lot.token, 0)
        self._ended.clear()

    def _counts(self) -> Counts:
        by_state: dict[int, int] = dict(self._database.read("count", self._queue))
        return Counts(
            by_state.get(WAITING, 0),
            by_state.get(DELAYED, 0),
            by_state.get(LEASED, 0),
            self._database.read("count_dead", self._queue)[0][0],
        )

    def _lot(self, token: bytes, lease_s: float, packed: bytes) -> Lot:
        ids = _unpacked(packed)
        for id, rank, state, attempts in self._database.read("named", apsw.carray(ids)):
            entry = self._known.setdefault(id, Entry(id, b"", -rank, State(state)))
            entry.attempts = attempts
        return Lot(token, [self._known.get(id) for id in ids], lease_s)

    def add(self, items: Sequence[bytes], priority: int, in_s: float) -> None:
        state, due_at = self._placed(in_s)
        rows = [(self._queue, -priority, state, due_at, item) for item in items]
        self._database.write_all("add", rows)

    def _placed(self, in_s: float) -> tuple[int, float | None]:
        if in_s > 0:
            return int(DELAYED), self._clock.wall_s() + in_s
        return int(WAITING), None

    def take(self, limit: int) -> tuple[list[Entry], list[bytes]]:
        rows = self._database.read("take", self._queue, limit)
        return [self._entry(*row[:3]) for row in rows], [row[3] for row in rows]

    def _entry(self, id: int, rank: int, attempts: int) -> Entry:
        entry = self._known.get(id)
        if entry is None:
            entry = self._known[id] = Entry(id, b"", -rank, WAITING)
            entry.attempts = attempts
        return entry

    def untake(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.lot is None:
                del self._known[entry.id]

    def lend(self, lot: Lot) -> None:
        self._number += 1
        ids = array("q", [entry.id for entry in lot.entries if entry is not None])
        self._database.write("mark_leased", apsw.carray(ids))
        packed = _packed(ids)
        self._database.write("add_lot", lot.token, self._queue, self._number, lot.lease_s, packed)

    def end(self, lot: Lot) -> None:
        if self._ended_in != self._database.commits:
            self._ended_in = self._database.commits
            self._ended.clear()
        self._ended[lot.token] = lot.holder
        self._database.write("drop_lot", lot.token)

    def back(self, entry: Entry, in_s: float) -> None:
        self._database.write("back", *self._back_row(entry, in_s))

    def _back_row(self, entry: Entry, in_s: float) -> tuple[int, int, float | None, int]:
        state, due_at = self._placed(in_s)
        return state, entry.attempts, due_at, entry.id

    def remove(self, entries: Sequence[Entry]) -> None:
        if entries:
            ids = array("q", [entry.id for entry in entries])
            self._database.write("remove", apsw.carray(ids))
            for id in ids:
                self._known.pop(id, None)

    def bury(self, entry: Entry, why: str) -> None:
        self._database.write("bury", why, self._clock.wall_s(), entry.id)
        self.remove((entry,))

    def ripen(self) -> int:
        due_at = self._database.read("next_due", self._queue)[0][0]
        if due_at is None or due_at > self._clock.wall_s():
            return 0
        ripe = self._database.write("ripe", self._queue, self._clock.wall_s())
        for (id,) in ripe:
            if id in self._known:
                self._known[id].state = WAITING
        return len(ripe)

    def next_in_s(self) -> float | None:
        due_at = self._database.read("next_due", self._queue)[0][0]
        return None if due_at is None else due_at - self._clock.wall_s()

    def dead(self, after: int, limit: int) -> list[DeadItem]:
        return [DeadItem(*row) for row in self._database.read("dead", self._queue, after, limit)]

    def revive(self, ids: Sequence[int] | None) -> int:
        graves = self._graves(ids)
        if graves:
            self._database.write("revive", apsw.carray(graves))
            self._database.write("forget", apsw.carray(graves))
        return len(graves)

    def forget(self, ids: Sequence[int] | None) -> int:
        graves = self._graves(ids)
        if graves:
            self._database.write("forget", apsw.carray(graves))
        return len(graves)

    def _graves(self, ids: Sequence[int] | None) -> "array[int]":
        if ids is None:
            rows = self._database.read("dead_ids", self._queue)
        else:
            wanted = apsw.carray(array("q", ids))
            rows = self._database.read("dead_named", self._queue, wanted) if ids else []
        return array("q", [row[0] for row in rows])


def _packed(ids: "array[int]") -> bytes:
    if sys.byteorder == "big":
        ids.byteswap()
    return ids.tobytes()


def _unpacked(data: bytes) -> "array[int]":
    ids = array("q")
    ids.frombytes(data)
    if sys.byteorder == "big":
        ids.byteswap()
    return ids
