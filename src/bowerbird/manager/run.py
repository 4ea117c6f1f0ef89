"""One run of a crawl: seed, watch over the workers, apply the stop rules, until the end."""

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from bowerbird.clock import Clock
from bowerbird.errors import BowerbirdError, StorageFullError
from bowerbird.frontier.base import BEAT_EVERY_S, Frontier
from bowerbird.manager.limits import StopRules
from bowerbird.manager.progress import Meter, Progress
from bowerbird.manager.room import BUCKET_REFUSES, NO_ROOM, Bucket, Room
from bowerbird.manager.seeds import Seeder
from bowerbird.manager.supervisor import ENDS_AT_ONCE, Supervisor
from bowerbird.model import (
    DISK_FULL,
    NO_RIGHT,
    REFUSED_AS,
    REFUSED_THERE,
    HostRow,
    State,
    Stats,
    WorkerRow,
)

#: How often the run looks around, in seconds: at its beginning, when a small crawl may end any
#: moment, and later.
LOOK_EVERY_S = (0.02, 0.2)
#: For so long it looks often, in seconds.
YOUNG_S = 5.0
#: How often progress is told, in seconds.
TELL_EVERY_S = 0.5
#: How many hosts progress shows.
BUSIEST = 5
#: Workers may finish what is in flight for so long, in seconds.
GRACE_S = 12.0
#: A crawl that nobody works at says so after this, in seconds.
LONELY_S = 2.0
#: Workers of other machines ask again within a second, and are to hear that the crawl has ended:
#: the door stays open for so long at most, in seconds.
FAREWELL_S = 3.0

T = TypeVar("T")


class Desk(Protocol):
    """Where the manager's own calls to its frontier are carried out: on the frontier's thread."""

    def call(self, function: Callable[[Frontier], T]) -> "Future[T]":
        """Run a function there."""
        ...

    def make_room(self) -> None:
        """Give back what the database can spare on the disk."""
        ...

    def part(self) -> None:
        """Workers of this machine end at our wish from now on: no task is to blame."""
        ...

    def lacks_readers(self) -> bool:
        """Whether only old-style clients work here, who take images, and there are pages."""
        ...

    @property
    def refusals(self) -> int:
        """How often the disk has refused a call."""
        ...


