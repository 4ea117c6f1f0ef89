"""A crawl with everything that may be broken in it: manager, workers of its own and far ones, a
web, perhaps a Redis; and outside of it a ledger and a watch."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bowerbird.app.folder import Folder
from bowerbird.app.visit import visit
from bowerbird.errors import FolderInUseError
from bowerbird.frontier.base import Frontier
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.remote import RemoteFrontier
from bowerbird.store import FileStore
from bowerbird.store.names import owner_of
from tests.bird import bird, wait_for
from tests.chaos.disks import UnableError
from tests.chaos.ledger import Ledger
from tests.chaos.toll import Toll, compare, count, forgive_latest
from tests.chaos.watch import Watch, role_of
from tests.chaos.world import World, world
from tests.family import workers
from tests.net.fleet import Running, judge
from tests.net.slowline import Line, SlowLine
from tests.ports import free_port
from tests.redis_fixtures import RedisServer

#: What the crawl is told to leave between two requests to one host, in seconds.
DELAY_S = 0.1
BROKEN = Path(__file__).parent / "broken"
#: URLs of a row's web: so many faults, each with some seconds of crawling.
URLS_A_FAULT, URLS_AT_LEAST = 120, 200


#: With `appendfsync everysec` what was answered is on the disk after a second and one sync, in
#: seconds; here disks are slow.
LATE_S = 5.0


class Here:
    """This machine, in the place of a host of `tests.net`: how programs are started."""

    def __init__(self, name: str, before: Sequence[object] = (), **environment: str) -> None:
        """`before`: words of a command that runs the rest of its line, as strace does."""
        self.name = name
        self._before, self._environment = before, environment

    def popen(self, words: Sequence[object], **more: Any) -> subprocess.Popen[Any]:
        """Start a program."""
        line = [str(word) for word in (*self._before, *words)]
        return subprocess.Popen(line, env=os.environ | self._environment, **more)


class Scene:
    """One crawl, to be broken and mended."""

    def __init__(
        self, folder: Path, world: World, options: Sequence[object] = (),
        redis: RedisServer | None = None, out: Path | None = None,
    ) -> None:  # fmt: skip
        self.folder, self.world, self.web = folder, world, world.web
        self.out = out or folder / "out"
        self.options = options
        self.environment: Mapping[str, str] = {}
        self.redis = redis
        self.port = free_port()
        self.key = folder / "key"
        self.key.write_text("the key of this scene")
        self.key.chmod(0o600)
        self.line = SlowLine(("127.0.0.1", redis.port if redis else self.port), Line())
        self.delay_s = DELAY_S
        self.late_s = 0.0
        self.running: list[Running] = []
        self.faults: list[str] = []
        self.faults_s: list[float] = []
        self.ledger = Ledger(self.frontier, world.hidden, reads=redis is None)
        self.watch = Watch(lambda: [one.pid for one in self.running])
        self.began_s = time.monotonic()

    # Processes.

    def start(self, *before: object, workers: int = 2, **environment: str) -> Running:
        """The manager; again: it takes the crawl up."""
        where = ("--engine", self.redis.address("chaos")) if self.redis else self._listening
        return self._run(
            Here("manager", before, **self.environment, **environment),
            "crawl", self.web.start, "-o", self.out, "--scope", "any", "--allow-private",
            "--delay", self.delay_s, "--workers", workers, "--quiet", *where, *self.options,
        )  # fmt: skip

    def start_if_it_could_not(self) -> None:
        """A manager that starts on a full disk or without its Redis says so, and ends."""
        if self.manager.process.poll() == 1:
            last = self.manager.said.splitlines()[-1]
            assert "cannot be written" in last or "cannot be reached" in last, last
            self.start()

    def join(self, name: str, *before: object, out: Path | None = None) -> Running:
        """A worker as of another machine, with one process, at the end of a line of its own."""
        place = f"127.0.0.1:{self.line.address[1]}"
        address = f"redis://{place}/0?crawl=chaos" if self.redis else f"tcp://{place}"
        key = () if self.redis else ("--authkey-file", self.key)
        return self._run(
            Here(name, before, **self.environment),
            "worker", address, "-o", out or self.folder / name, "--workers", 1,
            "--allow-private", *key,
        )  # fmt: skip

    @property
    def _listening(self) -> tuple[object, ...]:
        return ("--listen", f"127.0.0.1:{self.port}", "--authkey-file", self.key)

    def _run(self, host: Here, *arguments: object) -> Running:
        one = Running(host, arguments, self.folder / f"{host.name}.log")  # type: ignore[arg-type]
        self.running.append(one)
        return one

    def frontier(self) -> Frontier:
        """Another caller of the crawl's."""
        if self.redis:
            return RedisFrontier(self.redis.address("chaos"))
        return RemoteFrontier(f"tcp://127.0.0.1:{self.port}", self.key.read_bytes())

    @property
    def manager(self) -> Running:
        """The one that was started last."""
        return [one for one in self.running if one.host.name == "manager"][-1]

    def workers_of(self, one: Running) -> list[int]:
        """Process ids of its workers, without those that are still python and no worker yet."""
        return [pid for pid in workers(one.pid) if is_worker(pid)]

    # What happens.

    def fault(self, name: str) -> None:
        """Write down that one happens now."""
        self.faults.append(name)
        self.faults_s.append(time.monotonic())

    def wait_for_requests(self, number: int) -> None:
        """Until the web has seen so many more."""
        wanted = len(self.web.log) + number
        wait_for(f"{number} requests: {self.faults}", lambda: len(self.web.log) >= wanted)

    def wait_for_promises(self, number: int = 1) -> None:
        """Until so many more URLs have been accepted from the clerk, or all have."""
        there, all_urls = self.ledger.accepted, len(self.world.hidden)
        wanted = min(all_urls, len(there) + number)
        wait_for("accepted URLs", lambda: len(there) >= wanted)

    def is_free(self) -> bool:
        """Whether no process works in the folder: threads may outlive a zombie for a moment."""
        try:
            with Folder(self.out).locked():
                return True
        except FolderInUseError:
            return False

    def audit(self) -> list[str]:
        """What is wrong with the books, while no manager runs; with `PRAGMA integrity_check`."""
        with visit(str(self.out)) as crawl:
            return crawl.frontier.audit()

    def drain(self, row: str, seed: int, patience_s: float = 240) -> Toll:
        """Let the crawl come to its end, and compare."""
        self.ledger.close_books()
        self._let_end(time.monotonic() + patience_s)
        if self.redis:  # what far workers did for the clerk after the end is still in Redis
            self.start()
            self._let_end(time.monotonic() + patience_s)
        self.watch.stop()
        for one in self.running:
            one.kill() if one.host.name == "manager" else self._leave(one)
        return self._toll(row, seed)

    def _let_end(self, until_s: float) -> None:
        while True:
            status = self.manager.process.wait(max(1.0, until_s - time.monotonic()))
            if status == 0 and not self._waits():
                return
            if status == 1:  # it was starting, and has ended after the fault had passed
                self.start_if_it_could_not()
                continue
            assert status <= 0 or status == 130, f"status {status}: {self.manager.said}"
            self.start()

    def _waits(self) -> bool:
        """Whether the clerk was the last: what is accepted after the end waits for the next run."""
        with visit(str(self.out)) as crawl:
            return bool(crawl.frontier.stats().waiting)

    def _leave(self, one: Running) -> None:
        """Far workers end by themselves when the crawl has ended, all but those that are stuck."""
        try:
            one.process.wait(20)
        except subprocess.TimeoutExpired:
            one.kill()

    def _toll(self, row: str, seed: int) -> Toll:
        toll = Toll(row, seed, self.faults, rule_s=self.delay_s)
        compare(toll, judge(self.out, set(self.world.shown)), self.ledger, self.world)
        count(toll, self.web, self.ledger, self.faults_s)
        if self.late_s:
            forgive_latest(toll, self.ledger, self._redis_faults_s, self.late_s)
        toll.left = sum(len(leftovers(place)) for place in self.places)
        toll.stuck = toll.left - sum(FileStore(place).sweep() for place in self.places)
        toll.peak_rss = dict(self.watch.peak_rss)
        toll.files = self._files()
        toll.seconds = time.monotonic() - self.began_s
        return toll

    @property
    def _redis_faults_s(self) -> list[float]:
        both = zip(self.faults_s, self.faults, strict=True)
        return [at_s for at_s, name in both if "redis" in name.lower()]

    @property
    def places(self) -> list[Path]:
        """All folders with images."""
        return [self.out, *(self.folder / name for name in {one.host.name for one in self.running})]

    def _files(self) -> tuple[int, int]:
        """Open in the last manager a moment after its birth and before its end."""
        seen = self.watch.of("manager")
        longest = max(seen, key=len, default=[])
        fifth = len(longest) // 5
        return (longest[fifth].files, longest[-1 - fifth].files) if longest else (0, 0)

    def close(self) -> None:
        """Nothing is left running."""
        self.ledger.close_books()
        for one in self.running:
            one.signal(signal.SIGCONT)
            one.kill()
        self.line.stop()


