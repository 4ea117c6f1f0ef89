"""Warnings that other threads log, as lines for people."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _Lines(logging.Handler):
    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(f"{record.levelname.lower()}: {self.format(record)}")


@contextmanager
def logged(say: Callable[[str], None]) -> Iterator[None]:
    """Say what is logged as a warning or worse, until the block ends."""
    handler, log = _Lines(say), logging.getLogger("bowerbird")
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
