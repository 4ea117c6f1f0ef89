"""What is said of leases. Values, fit for the wire."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

#: Longest wait before an item that failed is given again, in seconds.
RETRY_MOST_S = 3_600.0


class Verb(StrEnum):
    """What becomes of an item that was leased."""

    DONE = "done"  #: it is finished and forgotten
    RETRY = "retry"  #: it failed; once more later, unless its attempts are spent
    DEAD = "dead"  #: it failed for good
    RELEASED = "released"  #: it was not tried: as if it had not been taken


class Terms(msgspec.Struct, frozen=True, array_like=True):
    """How items are lent."""

    lease_s: float = 60.0  #: what is not settled or renewed by then goes to the next
    attempts: int = 5  #: times an item is given before it is dead; 0: no end
    retry_s: float = 1.0  #: wait after the first failure; doubled with each, up to an hour
    maxsize: int = 0  #: items that may wait; 0: no bound

    def retry_in_s(self, attempts: int) -> float:
        """How long an item waits that failed for the n-th time."""
        doublings = min(max(attempts - 1, 0), 40)  # beyond, the most is reached whatever it is
        return min(self.retry_s * 2.0**doublings, RETRY_MOST_S)


class Ticket(NamedTuple):
    """Some of the items that were given at once."""

    token: bytes
    places: tuple[int, ...] | None = None  #: their indexes in what was given; None: all


class Given(NamedTuple):
    """Items under a lease."""

    token: bytes  #: 64 random bits, never repeated
    items: list[bytes]
    attempts: list[int]  #: of each item, this time included


class DeadItem(msgspec.Struct, frozen=True, array_like=True):
    """An item that is not given any more."""

    id: int
    item: bytes
    attempts: int
    why: str
    died_at: float  #: seconds since 1970-01-01 UTC


class Counts(msgspec.Struct, array_like=True):
    """How many items there are, by state."""

    waiting: int = 0
    delayed: int = 0  #: wait for their moment
    leased: int = 0
    dead: int = 0

    @property
    def unfinished(self) -> int:
        """All but the dead."""
        return self.waiting + self.delayed + self.leased