def is_worker(pid: int) -> bool:
    """Whether it is one now: it may be still to become one, or dead."""
    return role_of(pid) == "worker"


def leftovers(out: Path) -> list[Path]:
    """Temporary files of stores."""
    found = (out / "images").glob("**/.*")
    return [path for path in found if owner_of(str(path.relative_to(out)))]


def verified(out: Path) -> str:
    """What `verify` says, "" where all is well."""
    ran = bird("verify", out)
    return "" if ran.status == 0 else ran.out


def slip_in(what: str, clock: Path | None = None) -> Callable[[Scene], None]:
    """Has all processes of a scene load something of `broken/sitecustomize.py`."""

    def prepare(crawl: Scene) -> None:
        crawl.environment = {"BREAK": what, "PYTHONPATH": str(BROKEN), "CLOCK_FILE": str(clock)}

    return prepare


def with_late_writes(crawl: Scene) -> None:
    """A Redis that syncs each second: what it has answered last may be lost with it."""
    crawl.late_s = LATE_S


def hurried(crawl: Scene) -> None:
    """Shorter delays: more happens between two faults."""
    crawl.delay_s = 0.03


def patient(crawl: Scene) -> None:
    """Longer delays: what a worker has at hand keeps it busy for a while."""
    crawl.delay_s = 0.5


def urls_for(faults: int) -> int:
    """URLs of a web that keeps a crawl busy for so many faults."""
    return URLS_AT_LEAST + URLS_A_FAULT * faults


def need_program(name: str) -> None:
    """Raises UnableError where it is not installed."""
    if shutil.which(name) is None:
        raise UnableError(f"{name} is not installed")


@contextmanager
def scene(
    folder: Path, seed: int, urls: int, options: Sequence[object] = (),
    redis: RedisServer | None = None, out: Path | None = None,
    prepare: Callable[[Scene], None] = lambda _: None, workers: int = 2,
) -> Iterator[Scene]:  # fmt: skip
    """A scene with its web, its clerk at work and its watch on; nothing is left running."""
    folder.mkdir(parents=True, exist_ok=True)
    with world(seed, urls) as made:
        one = Scene(folder, made, options, redis, out)
        prepare(one)
        try:
            one.line.start("127.0.0.1")
            one.watch.start()
            one.start(workers=workers)
            if redis:  # whoever comes first makes the crawl, and that is for the manager to do
                one.wait_for_requests(1)
            one.ledger.start()
            yield one
        finally:
            one.close()
