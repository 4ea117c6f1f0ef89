"""What other threads leave for the one that takes it turn by turn."""

from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")


def waiting(inbox: SimpleQueue[T]) -> list[T]:
    """All that lies there now."""
    found: list[T] = []
    try:
        while True:
            found.append(inbox.get_nowait())
    except Empty:
        return found


def gathered(inbox: SimpleQueue[T], wait_s: float | None) -> list[T]:
    """All that lies there; sleeps until there is something, or for so long."""
    try:
        first = inbox.get(wait_s != 0.0, wait_s)
    except Empty:
        return []
    return [first, *waiting(inbox)]