@dataclass(slots=True)
class Run:
    """The state of one run."""

    desk: Desk
    supervisor: Supervisor
    seeder: Seeder
    rules: StopRules
    clock: Clock
    folder: Path
    bucket: Bucket | None = None  #: of the images; none: they lie in the folder
    reader: Sequence[str] = ()  #: starts a worker that takes all but images
    tell: Callable[[Progress], None] = lambda _: None
    say: Callable[[str], None] = lambda _: None  #: a line for people
    interrupts: int = 0
    refused: int = 0  #: how often the disk had refused when it was last looked at
    refused_there: int = 0  #: the same of far workers, who may be refused alone
    room: Room = field(init=False)
    _waits: bool = field(default=False, init=False)
    _said: str = field(default="", init=False)  # why the bucket refuses, as was said
    _words: dict[str, int] = field(default_factory=dict, init=False)  # what disks said, how often
    _why: str = field(default="", init=False)  # what ours said last
    _met: bool = field(default=False, init=False)  # some worker has been there
    _lonely_s: float | None = field(default=None, init=False)  # when to say that nobody is
    _unfit: int = field(default=0, init=False)  # tasks given back when this run began

    def __post_init__(self) -> None:
        self.room = Room(self.folder)

    def interrupt(self) -> None:
        """Ctrl-C: finish what is in flight; the second one leaves at once."""
        self.interrupts += 1
        self.desk.part()
        if self.interrupts > 1:
            self.supervisor.strike()

    def work(self) -> tuple[Stats, str]:
        """Run until the end; answers the last counts and the state it ended in."""
        began_s = self.clock.now_s()
        meter, told_s = Meter(began_s), 0.0
        before = self._stats()
        stats, self.refused = before, self._refusals(before)
        self._unfit = before.counters.get(NO_RIGHT, 0)
        self._hear_why(before)
        self.refused_there = before.counters.get(REFUSED_THERE, 0)
        self.seeder.start()
        while True:
            now_s = self.clock.now_s()
            stats = self._stats(stats)
            if now_s - told_s >= TELL_EVERY_S:
                self.tell(meter.look(stats, now_s, *self._rows()))
                told_s = now_s
            if self.interrupts or self._has_ended(stats):
                break
            self._apply_rules(stats, now_s, now_s - began_s, before.bytes)
            self._say_who_is_missing(stats, now_s)
            self._say_who_is_unfit(stats)
            self._read_for_others()
            worked = sum(stats.done.values()) + sum(stats.dead.values())
            self.supervisor.check(worked, goes_on=True)
            self.supervisor.pause(LOOK_EVERY_S[now_s - began_s > YOUNG_S])
        return self._end(meter, stats)

    def _end(self, meter: Meter, stats: Stats) -> tuple[Stats, str]:
        self.seeder.stop()
        if self.interrupts == 1:
            self.supervisor.stop(GRACE_S)
        self.supervisor.wait(0.0 if self.interrupts > 1 else GRACE_S)
        if not self.interrupts:
            self._see_off()
        stats = self._stats(stats)
        self.tell(meter.look(stats, self.clock.now_s()))
        return stats, "interrupted" if self.interrupts else str(stats.state)

    def _has_ended(self, stats: Stats) -> bool:
        if self.seeder.error is not None:
            raise self.seeder.error
        if self.supervisor.hopeless() and not stats.sessions:
            raise BowerbirdError(ENDS_AT_ONCE)
        return stats.state is State.ENDED

    def _see_off(self) -> None:
        """Keep the door open until the workers of other machines have heard of the end."""
        until_s = self.clock.now_s() + FAREWELL_S
        while self.clock.now_s() < until_s and any(_listens(row) for row in self._rows()[1]):
            time.sleep(LOOK_EVERY_S[0])

    def _rows(self) -> tuple[list[HostRow], list[WorkerRow]]:
        """The busiest hosts, and all workers."""
        try:
            return self.desk.call(lambda one: (one.hosts(BUSIEST), one.workers())).result()
        except StorageFullError:
            return [], []

    def _say_who_is_missing(self, stats: Stats, now_s: float) -> None:
        """Where there are no local workers, nothing happens until others join."""
        if stats.sessions or self.supervisor.count or stats.state is not State.RUNNING:
            self._met = self._met or bool(stats.sessions)
            self._lonely_s = None
            return
        if self._lonely_s is None:
            self._lonely_s = now_s + LONELY_S
        if now_s >= self._lonely_s:
            self._lonely_s = float("inf")
            gone = "No worker is left" if self._met else "No worker yet"
            self.say(f"{gone}: waiting for one to join, with the line above.")

    def _say_who_is_unfit(self, stats: Stats) -> None:
        """Who looks here sees workers, and nothing done: what is missing is said there alone."""
        if stats.counters.get(NO_RIGHT, 0) <= self._unfit:
            return
        self._unfit = sys.maxsize  # once is enough
        self.say(
            "A worker that joined may not go to private addresses of this crawl, and leaves such "
            "tasks to others: it was started without --allow-range or --allow-private."
        )

    def _read_for_others(self) -> None:
        """Clients of the standard library's managers take images only."""
        if not self.supervisor.count and self.desk.lacks_readers():
            self.supervisor.engage(self.reader)
            self.say("Clients take images; one worker here reads pages for them, and nothing else.")

    def _stats(self, last: Stats | None = None) -> Stats:
        try:
            return self.desk.call(lambda frontier: frontier.stats()).result()
        except StorageFullError:
            if last is None:
                raise
            return last

    def _apply_rules(self, stats: Stats, now_s: float, seconds: float, bytes_before: int) -> None:
        paused = stats.state is State.PAUSED
        if paused:
            self._go_on_with_room(stats, now_s)
        if paused or (stats.state is State.RUNNING and not self._wait_for_room(stats, now_s)):
            reason = self.rules.reason(stats, seconds, bytes_before)
            if reason:
                self._steer(lambda frontier: frontier.stop(reason))

    def _wait_for_room(self, stats: Stats, now_s: float) -> bool:
        """Pause where the disk is full: someone was refused, or it is about to be."""
        if not self.room.is_due(now_s):
            return False
        refused = self._refusals(stats) > self.refused or self._refuses_all(stats)
        if not refused and not self.room.is_low():
            self._say_of_room(waits=False)
            return False
        self._make_room()
        self._hear_why(stats)
        reason = DISK_FULL if self.bucket is None or self.room.is_low() else BUCKET_REFUSES
        self._steer(lambda frontier: frontier.pause(reason))
        self.refused = self._refusals(stats)
        self._say_of_room(waits=True)
        return True

    def _refuses_all(self, stats: Stats) -> bool:
        """Whether the bucket that has refused a far worker refuses us too."""
        there = stats.counters.get(REFUSED_THERE, 0)
        if self.bucket is None or there <= self.refused_there:
            return False
        takes = self.bucket.look()
        if takes is not None:
            self.refused_there = there
        return takes is False

    def _go_on_with_room(self, stats: Stats, now_s: float) -> None:
        if stats.reason not in NO_ROOM or not self.room.is_due(now_s):
            return
        self.refused = self._refusals(stats)
        self.refused_there = stats.counters.get(REFUSED_THERE, 0)
        self._make_room()
        back = self.room.is_back() and (self.bucket is None or self.bucket.is_back())
        self._say_of_room(waits=not back)
        if back:
            self._steer(lambda frontier: frontier.resume())

    def _make_room(self) -> None:
        with suppress(StorageFullError):
            self.desk.make_room()

    def _hear_why(self, stats: Stats) -> None:
        said = {name: n for name, n in stats.counters.items() if name.startswith(REFUSED_AS)}
        new = [name for name, n in said.items() if n > self._words.get(name, 0)]
        self._words, self._why = said, new[-1].removeprefix(REFUSED_AS).rstrip(".") if new else ""

    def _refusals(self, stats: Stats) -> int:
        return stats.counters.get(DISK_FULL, 0) + self.desk.refusals

    def _say_of_room(self, *, waits: bool) -> None:
        if waits and not self._waits:
            self.say(
                f"{self._trouble()}. It goes on by itself when that is over; Ctrl-C ends it, and "
                "the same command goes on later."
            )
        elif self._waits and not waits:
            self.say("There is room again: going on." if self.bucket is None else "Going on.")
        self._waits = waits
        if waits and self.bucket is not None and self.bucket.why not in ("", self._said):
            self._said = self.bucket.why
            self.say(self._said)

    def _trouble(self) -> str:
        if self.bucket is not None and not self.room.is_low():
            return f"Images cannot be written to {self.bucket.name}: paused ({BUCKET_REFUSES})"
        if self._why and "ENOSPC" not in self._why and not self.room.is_low():
            return f"{self._why}: paused ({DISK_FULL})"
        return f"No more room in {self.folder}: paused ({DISK_FULL})"

    def _steer(self, action: Callable[[Frontier], None]) -> None:
        with suppress(StorageFullError):  # tried again at the next look
            self.desk.call(action).result()


def _listens(row: WorkerRow) -> bool:
    """Whether this is a worker of another machine that is there to be told."""
    return not row.worker.local and row.last_seen_s < 2 * BEAT_EVERY_S
