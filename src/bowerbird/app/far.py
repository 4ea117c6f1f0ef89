"""A worker process on another machine than its manager, one of those that `fleet` keeps alive.

Its parent tells it on standard input what to do (so that no key is seen in `ps`), and reads on its
standard output, a JSON object a line, what it does. When standard input closes the parent is gone,
and it ends in order.
"""

import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bowerbird.app.engines import RedisTarget
from bowerbird.app.way import OtherCrawlError, Target, VersionError, Way
from bowerbird.app.worker import LOST, Life, member_of, new_info
from bowerbird.errors import (
    AuthenticationError,
    BowerbirdError,
    CertificateError,
    ConnectionLostError,
    CrawlVanishedError,
    ProtocolError,
    StorageFullError,
    UsageError,
)
from bowerbird.fetch import Guard
from bowerbird.model import State, WorkerInfo
from bowerbird.settings import Job
from bowerbird.store import FileStore, claimed
from bowerbird.worker.away import wait_s
from bowerbird.worker.link import Tally, together
from bowerbird.worker.rights import OwnRights

if TYPE_CHECKING:
    from bowerbird.store.uploads import Uploads

#: Exit status of a worker for which it makes no sense to be started again.
HOPELESS = 4
#: What will not heal by itself, nor by another start.
HOPELESS_ERRORS = (
    AuthenticationError, CertificateError, CrawlVanishedError, ProtocolError, UsageError,
    VersionError,
)  # fmt: skip
#: How often the parent is told, in seconds.
TELL_EVERY_S = 0.5
#: How often an ended crawl is asked whether it goes on, in seconds.
STAY_S = 2.0


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker process is told."""

    target: Target | RedisTarget
    folder: str  #: where it stores images, absolute; "": in a bucket
    allow_private: bool = False
    allow_range: tuple[str, ...] = ()
    concurrency: int = 0  #: transfers in flight; 0: as the crawl says
    memory: int = 0  #: bytes for bodies and decodes; 0: as the crawl says
    stay: bool = False  #: wait for the next crawl when one has ended
    spools: str = ""  #: where bodies for a bucket lie meanwhile; "": where temporary files do
    more: tuple[Target | RedisTarget, ...] = ()  #: crawls to go on with, one after the other
    own: bool = False  #: a manager's own worker: it may go where the crawl may
    bucket: str = ""  #: where it stores images, as an s3:// URL; "": in a folder

    @property
    def place(self) -> str:
        """Where it stores images, for people."""
        return self.folder or self.bucket.partition("?")[0]

    def turned(self, turns: int, *, keep: bool = True) -> "Errand":
        """The errand that begins with a later crawl; `keep`: the first ones become the last."""
        targets = (self.target, *self.more)
        turns %= len(targets)
        first, *more = (*targets[turns:], *(targets[:turns] if keep else ()))
        return msgspec.structs.replace(self, target=first, more=tuple(more))

    def store(self, job: Job) -> "FileStore | Uploads":
        """What a crawl's images go to, claimed for it.

        Raises:
            UsageError: this crawl's images go elsewhere, or the place cannot be used.
            StorageFullError: the disk refuses.
        """
        if not (self.bucket or job.store):
            name = claimed(Path(self.folder), job.name)
            return FileStore(self.folder, durable=job.settings.durable, name=name)
        from bowerbird.app.bucket import uploads, way_there

        if self.own:  # its manager has claimed it, with the same keys
            return uploads(job.store, self.spools)
        store = uploads(way_there(self.bucket, job.store), self.spools)
        store.claim(job.name)
        return store


class Told(msgspec.Struct, kw_only=True):
    """What a worker process tells; counts are of its whole life."""

    tally: Tally
    crawls: tuple[str, ...] = ()  #: names of the crawls it has worked at
    owed: int = 0  #: results that wait to be handed in
    away_s: float | None = None  #: for how long it has had no manager
    note: str = ""  #: something people should know
    about: str = ""  #: what the note is about: once is enough, whichever process says it
    fatal: str = ""  #: why it makes no sense to go on
    usage: bool = False  #: that was a mistake in the command
    replaced: bool = False  #: another crawl is run at the address, before ours had ended


def main() -> int:
    """Do the errand on standard input; answers the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent
    far = Far(msgspec.json.decode(sys.stdin.buffer.readline(), type=Errand))
    signal.signal(signal.SIGTERM, lambda *_: far.stop())
    for target in (far.stop_without_parent, far.tell_for_ever):
        threading.Thread(target=target, daemon=True).start()
    return far.work()


