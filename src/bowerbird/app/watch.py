"""A crawl that is watched: one thread asks, whoever looks has its last answer.

It asks the manager while one runs and reads the folder while none does; a manager that goes and
comes back is met again. Nobody at work: the folder is opened for a moment only, and again when it
has changed, so that a crawl can begin in it at any time.
"""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bowerbird.app.access import Access, is_address
from bowerbird.app.browsing import past_of
from bowerbird.app.folder import Folder
from bowerbird.app.history import LEVELS, Curves, History
from bowerbird.app.memory import give_memory_back, give_small_back
from bowerbird.app.status import HOSTS, Status, look_at
from bowerbird.app.visit import Visit, visit
from bowerbird.errors import BowerbirdError, ConnectionLostError
from bowerbird.manager.progress import Meter, Progress
from bowerbird.model import HostRow

#: How often a crawl at work is asked, in seconds: while somebody looks, and else.
LOOK_EVERY_S, IDLE_EVERY_S = 1.0, 2.0
#: The share of a manager's time that looking for the busiest hosts may take, and how rarely they
#: are looked for at most, in seconds.
SHARE, RAREST_S = 0.01, 15.0
#: How often it is looked whether a folder has changed or a manager is back, in seconds.
CHANGED_EVERY_S = 0.5
#: A folder that shows no change is opened again after this, in seconds.
ANYWAY_S = 300.0

T = TypeVar("T")


@dataclass(slots=True, frozen=True)
class Moment:
    """A crawl as it was seen last."""

    number: int = 0  #: rises with every look
    at_s: float = 0.0  #: when, in seconds since 1970
    status: Status | None = None  #: None: it has not been seen yet
    progress: Progress | None = None
    trouble: str = ""  #: why it cannot be seen now; what stands here is older then


@dataclass(slots=True)
class _Met:
    """A crawl that is being visited."""

    crawl: Visit
    meter: Meter = field(default_factory=lambda: Meter(time.monotonic()))
    _hosts: list[HostRow] = field(default_factory=list)
    _due_s: float = 0.0  # when the hosts are to be asked for again

    def hosts(self) -> list[HostRow]:
        """The busiest hosts. Among very many they are expensive to find: then not at each look."""
        began_s = time.monotonic()
        if began_s >= self._due_s:
            self._hosts = self.crawl.frontier.hosts(HOSTS)
            ended_s = time.monotonic()
            self._due_s = ended_s + min((ended_s - began_s) / SHARE, RAREST_S)
        return self._hosts


class Watch:
    """Watches one crawl from `start` to `close`. Any number of threads may ask it."""

    def __init__(self, where: str, access: Access | None = None) -> None:
        self.where = where
        self.history = History()
        self.past: Curves | None = None  #: the whole time of a crawl that nobody works at
        self.moment = Moment()
        self.looked_at: Callable[[], bool] = lambda: True  #: whether anybody looks
        self.tell: Callable[[Moment], None] = lambda _: None  #: called with every new moment
        self._access = access
        self._folder = None if is_address(where) else Folder(where)
        self._met: _Met | None = None
        self._alone = threading.Lock()  # one visit of ours at a time where nobody is at work
        self._seen: object = None  # how the folder looked when it was last left
        self._leaving = False  # a last look: nobody has time to read all records
        self._wake, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        give_memory_back()
        self._thread.start()

    def close(self) -> None:
        """End; waits for an answer that is on its way."""
        self._ended.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(5.0)

    def curves(self, span_s: float) -> Curves:
        """What was seen in the last `span_s` seconds; 0: over all that is known."""
        moment = self.moment
        if span_s <= 0 and self.past and not (moment.status and moment.status.running):
            return self.past
        return self.history.curves(span_s or LEVELS[-1][0] * LEVELS[-1][1], moment.at_s)

    @property
    def at_work(self) -> bool:
        """Whether a manager or Redis is being asked, rather than a folder of nobody."""
        return self._met is not None

    def last_look(self, wait_s: float) -> None:
        """Wait until it was seen that nobody works any more, for so long at most; not at all where
        nobody looks."""
        self._leaving, until_s = True, time.monotonic() + wait_s
        while self.looked_at() and time.monotonic() < until_s:
            status = self.moment.status
            if status is not None and not status.running:
                return
            self.look_now()  # each time: the first look may only find that the manager has gone
            time.sleep(0.02)

    def look_now(self) -> None:
        """Do not wait until the next look is due."""
        self._wake.set()

    def ask(self, function: Callable[[Visit], T]) -> T:
        """Ask the crawl something, over the connection that stands, or in a visit of its own.

        Raises:
            BowerbirdError: it cannot be asked now.
        """
        met = self._met
        if met is not None:
            return function(met.crawl)
        with self._alone:
            try:
                with visit(self.where, self._access) as crawl:
                    return function(crawl)
            finally:
                give_small_back()
                self._seen = self._face()

    # On the watch's thread.

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._visit()
            except (BowerbirdError, OSError) as error:  # files may go while they are read
                self._say(trouble=str(error))
            self._rest()

    def _visit(self) -> None:
        with ExitStack() as stack:
            with self._alone:
                crawl = stack.enter_context(visit(self.where, self._access))
                if not (crawl.running or crawl.in_engine):
                    if not self._leaving:
                        self.past = past_of(crawl)
                    self._look(_Met(crawl))
                    stack.close()
                    give_small_back()
                    self._seen = self._face()
                    return
            self._stay(_Met(crawl))

    def _stay(self, met: _Met) -> None:
        """Ask a manager or Redis again and again, until it is lost or we end."""
        self._met = met
        try:
            while not self._ended.is_set():
                self._look(met)
                self._wake.wait(LOOK_EVERY_S if self.looked_at() else IDLE_EVERY_S)
                self._wake.clear()
        except ConnectionLostError:
            if self._folder is None:  # of a folder, what is left is looked at at once
                raise
        finally:
            self._met = None

    def _look(self, met: _Met) -> None:
        status = look_at(met.crawl, met.hosts())
        progress = met.meter.look(status.stats, time.monotonic(), status.hosts, status.workers)
        self._say(status, progress)

    def _say(
        self, status: Status | None = None, progress: Progress | None = None, trouble: str = ""
    ) -> None:
        last, now_s = self.moment, time.time()
        if status is not None:
            self.history.add(now_s, status.stats)
        elif trouble == last.trouble:
            return
        self.moment = Moment(
            number=last.number + 1, at_s=now_s if status else last.at_s,
            status=status or last.status, progress=progress or last.progress, trouble=trouble,
        )  # fmt: skip
        self.tell(self.moment)

    def _rest(self) -> None:
        """Until the folder has changed, or somebody wants to know."""
        until_s = time.monotonic() + ANYWAY_S
        while not self._ended.is_set() and time.monotonic() < until_s:
            if self._wake.wait(CHANGED_EVERY_S):
                self._wake.clear()
                return
            if self.moment.trouble or self._folder is None or self._face() != self._seen:
                return

    def _face(self) -> object:
        """What changes when somebody works in the folder."""
        if self._folder is None:
            return None
        files = (self._folder.database, self._folder.address_file)
        return tuple(map(_stamp, (*files, Path(f"{self._folder.database}-wal"))))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
