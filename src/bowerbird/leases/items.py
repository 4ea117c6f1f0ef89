"""Where items lie: the port that the rules of `leases` need, and what passes through it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from bowerbird.leases.values import Counts, DeadItem


class State(IntEnum):
    """Where an item is."""

    WAITING = 0
    DELAYED = 1
    LEASED = 2
    GONE = 3  #: done or dead


#: The same where each item is looked at: a name is found faster than an attribute.
WAITING, DELAYED, LEASED, GONE = State


class Entry:
    """One unfinished item, as long as somebody may speak of it."""

    __slots__ = ("attempts", "data", "id", "lot", "priority", "state")

    def __init__(self, id: int, data: bytes, priority: int, state: State) -> None:
        self.id = id
        self.data = data  #: b"" where the items lie elsewhere
        self.priority = priority
        self.state = state
        self.attempts = 0
        self.lot: Lot | None = None  #: the last one that it was given with

    def __lt__(self, other: "Entry") -> bool:
        return self.id < other.id


class Lot:
    """What was given at once. It is kept as long as an item's last lease is of this lot, so
    that a late word about an item that nobody else was given meanwhile still counts."""

    __slots__ = ("entries", "holder", "lease_s", "open", "token", "until_s")

    def __init__(self, token: bytes, entries: Sequence[Entry | None], lease_s: float) -> None:
        self.token = token
        self.entries = entries  #: by place; None: finished before a restart
        self.lease_s = lease_s
        self.until_s = 0.0
        self.holder = 0
        self.open = 0  #: entries whose last lot this is


class Saved(NamedTuple):
    """What there was when the items were opened."""

    counts: Counts
    lots: list[Lot]


class Items(ABC):
    """Items in their order: by priority, the higher first, then as they came.

    Called from one thread. `Leases` keeps the states and attempts of entries and counts them;
    this keeps the items.
    """

    @abstractmethod
    def load(self) -> Saved:
        """What there is; also after a rollback, when what was kept in memory is to be forgotten."""

    @abstractmethod
    def add(self, items: Sequence[bytes], priority: int, in_s: float) -> None:
        """Keep new items; with `in_s` they are delayed."""

    @abstractmethod
    def take(self, limit: int) -> tuple[list[Entry], list[bytes]]:
        """The first of those that wait, and their bytes; they wait no more."""

    @abstractmethod
    def untake(self, entries: Sequence[Entry]) -> None:
        """These have just been taken, and wait after all."""

    @abstractmethod
    def lend(self, lot: Lot) -> None:
        """The lot's entries have just been taken; one attempt more is theirs."""

    @abstractmethod
    def end(self, lot: Lot) -> None:
        """No entry's last lot is this one any more."""

    @abstractmethod
    def back(self, entry: Entry, in_s: float) -> None:
        """A leased entry waits again, in its old place, or is delayed."""

    @abstractmethod
    def remove(self, entries: Sequence[Entry]) -> None:
        """These are done, wherever they are."""

    @abstractmethod
    def bury(self, entry: Entry, why: str) -> None:
        """This is dead, wherever it was."""

    @abstractmethod
    def ripen(self) -> int:
        """Delayed items whose moment has come wait from now on: how many."""

    @abstractmethod
    def next_in_s(self) -> float | None:
        """When the next delayed item's moment comes; None: there is none."""

    @abstractmethod
    def dead(self, after: int, limit: int) -> list[DeadItem]:
        """Dead items with an id above `after`, in the order of their ids."""

    @abstractmethod
    def revive(self, ids: Sequence[int] | None) -> int:
        """Dead items (None: all) are as new, with new ids, and wait: how many."""

    @abstractmethod
    def forget(self, ids: Sequence[int] | None) -> int:
        """Dead items (None: all) are no more: how many."""
