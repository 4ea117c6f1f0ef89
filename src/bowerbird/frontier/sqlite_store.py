"""What of a frontier is persistent, in SQLite."""

import json
import os
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import apsw

from bowerbird.catalog import CatalogReader, CatalogWriter
from bowerbird.codec import decode, encode
from bowerbird.frontier.database import in_our_words, mapped_errors
from bowerbird.frontier.rows import Row, entry_of, fingerprint, numbers, row_of
from bowerbird.frontier.statements import statements
from bowerbird.frontier.tasks import (
    NUMBER,
    Entry,
    Finds,
    HostFacts,
    Mark,
    OriginFacts,
    Place,
    Range,
    Saved,
    TaskStore,
    is_suspect,
)
from bowerbird.model import Filter, Results, Task, WorkerInfo
from bowerbird.urls import host_of_origin, origin_of

#: Columns of a task in every statement that answers tasks.
TASK_COLUMNS = 11


class SqliteStore(TaskStore):
    """Tasks in tables. A transaction begins with the first write and ends with `commit`."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._sql = statements()
        self._writer, self._reader = CatalogWriter(connection), CatalogReader(connection)
        self._begun = False
        self._last = 0
        self._key = b""

    # Transactions.

    @property
    def dirty(self) -> bool:
        return self._begun

    def load(self) -> Saved:
        values: dict[str, str] = dict(self._read("values"))
        self._key = bytes.fromhex(values.get("key", "")) or self._new_key()
        self._last = self._read("last")[0][0]
        return Saved(
            values=values,
            counters=dict(self._read("counters")),
            sessions={number: decode(data, WorkerInfo) for number, data in self._read("sessions")},
            leases=self._leases(),
            gates=self._gates(),
            waiting=self._read("waiting"),
            down=[row[0] for row in self._read("down")],
            suspects=self._read("count_suspects")[0][0],
        )

    def _new_key(self) -> bytes:
        key = os.urandom(16)
        self._write("set_value", ("key", key.hex()))
        return key

    def _leases(self) -> list[Entry]:
        found = []
        for row in self._read("leases"):
            origin, host, token, session, alone, mark = row[TASK_COLUMNS:]
            entry = entry_of(row[:TASK_COLUMNS], origin, host)
            # Local sessions are gone after a restart: the mark tells their leases from strays.
            entry.token, entry.alone = token, bool(alone)
            entry.session = (session or "?") if mark == Mark.LEASED else ""
            found.append(entry)
        return found

    def _gates(self) -> dict[int, int]:
        places = ((self.place(origin_of(first)), task) for task, first in self._read("gates"))
        return {place.origin: task for place, task in places}

    def commit(self, counters: Mapping[str, int], values: Mapping[str, str]) -> None:
        self._write_all("set_counter", list(counters.items()))
        self._write_all("set_value", list(values.items()))
        if self._begun:
            with mapped_errors():
                self._connection.execute("COMMIT")
            self._begun = False

    def rollback(self) -> None:
        self._begun = False
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close(True)

    def _begin(self) -> None:
        if not self._begun:
            with mapped_errors():
                if not self._connection.in_transaction:
                    self._connection.execute("BEGIN IMMEDIATE")
            self._begun = True

    def _read(self, name: str, values: Sequence[Any] = ()) -> list[Row]:
        # Not `mapped_errors`: a context manager costs as much as the statement.
        try:
            return self._connection.execute(self._sql[name], values).fetchall()
        except apsw.Error as error:
            raise in_our_words(error) from error

    def _write(self, name: str, values: Sequence[Any]) -> list[Row]:
        self._begin()
        return self._read(name, values)

    def _write_all(self, name: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            self._begin()
            with mapped_errors():
                self._connection.executemany(self._sql[name], rows)

    # Names.

    def place(self, origin: str) -> Place:
        rows = self._read("place", (origin,))
        if rows:
            return Place(*rows[0])
        name = host_of_origin(origin)
        host = self.host_number(name) or self._write("new_host", (name,))[0][0]
        return Place(self._write("new_origin", (host, origin))[0][0], host)

    def known_places(self, origins: Collection[str]) -> dict[str, Place]:
        wanted = apsw.carray(tuple(origins))
        return {name: Place(origin, host) for name, origin, host in self._read("places", (wanted,))}

    def host_number(self, name: str) -> int:
        rows = self._read("host_number", (name,))
        return int(rows[0][0]) if rows else 0

    def host(self, number: int) -> HostFacts:
        row = self._read("host", (number,))[0]
        facts = HostFacts(**dict(zip(_HOST, row, strict=True)))
        facts.answered, facts.condemned = bool(facts.answered), bool(facts.condemned)
        return facts

    def origins(self, host: int) -> list[OriginFacts]:
        rows = self._read("origins", (host,))
        return [OriginFacts(**dict(zip(_ORIGIN, row, strict=True))) for row in rows]

    def keep_hosts(self, hosts: Sequence[HostFacts]) -> None:
        self._write_all("keep_host", [_host_row(facts) for facts in hosts])

    def keep_origin(self, origin: OriginFacts, text: str) -> None:
        row = (origin.verdict, origin.reason, origin.judged_at, origin.id)
        self._write("keep_origin", row)
        if text:
            self._write("keep_robots", (origin.id, text))
        else:
            self._write("drop_robots", (origin.id,))

    def robots_text(self, origin: int) -> str:
        rows = self._read("robots", (origin,))
        return str(rows[0][0]) if rows else ""

    # Tasks.

    def fresh(self, tasks: Sequence[tuple[Task, Place]]) -> list[tuple[Task, Place]]:
        found: dict[bytes, tuple[Task, Place]] = {}
        for pair in tasks:
            found.setdefault(fingerprint(pair[0].url, pair[1].origin, self._key), pair)
        if not found:
            return []
        new = {row[0] for row in self._write("fresh", (apsw.carray(tuple(found)),))}
        return [pair for key, pair in found.items() if key in new]

    def insert(self, tasks: Sequence[tuple[Task, int]]) -> int:
        first = self._last + 1
        self._last += len(tasks)
        rows = [row_of(first + n, task, origin) for n, (task, origin) in enumerate(tasks)]
        self._write_all("insert", rows)
        return self._last

    def take(self, place: Place, ranges: Sequence[Range], limit: int) -> list[Entry]:
        found: list[Entry] = []
        for low, high in ranges:
            if len(found) < limit:
                rows = self._read("take", (place.origin, low, high, limit - len(found)))
                found += [entry_of(row, place.origin, place.host) for row in rows]
        return found

    def suspects(self, limit: int) -> list[Entry]:
        rows = self._read("suspects", (limit,))
        return [entry_of(row[:TASK_COLUMNS], *row[TASK_COLUMNS:]) for row in rows]

    def lease(self, entries: Sequence[Entry]) -> None:
        self._write_numbers("mark_leased", entries)
        rows = [(entry.id, entry.token, entry.session, entry.alone) for entry in entries]
        self._write_all("hold", rows)

    def settle(self, entries: Sequence[Entry], mark: Mark, reason: str = "") -> None:
        if entries:
            tasks = apsw.carray(numbers(entries))
            if mark is Mark.DEAD:
                self._write("kill", (reason, tasks))
            else:
                self._write("settle", (int(mark), tasks))
            self._write_numbers("spend", entries)

    def delay(self, entries: Sequence[tuple[Entry, float]]) -> None:
        self._write_all("delay", [(due, entry.attempts, entry.id) for entry, due in entries])
        self._write_numbers("spend", [entry for entry, _ in entries])

    def back(self, entries: Sequence[Entry], *, spent: bool) -> None:
        rows = [(_mark_of(one), one.deaths, one.crashes, one.id) for one in entries]
        self._write_all("back", rows)
        self._write_numbers("spend" if spent else "release", entries)

    def drop(self, entries: Sequence[Entry]) -> None:
        self._write_numbers("drop", entries)
        self._write_numbers("spend", entries)

    def _write_numbers(self, name: str, entries: Sequence[Entry]) -> None:
        if entries:
            self._write(name, (apsw.carray(numbers(entries)),))

    def ripe(self, now: float, limit: int) -> list[tuple[int, bool]]:
        rows = self._read("ripe", (now, limit))
        if rows:
            self._write("wake", (apsw.carray(array("q", [row[0] for row in rows])),))
        return [(host, bool(suspect)) for _, host, suspect in rows]

    def next_due(self) -> float | None:
        due: float | None = self._read("next_due")[0][0]
        return due

    def revive(self, which: Filter, limit: int) -> list[tuple[int, int, str]]:
        kinds = json.dumps([NUMBER[kind] for kind in which.kinds]) if which.kinds else None
        wanted = (which.host or None, which.reason or None, kinds, which.url or None, limit)
        rows = self._read("dead", wanted)
        if rows:
            self._write("revive", (apsw.carray(array("q", [row[0] for row in rows])),))
            with mapped_errors():
                self._writer.forget_deaths(row[4] for row in rows)
        return [row[1:4] for row in rows]

    def renew(self, urls: Sequence[str]) -> list[tuple[int, int]]:
        rows = self._read("done", (apsw.carray(tuple(urls)),)) if urls else []
        if rows:
            self._write("revive", (apsw.carray(array("q", [row[0] for row in rows])),))
        return [row[1:3] for row in rows]

    # Sessions.

    def keep_session(self, session: str, worker: WorkerInfo) -> None:
        self._write("keep_session", (session, encode(worker)))

    def drop_session(self, session: str) -> None:
        self._write("drop_session", (session,))

    # Results.

    def keep(self, finds: Finds) -> tuple[int, int]:
        self._begin()
        with mapped_errors():
            added = self._writer.add(
                finds.records, finds.redirections, finds.sightings, finds.deaths
            )
        return added.new_records, added.new_bytes

    def forget(self, final_urls: Sequence[str]) -> tuple[int, int]:
        self._begin()
        with mapped_errors():
            gone = self._writer.forget_records(final_urls)
        return gone.new_records, gone.new_bytes

    def pages_of(self, image_urls: Sequence[str]) -> list[str]:
        with mapped_errors():
            return self._reader.pages_of(image_urls)

    def results(self, cursor: str, limit: int) -> Results:
        with mapped_errors():
            return self._reader.results(cursor, limit)

    # Care.

    def census(self) -> Iterable[tuple[int, int, Mark, int]]:
        rows = self._read("census")
        return [(host, kind, Mark(mark), number) for host, kind, mark, number in rows]

    def faults(self) -> list[str]:
        faults = [row[0] for row in self._read("integrity") if row[0] != "ok"]
        lost, stray = self._read("strays")[0]
        if lost:
            faults.append(f"{lost} leased tasks have no lease")
        if stray:
            faults.append(f"{stray} leases have no task that is unfinished")
        return faults


_HOST = HostFacts.__struct_fields__
_ORIGIN = OriginFacts.__struct_fields__


def _mark_of(entry: Entry) -> int:
    return Mark.SUSPECT if is_suspect(entry) else Mark.WAITING


def _host_row(facts: HostFacts) -> Row:
    return (
        facts.delay_s,
        facts.crawl_delay_s,
        facts.hold_until,
        facts.freed_at,
        facts.failures,
        facts.down_at,
        facts.probes,
        facts.answered,
        facts.condemned,
        facts.done,
        facts.dead,
        facts.id,
    )
