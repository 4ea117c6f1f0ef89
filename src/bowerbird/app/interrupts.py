"""Ctrl-C and SIGTERM as wishes: the first to stop in order, the second to leave at once."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Interruptible(Protocol):
    """What can be asked to stop."""

    interrupts: int  #: how often it was asked

    def interrupt(self) -> None:
        """Stop in order; asked again, at once. Called in a signal handler."""
        ...


@contextmanager
def taken(run: Interruptible, *, wanted: bool) -> Iterator[None]:
    """Let both signals be wishes until the block ends."""
    if not wanted:
        yield
        return
    names = [signal.SIGINT, signal.SIGTERM]
    before = [signal.signal(name, lambda *_: _wish(run)) for name in names]
    try:
        yield
    finally:
        for name, handler in zip(names, before, strict=True):
            signal.signal(name, handler)


def _wish(run: Interruptible) -> None:
    run.interrupt()
    if run.interrupts == 1:
        text = "\nFinishing what is in flight; again to leave at once.\n"
        print(text, file=sys.stderr, end="")  # noqa: T201
