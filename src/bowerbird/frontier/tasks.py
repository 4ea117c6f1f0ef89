"""The port below the policy: what of a frontier is persistent.

`LocalFrontier` decides; a `TaskStore` remembers. Times here are *crawl time*: seconds for which
this crawl has been going, over all restarts, so that no clock of a machine is ever persisted.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import IntEnum

import msgspec

from bowerbird.model import (
    Death,
    Filter,
    Kind,
    Record,
    Redirection,
    Results,
    Sighting,
    Task,
    WorkerInfo,
)
from bowerbird.urls import host_of_origin


class Mark(IntEnum):
    """Where a task stands. The numbers are on disk."""

    WAITING = 0
    DELAYED = 1  #: waits for its retry to be due
    LEASED = 2
    DONE = 3
    MOVED = 4  #: done, by a redirect
    DEAD = 5
    SUSPECT = 6  #: waits to be leased alone


#: Kinds by their number on disk.
KINDS = (Kind.ROBOTS, Kind.IMAGE, Kind.STYLESHEET, Kind.SITEMAP, Kind.FEED, Kind.PAGE)
NUMBER: dict[Kind, int] = {kind: number for number, kind in enumerate(KINDS)}
ROBOTS, IMAGE, PAGE = NUMBER[Kind.ROBOTS], NUMBER[Kind.IMAGE], NUMBER[Kind.PAGE]

#: Pages deeper than this share the last priority.
DEEPEST = 250

#: Deaths that make a task a suspect.
SUSPECT_AFTER = 2

#: Priorities from .. to, both included, that may be taken.
Range = tuple[int, int]


def priority_of(kind: int, depth: int) -> int:
    """Robots 0, images 1, what names many more 2 to 4, pages from 5 on by depth; low is first."""
    return kind if kind != PAGE else PAGE + min(depth, DEEPEST)


def range_of(kind: int) -> Range:
    """The priorities that tasks of a kind may have."""
    return (kind, kind) if kind != PAGE else (PAGE, PAGE + DEEPEST)


def ranges_of(kinds: Iterable[int]) -> list[Range]:
    """The same of several kinds, as few as can be."""
    merged: list[Range] = []
    for low, high in sorted(map(range_of, kinds)):
        if merged and merged[-1][1] + 1 == low:
            low = merged.pop()[0]
        merged.append((low, high))
    return merged


class Entry(msgspec.Struct, kw_only=True, gc=False):
    """A task that is out of the store's hands for a while, with what is known of its lease."""

    id: int
    task: Task
    kind: int
    origin: int
    host: int
    attempts: int = 0
    deaths: int = 0
    crashes: int = 0
    token: bytes = b""
    session: str = ""  #: "": nobody holds it, it waits with its last token still good
    since: float = 0.0
    alone: bool = False  #: leased as a suspect

    @property
    def order(self) -> tuple[int, int]:
        """Its place among the tasks of its host: priority, then first in, first out."""
        return priority_of(self.kind, self.task.depth), self.id


def is_suspect(entry: Entry) -> bool:
    """Whether a task is to be leased alone."""
    return entry.deaths >= SUSPECT_AFTER


class Place(msgspec.Struct, frozen=True, gc=False):
    """Numbers of an origin and of its host."""

    origin: int
    host: int


class OriginFacts(msgspec.Struct, kw_only=True):
    """What is remembered of an origin."""

    id: int
    name: str
    verdict: str = ""  #: of its robots.txt: "" not asked, text, allow, forbid
    reason: str = ""  #: why its tasks die when `verdict` is forbid
    judged_at: float = 0.0


class HostFacts(msgspec.Struct, kw_only=True):
    """What is remembered of a host."""

    id: int
    name: str
    delay_s: float = 0.0  #: as workers found it
    crawl_delay_s: float = 0.0  #: as its robots.txt asks
    hold_until: float = 0.0
    freed_at: float = -1e9  #: when a request may last have been under way
    failures: int = 0  #: connections that failed in a row
    down_at: float | None = None
    probes: int = 0  #: that failed since the fall
    answered: bool = False
    condemned: bool = False  #: down, and the last probe has failed
    done: int = 0
    dead: int = 0


class Saved(msgspec.Struct, kw_only=True):
    """What a store knew when it was last closed, or killed."""

    values: dict[str, str]  #: state, reason, seeds complete, elapsed_s, closed_at
    counters: dict[str, int]
    sessions: dict[str, WorkerInfo]
    leases: list[Entry]  #: held or with a token that is still good
    gates: dict[int, int]  #: origin whose robots.txt is unfinished -> its task
    waiting: list[tuple[int, int]]  #: host, tasks ready to be taken
    down: list[int]  #: hosts
    suspects: int = 0  #: how many wait to be leased alone


class Finds(msgspec.Struct):
    """What a call brought for the catalog."""

    records: list[Record] = []
    redirections: list[Redirection] = []
    sightings: list[Sighting] = []
    deaths: list[Death] = []

    def clear(self) -> None:
        """Begin anew."""
        self.records, self.redirections, self.sightings, self.deaths = [], [], [], []


