"""The worker processes of one machine for a manager on another: started, watched, told of."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from math import inf
from pathlib import Path

import msgspec

from bowerbird._version import __version__
from bowerbird.app.children import COMMAND, Children
from bowerbird.app.far import Errand
from bowerbird.app.folder import foreign
from bowerbird.app.interrupts import taken
from bowerbird.clock import SystemClock
from bowerbird.errors import (
    BowerbirdError,
    ConnectionLostError,
    FolderError,
    StorageFullError,
)
from bowerbird.fetch.guard import Guard
from bowerbird.manager.supervisor import ENDS_AT_ONCE, Supervisor
from bowerbird.settings import Job
from bowerbird.store.marker import MARKER, no_folder
from bowerbird.words import many
from bowerbird.worker.away import wait_s
from bowerbird.worker.link import Tally

#: Where images go unless told otherwise.
FOLDER = "bowerbird-images"
#: How often the parent looks around, in seconds.
LOOK_EVERY_S = 0.1
#: How often it says that it still waits for a manager, in seconds.
WAITING_S = 60.0
#: Workers may finish what is in flight for so long, in seconds.
GRACE_S = 14.0
#: A manager that is away for so short is not worth a line, in seconds.
BLINK_S = 1.0


@dataclass(slots=True)
class Fleet:
    """What a person asks for."""

    errand: Errand
    count: int  #: worker processes
    said: Callable[[str], None] = lambda _: None  #: a line for people
    tell: Callable[["FleetProgress"], None] = lambda _: None
    patience_s: float = inf  #: how long to go on without a manager
    signals: bool = False  #: Ctrl-C is taken as a wish to stop in order
    interrupts: int = 0
    waits: bool = False  #: there is no manager yet, and nothing to finish

    def interrupt(self) -> None:
        """Ctrl-C: finish what is in flight; the second one leaves at once."""
        self.interrupts += 1
        if self.waits:
            raise KeyboardInterrupt

    @property
    def how_long(self) -> str:
        """For how long it tries, for people."""
        if self.patience_s == inf:
            return "for ever, unless --patience says otherwise"
        return f"for {self.patience_s:g} s at most"


class FleetProgress(msgspec.Struct, frozen=True, kw_only=True):
    """What the processes of this machine have come to."""

    tally: Tally
    seconds: float
    processes: int
    working: int = 0  #: of the processes: those that have a manager
    owed: int = 0  #: results that wait to be handed in
    away_s: float | None = None  #: for how long no process has had a manager


class FleetReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker command came to, for people and for programs."""

    address: str
    state: str  #: ended, interrupted; alone: no manager any more; replaced: by another crawl
    crawls: tuple[str, ...]
    folder: str
    images: int
    bytes: int
    pages: int
    failed: int
    refused: int  #: results that came too late, and had been fetched by others
    lost: int  #: results that could not be handed in
    seconds: float
    workers_died: int


def join(fleet: Fleet) -> FleetReport:
    """Work for a manager until its crawl has ended or it is interrupted.

    Raises:
        UsageError: an option or the folder cannot be used.
        BowerbirdError: what answers there is no manager for us.
    """
    Guard(allow_range=fleet.errand.allow_range)  # says what is wrong with --allow-range
    if fleet.errand.folder:
        _require_usable(Path(fleet.errand.folder))
    run = _FleetRun(fleet)
    with taken(fleet, wanted=fleet.signals):
        job = _first_job(run, fleet)
        if job is not None:
            _settle(fleet, job)
            for line in _announcement(fleet, job):
                fleet.said(line)
            run.work()
    return run.report()


def _first_job(run: "_FleetRun", fleet: Fleet) -> Job | None:
    fleet.waits = True
    try:
        return run.first_job()
    except KeyboardInterrupt:
        return None
    finally:
        fleet.waits = False


def _settle(fleet: Fleet, job: Job) -> None:
    """Where images go: where -o says, or to a folder of ours."""
    errand = fleet.errand
    if not (errand.place or job.store):
        fleet.errand = errand = msgspec.structs.replace(errand, folder=str(Path(FOLDER).absolute()))
        _require_usable(Path(errand.folder))
    store = errand.store(job)
    if errand.bucket:
        store.sweep()  # what an earlier one left here that was killed


def _others(errand: Errand) -> str:
    return f" and {len(errand.more)} more" if errand.more else ""


def _require_usable(path: Path) -> None:
    """Raises FolderError where a folder holds other things, or could not be made. It is not made:
    whoever never finds a manager leaves nothing behind."""
    try:
        known = (path / MARKER).exists() or (path / "crawl.db").exists()
        if not known and path.exists() and any(foreign(path)):
            raise FolderError(
                f"{path} is not empty and holds no images of Bowerbird; "
                "name a new or an empty folder with -o."
            )
        there = next(one for one in (path, *path.parents) if one.exists())
        if not there.is_dir():
            raise NotADirectoryError
    except NotADirectoryError:
        raise no_folder(path) from None
    except OSError as error:
        raise FolderError(f"{path} cannot be written: {error.strerror}.") from None
    if not os.access(there, os.W_OK | os.X_OK):
        raise FolderError(f"{path} cannot be written: permission denied.")


def _announcement(fleet: Fleet, job: Job) -> list[str]:
    errand = fleet.errand
    what = ", ".join(job.start_urls[:3]) or "a list"
    lines = [
        f"Joined {errand.target.address}{_others(errand)}: {job.settings.mode} of {what}, with "
        f"{fleet.count} worker process{'es' if fleet.count > 1 else ''}; images go to "
        f"{errand.place}."
    ]
    if job.version != __version__:
        there = job.version or "another version"
        lines.append(f"note: the manager is Bowerbird {there}, this is {__version__}.")
    if job.withheld:
        lines.append(
            "note: this crawl uses headers or cookies, which are not sent over a connection that "
            "is not encrypted: pages are fetched without them here. Use tls:// to have them."
        )
    return lines


