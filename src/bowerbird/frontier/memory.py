"""The frontier in memory: the reference that every other back end is compared with."""

import heapq
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from bowerbird.clock import Clock
from bowerbird.errors import FrontierError
from bowerbird.frontier.local import LocalFrontier
from bowerbird.frontier.rules import Rules
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
from bowerbird.model import Death, Filter, Record, Redirection, Results, Sighting, Task, WorkerInfo
from bowerbird.urls import host_of_origin

T = TypeVar("T")

#: Sightings kept of one image, as the catalog does.
SIGHTINGS = 100


class MemoryFrontier(LocalFrontier):
    """A frontier that is gone with its process; for tests and small programs."""

    def __init__(self, rules: Rules | None = None, clock: Clock | None = None) -> None:
        super().__init__(MemoryStore(), rules or Rules(), clock)


class _Row:
    """A task."""

    __slots__ = ("due", "entry", "mark", "reason")

    def __init__(self, entry: Entry) -> None:
        self.entry, self.mark, self.reason, self.due = entry, Mark.WAITING, "", 0.0


class MemoryStore(TaskStore):
    """Tasks in dictionaries. It cannot fail, so it need not roll back."""

    def __init__(self) -> None:
        self._rows: dict[int, _Row] = {}
        self._ready: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        self._seen: set[str] = set()
        self._hosts: list[HostFacts] = [HostFacts(id=0, name="")]
        self._host_numbers: dict[str, int] = {}
        self._origins: dict[str, OriginFacts] = {}
        self._places: dict[str, Place] = {}
        self._lanes: defaultdict[int, list[OriginFacts]] = defaultdict(list)
        self._texts: dict[int, str] = {}
        self._last = 0
        self._catalog = _Catalog()

    # Transactions.

    @property
    def dirty(self) -> bool:
        return False

    def load(self) -> Saved:
        if self._last:
            raise FrontierError("A frontier in memory cannot be taken up again.")
        return Saved(values={}, counters={}, sessions={}, leases=[], gates={}, waiting=[], down=[])

    def commit(self, counters: Mapping[str, int], values: Mapping[str, str]) -> None:
        """Nothing to do."""

    def rollback(self) -> None:
        """Nothing can be undone: `load` says so."""

    def close(self) -> None:
        """Nothing to let go of."""

    # Names.

    def place(self, origin: str) -> Place:
        if origin not in self._places:
            host = self._new_host(host_of_origin(origin))
            facts = OriginFacts(id=len(self._origins) + 1, name=origin)
            self._origins[origin] = facts
            self._lanes[host].append(facts)
            self._places[origin] = Place(facts.id, host)
        return self._places[origin]

    def known_places(self, origins: Collection[str]) -> dict[str, Place]:
        return {name: self._places[name] for name in origins if name in self._places}

    def _new_host(self, name: str) -> int:
        if name not in self._host_numbers:
            self._host_numbers[name] = len(self._hosts)
            self._hosts.append(HostFacts(id=len(self._hosts), name=name))
        return self._host_numbers[name]

    def host_number(self, name: str) -> int:
        return self._host_numbers.get(name, 0)

    def host(self, number: int) -> HostFacts:
        return msgspec.structs.replace(self._hosts[number])

    def origins(self, host: int) -> list[OriginFacts]:
        return [msgspec.structs.replace(facts) for facts in self._lanes[host]]

    def keep_hosts(self, hosts: Sequence[HostFacts]) -> None:
        for facts in hosts:
            self._hosts[facts.id] = msgspec.structs.replace(facts)

    def keep_origin(self, origin: OriginFacts, text: str) -> None:
        lanes = self._lanes[self._places[origin.name].host]
        kept = next(lane for lane in lanes if lane.id == origin.id)
        kept.verdict, kept.reason, kept.judged_at = origin.verdict, origin.reason, origin.judged_at
        self._texts[origin.id] = text

    def robots_text(self, origin: int) -> str:
        return self._texts.get(origin, "")

    # Tasks.

    def fresh(self, tasks: Sequence[tuple[Task, Place]]) -> list[tuple[Task, Place]]:
        found = []
        for task, place in tasks:
            if task.url not in self._seen:
                self._seen.add(task.url)
                found.append((task, place))
        return found

    def insert(self, tasks: Sequence[tuple[Task, int]]) -> int:
        hosts = {place.origin: place.host for place in self._places.values()}
        for task, origin in tasks:
            self._last += 1
            entry = Entry(
                id=self._last, task=task, kind=NUMBER[task.kind], origin=origin, host=hosts[origin]
            )
            self._rows[entry.id] = _Row(entry)
            heapq.heappush(self._ready[origin], entry.order)
        return self._last

    def take(self, place: Place, ranges: Sequence[Range], limit: int) -> list[Entry]:
        found: list[Entry] = []
        for priority, number in sorted(set(self._ready[place.origin])):
            row = self._rows.get(number)
            if row is None or row.mark is not Mark.WAITING:
                continue
            if len(found) < limit and any(low <= priority <= high for low, high in ranges):
                found.append(_copy(row.entry))
        self._ready[place.origin] = self._still_ready(place.origin)
        return found

    def _still_ready(self, origin: int) -> list[tuple[int, int]]:
        ready = sorted(set(self._ready[origin]))
        return [
            order
            for order in ready
            if order[1] in self._rows and self._rows[order[1]].mark is Mark.WAITING
        ]

    def suspects(self, limit: int) -> list[Entry]:
        rows = [row for row in self._rows.values() if row.mark is Mark.SUSPECT]
        rows.sort(key=lambda row: row.entry.id)
        return [_copy(row.entry) for row in rows[:limit]]

    def lease(self, entries: Sequence[Entry]) -> None:
        self._mark(entries, Mark.LEASED)

    def settle(self, entries: Sequence[Entry], mark: Mark, reason: str = "") -> None:
        self._mark(entries, mark, reason)

    def delay(self, entries: Sequence[tuple[Entry, float]]) -> None:
        for entry, due in entries:
            self._mark([entry], Mark.DELAYED)
            self._rows[entry.id].due = due
            self._rows[entry.id].entry.attempts = entry.attempts

    def back(self, entries: Sequence[Entry], *, spent: bool) -> None:  # noqa: ARG002
        for entry in entries:
            kept = self._rows[entry.id].entry
            kept.deaths, kept.crashes = entry.deaths, entry.crashes
            self._wait(entry.id)

    def _wait(self, number: int) -> bool:
        row = self._rows[number]
        suspect = is_suspect(row.entry)
        row.mark = Mark.SUSPECT if suspect else Mark.WAITING
        if not suspect:
            heapq.heappush(self._ready[row.entry.origin], row.entry.order)
        return suspect

    def drop(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            del self._rows[entry.id]

    def _mark(self, entries: Sequence[Entry], mark: Mark, reason: str = "") -> None:
        for entry in entries:
            row = self._rows[entry.id]
            row.mark, row.reason = mark, reason

    def ripe(self, now: float, limit: int) -> list[tuple[int, bool]]:
        due = [row for row in self._rows.values() if row.mark is Mark.DELAYED and row.due <= now]
        due.sort(key=lambda row: row.due)
        return [(row.entry.host, self._wait(row.entry.id)) for row in due[:limit]]

    def next_due(self) -> float | None:
        delayed = (row.due for row in self._rows.values() if row.mark is Mark.DELAYED)
        return min(delayed, default=None)

    def revive(self, which: Filter, limit: int) -> list[tuple[int, int, str]]:
        found = [row for row in self._rows.values() if self._matches(row, which)][:limit]
        revived = [(row.entry.host, row.entry.kind, row.reason) for row in found]
        for row in found:
            row.entry.attempts = row.entry.deaths = row.entry.crashes = 0
            self._wait(row.entry.id)
        self._catalog.forget_deaths({row.entry.task.url for row in found})
        return revived

    def _matches(self, row: _Row, which: Filter) -> bool:
        task = row.entry.task
        return (
            row.mark is Mark.DEAD
            and which.host in ("", self._hosts[row.entry.host].name)
            and which.reason in ("", row.reason)
            and (not which.kinds or task.kind in which.kinds)
            and which.url in ("", task.url)
        )

    def renew(self, urls: Sequence[str]) -> list[tuple[int, int]]:
        wanted = set(urls)
        found = [
            row.entry
            for row in self._rows.values()
            if row.mark is Mark.DONE and row.entry.task.url in wanted
        ]
        for entry in found:
            entry.attempts = entry.deaths = entry.crashes = 0
            self._wait(entry.id)
        return [(entry.host, entry.kind) for entry in found]

    # Sessions.

    def keep_session(self, session: str, worker: WorkerInfo) -> None:
        """Nothing survives."""

    def drop_session(self, session: str) -> None:
        """Nothing survives."""

    # Results.

    def keep(self, finds: Finds) -> tuple[int, int]:
        return self._catalog.keep(finds)

    def forget(self, final_urls: Sequence[str]) -> tuple[int, int]:
        return self._catalog.forget(final_urls)

    def pages_of(self, image_urls: Sequence[str]) -> list[str]:
        return self._catalog.pages_of(set(image_urls))

    def results(self, cursor: str, limit: int) -> Results:
        return self._catalog.results(cursor, limit)

    # Care.

    def census(self) -> Iterable[tuple[int, int, Mark, int]]:
        return [(row.entry.host, row.entry.kind, row.mark, 1) for row in self._rows.values()]

    def faults(self) -> list[str]:
        return []


class _Table(Generic[T]):
    """Values by a key, in the order they came. A place that was left is not taken again: cursors
    stand on places."""

    def __init__(self) -> None:
        self._places: dict[Hashable, int] = {}
        self._values: list[T | None] = []

    def __contains__(self, key: Hashable) -> bool:
        return key in self._places

    def __iter__(self) -> Iterator[T]:
        return (value for value in self._values if value is not None)

    def put(self, key: Hashable, value: T) -> None:
        self.pop(key)
        self._places[key] = len(self._values)
        self._values.append(value)

    def pop(self, key: Hashable) -> T | None:
        place = self._places.pop(key, None)
        if place is None:
            return None
        value, self._values[place] = self._values[place], None
        return value

    def after(self, start: int, limit: int) -> tuple[int, tuple[T, ...]]:
        """(the place to go on at, values)."""
        found = self._values[start : start + limit]
        return start + len(found), tuple(value for value in found if value is not None)


class _Catalog:
    """Results in lists, under the keys of the real catalog."""

    def __init__(self) -> None:
        self._records = _Table[Record]()
        self._redirections = _Table[Redirection]()
        self._sightings = _Table[Sighting]()
        self._kept: defaultdict[str, int] = defaultdict(int)
        self._deaths = _Table[Death]()

    def keep(self, finds: Finds) -> tuple[int, int]:
        new = {one.final_url: one for one in finds.records if one.final_url not in self._records}
        for record in new.values():
            self._records.put(record.final_url, record)
        for moved in finds.redirections:
            self._redirections.put(moved.from_url, moved)
        for seen in finds.sightings:
            key = (seen.image_url, seen.page_url, seen.place)
            if key not in self._sightings and self._kept[seen.image_url] < SIGHTINGS:
                self._kept[seen.image_url] += 1
                self._sightings.put(key, seen)
        for death in finds.deaths:
            self._deaths.put(death.url, death)
        return len(new), sum(one.bytes for one in new.values())

    def forget_deaths(self, urls: set[str]) -> None:
        for url in urls:
            self._deaths.pop(url)

    def forget(self, final_urls: Sequence[str]) -> tuple[int, int]:
        gone = [record for url in final_urls if (record := self._records.pop(url)) is not None]
        return len(gone), sum(record.bytes for record in gone)

    def pages_of(self, image_urls: set[str]) -> list[str]:
        seen = (one.page_url for one in self._sightings if one.image_url in image_urls)
        return list(dict.fromkeys(seen))

    def results(self, cursor: str, limit: int) -> Results:
        starts = [int(part) for part in cursor.split(".")] if cursor else [0, 0, 0, 0]
        records = self._records.after(starts[0], limit)
        redirections = self._redirections.after(starts[1], limit)
        sightings = self._sightings.after(starts[2], limit)
        deaths = self._deaths.after(starts[3], limit)
        ends = (records[0], redirections[0], sightings[0], deaths[0])
        return Results(
            cursor=".".join(map(str, ends)),
            records=records[1],
            redirections=redirections[1],
            sightings=sightings[1],
            deaths=deaths[1],
        )


def _copy(entry: Entry) -> Entry:
    """Entries are changed by their borrowers."""
    return msgspec.structs.replace(entry)
