"""The log outside: what a crawl has promised to those who asked it.

A clerk hands in URLs that no page names, a few at a time, and notes which were accepted: from that
answer on they may not be lost, whatever is killed. And it reads the results, and notes which images
were said to be there: they may not be fetched again.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress

from bowerbird.errors import BowerbirdError
from bowerbird.frontier.base import Frontier
from bowerbird.model import Kind, Task

#: URLs of one call, and the time between two, in seconds.
SOME, EVERY_S = 2, 0.1


class Ledger(threading.Thread):
    """The clerk and what it has written down."""

    def __init__(
        self, connect: Callable[[], Frontier], hidden: Sequence[str], *, reads: bool = True
    ) -> None:
        """`reads`: results too, which in Redis are for the manager alone."""
        super().__init__(daemon=True)
        self._connect, self._reads = connect, reads
        self._left = list(hidden)
        self._cursor = ""
        self._over = threading.Event()
        self.accepted: dict[str, float] = {}  #: URL -> when `add` had answered (monotonic)
        self.asked: set[str] = set()  #: URLs handed in, answered or not
        self.recorded: dict[str, float] = {}  #: URL -> when its record was first told

    def run(self) -> None:
        while not self._over.wait(EVERY_S):
            # Where it is away or refuses it has promised nothing.
            with suppress(BowerbirdError), closing(self._connect()) as frontier:
                while not self._over.wait(EVERY_S):
                    self._hand_in(frontier)
                    self._read(frontier)

    def close_books(self) -> None:
        """Hand in and read no more."""
        self._over.set()
        if self.ident is not None:
            self.join()

    def _hand_in(self, frontier: Frontier) -> None:
        some = self._left[:SOME]
        if not some:
            return
        self.asked.update(some)
        frontier.add([Task(url=url, kind=Kind.IMAGE) for url in some])
        self.accepted.update(dict.fromkeys(some, time.monotonic()))
        del self._left[: len(some)]

    def _read(self, frontier: Frontier) -> None:
        if not self._reads:
            return
        reply = frontier.results(self._cursor)
        now_s = time.monotonic()
        for record in reply.records:
            self.recorded.setdefault(record.final_url, now_s)
        self._cursor = reply.cursor
