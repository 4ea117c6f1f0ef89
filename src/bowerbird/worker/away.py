"""The time without a session: when to try for the next one, and what is worth a try."""

from bowerbird.backoff import retry_in_s
from bowerbird.errors import (
    BowerbirdError,
    ConnectionLostError,
    SessionGoneError,
    StorageFullError,
)

#: First wait after a try in vain, in seconds; it doubles.
FIRST_S = 0.1
#: No wait is longer, in seconds: a manager that is back has its workers back soon after.
LONGEST_S = 3.0

#: What heals by itself: the manager is away, was started anew, or its disk is full.
HEALS = (ConnectionLostError, SessionGoneError, StorageFullError)


def may_heal(error: BowerbirdError) -> bool:
    """Whether it makes sense to try again: a wrong key stays wrong."""
    return isinstance(error, HEALS)


def wait_s(tries: int) -> float:
    """Seconds before the next try after so many in vain, never twice the same."""
    return min(LONGEST_S, retry_in_s(min(tries, 8), first_s=FIRST_S))


class Away:
    """A worker that has lost its session and tries for another."""

    __slots__ = ("lapsed", "next_s", "since_s", "tries", "trying")

    def __init__(self, now_s: float) -> None:
        self.since_s = self.next_s = now_s
        self.tries = 0
        self.trying = False  #: an attempt is under way
        self.lapsed = False  #: the session's deadline has passed, and requests were ended

    def __repr__(self) -> str:
        return f"<Away since {self.since_s:.1f} s, {self.tries} tries>"

    def due(self, now_s: float) -> bool:
        """Whether to try now."""
        return not self.trying and now_s >= self.next_s

    def failed(self, now_s: float) -> None:
        """A try was in vain."""
        self.next_s = now_s + wait_s(self.tries)
        self.tries += 1
        self.trying = False