class TaskStore(ABC):
    """Tasks, hosts, origins and results, kept. Calls between two `commit`s are one transaction.

    Raises `StorageFullError` where the disk refuses; then `rollback` and `load` again.
    """

    # Transactions.

    @abstractmethod
    def load(self) -> Saved:
        """All that policy needs to begin."""

    @abstractmethod
    def commit(self, counters: Mapping[str, int], values: Mapping[str, str]) -> None:
        """Keep what was written since the last commit, with these counters and values, if any."""

    @abstractmethod
    def rollback(self) -> None:
        """Forget what was written since the last commit."""

    @property
    @abstractmethod
    def dirty(self) -> bool:
        """Whether anything was written since the last commit."""

    @abstractmethod
    def close(self) -> None:
        """Let go of files."""

    # Names.

    @abstractmethod
    def place(self, origin: str) -> Place:
        """The numbers of an origin, which is made if it is new. Host numbers are dense from 1."""

    def places(self, origins: Collection[str], most: int) -> dict[str, Place]:
        """The numbers of several origins; new ones are made up to `most` of a host, others lack."""
        found = self.known_places(origins)
        unknown: dict[str, list[str]] = {}
        for name in origins:
            if name not in found:
                unknown.setdefault(host_of_origin(name), []).append(name)
        for host, names in unknown.items():
            number = self.host_number(host)
            room = most - len(self.origins(number)) if number else most
            found |= {name: self.place(name) for name in names[: max(0, room)]}
        return found

    @abstractmethod
    def known_places(self, origins: Collection[str]) -> dict[str, Place]:
        """The numbers of those origins that are known."""

    @abstractmethod
    def host_number(self, name: str) -> int:
        """The number of a host, 0 where it is unknown."""

    @abstractmethod
    def host(self, number: int) -> HostFacts:
        """What is remembered of a host."""

    @abstractmethod
    def origins(self, host: int) -> list[OriginFacts]:
        """The origins of a host, oldest first."""

    @abstractmethod
    def keep_hosts(self, hosts: Sequence[HostFacts]) -> None:
        """Remember these facts."""

    @abstractmethod
    def keep_origin(self, origin: OriginFacts, text: str) -> None:
        """Remember these facts and the text of its robots.txt."""

    @abstractmethod
    def robots_text(self, origin: int) -> str:
        """The text of an origin's robots.txt."""

    # Tasks.

    @abstractmethod
    def fresh(self, tasks: Sequence[tuple[Task, Place]]) -> list[tuple[Task, Place]]:
        """Those whose URL was never seen, once each; from now on they have been."""

    @abstractmethod
    def insert(self, tasks: Sequence[tuple[Task, int]]) -> int:
        """Put (task, origin) pairs among the waiting; answer the number of the last one."""

    @abstractmethod
    def take(self, place: Place, ranges: Sequence[Range], limit: int) -> list[Entry]:
        """The next of an origin, by priority and number. Nothing changes."""

    @abstractmethod
    def suspects(self, limit: int) -> list[Entry]:
        """The oldest suspects. Nothing changes."""

    @abstractmethod
    def lease(self, entries: Sequence[Entry]) -> None:
        """Mark as leased, with token and session as the entries say."""

    @abstractmethod
    def settle(self, entries: Sequence[Entry], mark: Mark, reason: str = "") -> None:
        """Mark as done, moved or dead; their tokens are spent."""

    @abstractmethod
    def delay(self, entries: Sequence[tuple[Entry, float]]) -> None:
        """Mark as waiting until they are due, attempts as the entries say; tokens are spent."""

    @abstractmethod
    def back(self, entries: Sequence[Entry], *, spent: bool) -> None:
        """Mark as waiting, or as suspects where `deaths` says so. Without `spent` their tokens
        stay good."""

    @abstractmethod
    def drop(self, entries: Sequence[Entry]) -> None:
        """Forget tasks wholly: robots tasks that are over."""

    @abstractmethod
    def ripe(self, now: float, limit: int) -> list[tuple[int, bool]]:
        """Make delayed tasks that are due wait as before; of each its host, and whether it is a
        suspect."""

    @abstractmethod
    def next_due(self) -> float | None:
        """When the next delayed task is due."""

    @abstractmethod
    def revive(self, which: Filter, limit: int) -> list[tuple[int, int, str]]:
        """Make dead tasks wait again as new, and no longer dead for the catalog; answer (host,
        kind, reason) of each, at most `limit`."""

    @abstractmethod
    def renew(self, urls: Sequence[str]) -> list[tuple[int, int]]:
        """Make the done tasks with these URLs wait again as new; answer (host, kind) of each.
        Those that moved stay done."""

    # Sessions.

    @abstractmethod
    def keep_session(self, session: str, worker: WorkerInfo) -> None:
        """Remember a session, so that its leases can stand after a restart."""

    @abstractmethod
    def drop_session(self, session: str) -> None:
        """Forget a session."""

    # Results.

    @abstractmethod
    def keep(self, finds: Finds) -> tuple[int, int]:
        """Put what a call brought into the catalog; answer (records that are new, their bytes)."""

    @abstractmethod
    def forget(self, final_urls: Sequence[str]) -> tuple[int, int]:
        """Take these records out of the catalog; answer (how many there were, their bytes)."""

    @abstractmethod
    def pages_of(self, image_urls: Sequence[str]) -> list[str]:
        """The pages where these images were seen, once each."""

    @abstractmethod
    def results(self, cursor: str, limit: int) -> Results:
        """See `Frontier.results`."""

    # Care.

    @abstractmethod
    def census(self) -> Iterable[tuple[int, int, Mark, int]]:
        """(host, kind, mark, how many) of all tasks, counted row by row; for `audit`."""

    @abstractmethod
    def faults(self) -> list[str]:
        """What is broken in the store itself, in words."""
