"""Ctrl-C, SIGTERM and the end of the terminal as wishes: the first to stop in order, the second to
leave at once."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Protocol

from bowerbird.streams import silence


class Interruptible(Protocol):
    """What can be asked to stop."""

    interrupts: int  #: how often it was asked

    def interrupt(self) -> None:
        """Stop in order; asked again, at once. Called in a signal handler."""
        ...


@contextmanager
def taken(run: Interruptible, *, wanted: bool) -> Iterator[None]:
    """Let these signals be wishes until the block ends."""
    if not wanted:
        yield
        return
    terminals = [number for number in (1, 2) if os.isatty(number)]
    handlers = {signal.SIGINT: partial(_wish, run), signal.SIGTERM: partial(_wish, run)}
    hang_up = getattr(signal, "SIGHUP", None)  # Windows has none
    if hang_up and signal.getsignal(hang_up) is not signal.SIG_IGN:  # nohup
        handlers[hang_up] = partial(_hang_up, run, terminals)
    before = {name: signal.signal(name, handler) for name, handler in handlers.items()}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _wish(run: Interruptible, *_: object) -> None:
    run.interrupt()
    if run.interrupts == 1:
        with suppress(OSError):  # past Python's buffer, which may be in the midst of a write
            os.write(2, b"\nFinishing what is in flight; again to leave at once.\n")


def _hang_up(run: Interruptible, terminals: list[int], *_: object) -> None:
    """Stop in order, and write no more where the terminal was: that would be an error."""
    silence(terminals)
    if not run.interrupts:  # shells tell it again and again
        _wish(run)
