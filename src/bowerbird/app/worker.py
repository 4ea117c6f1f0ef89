"""A worker process: its parts put together, and its life."""

import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bowerbird._version import __version__
from bowerbird.clock import SystemClock
from bowerbird.errors import BowerbirdError, ConnectionLostError, StorageFullError
from bowerbird.fetch import Fetcher, Guard, limits_of
from bowerbird.frontier.base import Frontier
from bowerbird.frontier.remote import RemoteFrontier
from bowerbird.images import make_decoder
from bowerbird.model import WorkerInfo
from bowerbird.settings import Job
from bowerbird.store import FileStore
from bowerbird.worker.ask import Asker
from bowerbird.worker.durable import Durable
from bowerbird.worker.judge import Judge
from bowerbird.worker.keep import Keeper
from bowerbird.worker.link import NO_ROOM_S, Link
from bowerbird.worker.links import Admission, Finder
from bowerbird.worker.loop import GRACE_S, Loop
from bowerbird.worker.read import Reader
from bowerbird.worker.work import Work

#: Exit status of a worker whose session or manager was lost.
LOST = 3
#: A manager that is not there after so long will not come, in seconds.
PATIENCE_S = 20.0


def main(address: str, authkey_file: str) -> int:
    """Work for the manager at this address until the crawl has ended; answers the exit status."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the manager, which says what to do
    try:
        frontier = RemoteFrontier(address, Path(authkey_file).read_bytes())
        return _work(frontier, _job(frontier))
    except BowerbirdError as error:
        print(f"worker {os.getpid()}: {error}", file=sys.stderr)  # noqa: T201
        return LOST


def _job(frontier: RemoteFrontier) -> Job:
    """What there is to do. Workers are started first: the manager may still be on its way."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return frontier.job()
        except ConnectionLostError:
            if time.monotonic() > until:
                raise
            time.sleep(0.002)


def _work(frontier: RemoteFrontier, job: Job) -> int:
    clock = SystemClock()
    info = WorkerInfo(
        name=f"{os.uname().nodename}-{os.getpid()}-{secrets.token_hex(3)}",
        version=__version__,
        pid=os.getpid(),
    )
    session = _attached(frontier, info, hard_end_s(job))
    store = FileStore(job.folder, durable=job.settings.durable)
    limits = limits_of(job.settings, job.secrets, workers=job.workers)
    fetcher = Fetcher(limits, Guard.of(job), store.spool)
    link = Link(frontier, session, clock, fetcher.wake, Durable(store))
    loop = Loop(
        link, fetcher, Asker(job), make_work(job, store, link, info.name, fetcher.wake), clock,
        job.settings.concurrency,
    )  # fmt: skip
    signal.signal(signal.SIGTERM, lambda *_: loop.stop())
    link.start()
    loop.run()
    link.close(GRACE_S)
    fetcher.close()
    return LOST if loop.error else 0


def _attached(frontier: Frontier, info: WorkerInfo, most_s: float) -> str:
    """A session, as soon as the manager's disk has room to note it."""
    while True:
        try:
            return frontier.attach(info, hard_end_s=most_s).session
        except StorageFullError:
            time.sleep(NO_ROOM_S)


def make_work(job: Job, store: FileStore, link: Link, name: str, wake: Callable[[], None]) -> Work:
    """What turns answers into outcomes."""
    settings, wall_s = job.settings, SystemClock.wall_s
    admission = Admission(settings, job.start_urls)
    judge = Judge(settings, wall_s, admission.redirect)
    keeper = Keeper(store, make_decoder(settings, wake), judge, name, wall_s)
    finder = Finder(admission, link.known)
    return Work(settings, judge, Reader(settings, admission, finder, keeper, judge), keeper)


def hard_end_s(job: Job) -> float:
    """The longest life of a lease: ahead + transfer + decode + 10 s (docs/architecture.md)."""
    return 30.0 + job.settings.timeout + 10.0 + 10.0