class Far:
    """A worker's lives: one for each crawl, and for each change of its settings."""

    def __init__(self, errand: Errand) -> None:
        self._errand = errand
        self._stopped = threading.Event()
        self._life: Life | None = None
        self._job: Job | None = None
        self._alone_s: float | None = time.monotonic()  # without a manager since
        self._past = Tally()
        self._crawls: dict[str, None] = {}
        self._telling = threading.Lock()
        self._changed = self._replaced = False

    # Threads and signals beside the work.

    def stop(self) -> None:
        """Finish what is in flight, then end."""
        self._stopped.set()
        if self._life:
            self._life.loop.stop()

    def stop_without_parent(self) -> None:
        """Wait for the end of standard input, which is our parent's."""
        while os.read(sys.stdin.fileno(), 4_096):
            pass
        self.stop()

    def tell_for_ever(self) -> None:
        """Tell the parent how it goes."""
        while True:
            time.sleep(TELL_EVERY_S)
            self.tell()

    def tell(self, note: str = "", about: str = "", error: BowerbirdError | None = None) -> None:
        """Tell the parent how it goes, and what else there is to say."""
        life = self._life
        told = Told(
            tally=together((self._past, life.link.tally)) if life else self._past,
            crawls=tuple(self._crawls),
            owed=len(life.link.owed()) if life else 0,
            away_s=life.loop.away_s if life else self._waited_s(),
            note=note,
            about=about,
            fatal=str(error or ""),
            usage=isinstance(error, UsageError),
            replaced=self._replaced,
        )
        with self._telling:
            try:
                os.write(sys.stdout.fileno(), msgspec.json.encode(told) + b"\n")
            except OSError:
                return  # the parent is gone, which standard input will say

    def _waited_s(self) -> float | None:
        return None if self._alone_s is None else time.monotonic() - self._alone_s

    # The work.

    def work(self) -> int:
        """Work until the crawl has ended, or for ever; answers the exit status."""
        try:
            self._work()
        except HOPELESS_ERRORS as error:
            self.tell(error=error)
            return HOPELESS
        except BowerbirdError as error:
            print(f"worker {os.getpid()}: {error}", file=sys.stderr)  # noqa: T201
            return LOST
        self.tell()
        return 0

    def _work(self) -> None:
        while not self._stopped.is_set():
            job = self._next_job()
            if job is None:
                return
            error = self._live(job)
            if self._errand.more and not self._changed:
                self._go_on_elsewhere(error)
                continue
            if isinstance(error, OtherCrawlError):
                self._replaced = not self._errand.stay
                self.tell(str(error), "other crawl")
            elif error is not None:
                raise error
            elif self._changed:
                continue
            if not self._errand.stay:
                return
            if error is None:
                self.tell("It has ended: waiting for the next one (--stay).", f"end of {job.name}")
            self._stopped.wait(STAY_S)

    def _go_on_elsewhere(self, error: BowerbirdError | None) -> None:
        """This crawl has ended, or is gone: take the next one."""
        stay = self._errand.stay and error is None
        if error is not None and not isinstance(error, CrawlVanishedError):
            raise error
        if error is not None:
            self.tell(str(error), self._errand.target.address)
        self._errand = self._errand.turned(1, keep=stay)
        self._stopped.wait(STAY_S if stay else 0.0)

    def _next_job(self) -> Job | None:
        """What there is to do, as soon as a manager says so; None when asked to stop."""
        tries = 0
        while not self._stopped.is_set():
            try:
                job = self._errand.target.job()
                if not self._has_ended(job):
                    self._alone_s = None
                    return job
                self._alone_s, tries = None, 0
                self._stopped.wait(STAY_S)
            except (ConnectionLostError, StorageFullError):
                self._alone_s = self._alone_s or time.monotonic()
                self._errand = self._errand.turned(1)
                self._stopped.wait(wait_s(tries))
                tries += 1
        return None

    def _has_ended(self, job: Job) -> bool:
        """Whether this is the crawl at whose end we were, and it does not go on."""
        if self._changed or self._job is None or self._job.name != job.name:
            return False
        frontier = self._errand.target.open()
        try:
            return frontier.stats().state is State.ENDED
        finally:
            frontier.close()

    def _live(self, job: Job) -> BowerbirdError | None:
        errand, self._job, self._changed = self._errand, job, False
        job = _within(job, errand)
        store = errand.store(job)
        rights = None if errand.own else OwnRights(
            job, allow_private=errand.allow_private, allow_range=errand.allow_range,
            say=lambda text: self.tell(text, "rights"),
        )  # fmt: skip
        info = _far_info(errand.folder or store.name)
        way = Way(errand.target, self._job, self._begin_anew)
        try:
            member = member_of(way.connect, info, job)
        except (ConnectionLostError, OtherCrawlError):
            self._changed = True  # the manager has gone between two words: look again
            return None
        guard = rights.guard if rights else Guard.of(job)
        self._life = Life(job, member, store, guard, info.name, rights, self._say_of_bucket)
        if self._crawls and job.name not in self._crawls:
            what = ", ".join(job.start_urls[:3]) or "a list"
            self.tell(f"Joined the next one: {job.settings.mode} of {what}.", f"join {job.name}")
        self._crawls[job.name] = None
        if self._stopped.is_set() or self._changed:
            self._life.loop.stop()
        error = self._life.live()
        life, self._life = self._life, None
        self._past = together((self._past, life.link.tally))
        self.tell()
        return error

    def _say_of_bucket(self, text: str) -> None:
        self.tell(text, f"bucket: {text}")

    def _begin_anew(self) -> None:
        """The crawl goes on with other settings: this life ends in order, the next has them."""
        self._changed = True
        if self._life:
            self._life.loop.stop()


def _within(job: Job, errand: Errand) -> Job:
    """A job within what this machine's owner wants to spend on it."""
    own = {
        name: value
        for name, value in (("concurrency", errand.concurrency), ("memory", errand.memory))
        if value
    }
    return msgspec.structs.replace(job, settings=msgspec.structs.replace(job.settings, **own))


def _far_info(folder: str) -> WorkerInfo:
    return msgspec.structs.replace(
        new_info(), local=False, address=socket.gethostname(), folder=folder
    )