class _FleetRun:
    """The state of one run."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._began_s = time.monotonic()
        turns = count()  # processes are spread over the crawls there are
        self._children = Children(lambda: fleet.errand.turned(next(turns)))
        self._crawls: dict[str, None] = {}
        self._away = self._is_full = self._alone = False
        self._no_room = self._stored = 0
        self._supervisor = Supervisor(COMMAND, fleet.count, SystemClock(), self._children.spawn)

    # Before the work.

    def first_job(self) -> Job | None:
        """What there is to do, as soon as a manager says so; None when interrupted.

        Raises:
            ConnectionLostError: none has come, and patience is at its end.
        """
        target, tries, said_s = self._fleet.errand.target, 0, 0.0
        while not self._fleet.interrupts:
            try:
                return target.job()
            except (ConnectionLostError, StorageFullError) as error:
                now_s = time.monotonic()
                if now_s - self._began_s >= self._fleet.patience_s:
                    raise ConnectionLostError(
                        f"{error} Waited for {self._fleet.patience_s:g} s (--patience)."
                    ) from None
                if not said_s or now_s - said_s > WAITING_S:
                    self._fleet.said(
                        f"{error} Waiting for it {self._fleet.how_long}; Ctrl-C ends that."
                    )
                    said_s = now_s
                self._sleep(wait_s(tries))
                tries += 1
        return None

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._fleet.interrupts and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_EVERY_S))

    # The work.

    def work(self) -> None:
        """Keep the processes running until all have ended."""
        supervisor, fleet = self._supervisor, self._fleet
        supervisor.start()
        try:
            while supervisor.running and not (fleet.interrupts or self._alone):
                time.sleep(LOOK_EVERY_S)
                self._look()
                tally = self._children.tally()
                supervisor.check(tally.images + tally.pages + tally.failed)
            self._end()
        finally:
            supervisor.kill()
        self._children.join()
        self._look()

    def _end(self) -> None:
        """Ctrl-C: let them finish what is in flight; again, or where nobody is left to hand it in
        to: leave at once."""
        if not self._fleet.interrupts:
            return
        self._supervisor.ask_to_stop()
        until = time.monotonic() + GRACE_S
        while self._supervisor.lives() and time.monotonic() < until:
            if self._fleet.interrupts > 1:
                return
            time.sleep(LOOK_EVERY_S)
            self._look()

    def _look(self) -> None:
        """Say what the processes told; raises what none of them can get over."""
        for note in self._children.notes():
            self._fleet.said(note)
        for child in self._children.all:
            self._crawls |= dict.fromkeys(child.told.crawls)
        self._children.check()
        if self._supervisor.hopeless():
            raise BowerbirdError(ENDS_AT_ONCE)
        progress = self._progress()
        self._alone = self._alone or (progress.away_s or 0.0) >= self._fleet.patience_s
        self._say_of_manager(progress)
        self._say_of_room(progress.tally)
        self._fleet.tell(progress)

    def _say_of_manager(self, progress: FleetProgress) -> None:
        away = (progress.away_s or 0.0) > BLINK_S
        if away and not self._away:
            kept = f" {many(progress.owed, 'result')} kept for it." if progress.owed else ""
            self._fleet.said(
                f"The manager at {self._fleet.errand.target.address} is away.{kept} "
                f"Trying again and again {self._fleet.how_long}; Ctrl-C ends that."
            )
        elif self._away and progress.working:
            self._fleet.said("The manager is back: going on.")
        self._away = away or (self._away and not progress.working)

    def _say_of_room(self, tally: Tally) -> None:
        full, stored = tally.no_room > self._no_room, tally.images > self._stored
        errand = self._fleet.errand
        if full and not self._is_full:
            refused = "No more room in" if errand.folder else "No image can be put into"
            self._fleet.said(
                f"{refused} {errand.place}: what it was to hold goes to others. "
                "Trying again now and then."
            )
        elif self._is_full and stored and not full:
            self._fleet.said("There is room again: going on.")
        self._is_full = full or (self._is_full and not stored)
        self._no_room, self._stored = tally.no_room, tally.images

    def _progress(self) -> FleetProgress:
        living = self._children.living()
        away = [child.told.away_s for child in living if child.told.away_s is not None]
        return FleetProgress(
            tally=self._children.tally(),
            seconds=time.monotonic() - self._began_s,
            processes=len(living),
            working=len(living) - len(away),
            owed=sum(child.told.owed for child in living),
            away_s=min(away) if away and len(away) == len(living) else None,
        )

    def report(self) -> FleetReport:
        """What it came to."""
        tally, errand = self._children.tally(), self._fleet.errand
        return FleetReport(
            address=errand.target.address,
            state=self._state(),
            crawls=tuple(self._crawls), folder=errand.place, images=tally.images,
            bytes=tally.bytes, pages=tally.pages, failed=tally.failed, refused=tally.refused,
            lost=sum(child.told.owed for child in self._children.all),
            seconds=time.monotonic() - self._began_s, workers_died=self._supervisor.deaths,
        )  # fmt: skip

    def _state(self) -> str:
        if self._fleet.interrupts:
            return "interrupted"
        if any(child.told.replaced for child in self._children.all):
            return "replaced"
        return "alone" if self._alone else "ended"
