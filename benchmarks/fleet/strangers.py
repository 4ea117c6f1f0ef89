"""Thousands of connections that never authenticate: the manager's threads and memory, the crawl.

Everything is on loopback, since all of 127/8 are addresses to come from. One worker crawls over TCP
all the time; while the strangers are there, others who have the key come in again and again.
"""

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.fleet.process import Look, Watch
from benchmarks.tables import MIB, table
from benchmarks.webserver import free_port
from bowerbird.app.visit import visit
from bowerbird.errors import BowerbirdError
from bowerbird.frontier.remote import RemoteFrontier

#: Connections of one process of strangers: the machine may refuse it more files than 20,000.
EACH = 12_500
#: Attempts a second of all strangers together.
RATE = 2_000
#: How long the crawl is watched before they come, and after the last of them has, in seconds.
WATCH_S = 5.0
#: Time between two who have the key and come in meanwhile, in seconds.
JOIN_EVERY_S = 0.25
KEY = b"the key of this measurement"
#: Images of the crawl: more than it can fetch meanwhile.
IMAGES = 60_000
#: The web server thinks for so long, in seconds, so that the rate is its, not the machine's.
PAUSE_S = 0.05
PER_HOST = 8


@dataclass
class Seen:
    """A stretch of the crawl."""

    looks: list[Look]
    images: int
    open: int = 0  #: connections that strangers held at its end
    waits_s: list[float] = field(default_factory=list)  #: of those who had the key
    refused: int = 0  #: of those who had the key

    def line(self, name: str) -> list[str]:
        """For the table."""
        first, last = self.looks[0], self.looks[-1]
        spent_s = last.at_s - first.at_s
        return [
            name,
            f"{self.open:,}",
            str(max(one.threads for one in self.looks)),
            f"{max(one.rss for one in self.looks) / MIB:.0f} MiB",
            f"{max(one.files for one in self.looks):,}",
            f"{(last.cpu_s - first.cpu_s) / spent_s:.0%}",
            f"{self.images / spent_s:.0f}",
            f"{1e3 * max(self.waits_s, default=0.0):.0f} ms",
            f"{self.refused} of {len(self.waits_s) + self.refused}",
        ]


def section(numbers: list[int]) -> str:
    """A line before and one while so many strangers come, for each number."""
    head = ["connections begun by strangers", "of them open", "manager's threads", "memory",
            "open files", "CPU", "images/s", "slowest entry with the key", "refused"]  # fmt: skip
    return table(head, [line for number in numbers for line in _lines(number)])


def _lines(number: int) -> Iterator[list[str]]:
    with tempfile.TemporaryDirectory() as folder, _crawl(Path(folder)) as crawl:
        yield _said(crawl.watched(WATCH_S).line("none"))
        with strangers("127.0.0.1", crawl.port, number) as told:
            seen = crawl.watched(number / RATE + WATCH_S)
            begun = sum(one[1] for one in told)
            seen.open = sum(one[0] for one in told)
        yield _said(seen.line(f"{begun:,}"))


def _said(line: list[str]) -> list[str]:
    print(" | ".join(line), flush=True)
    return line


# The crawl.


@dataclass
class Crawl:
    """A manager that listens, and its folder."""

    out: Path
    pid: int
    port: int

    def records(self) -> int:
        """Images so far, asked for through the private socket."""
        with visit(str(self.out)) as one:
            return one.frontier.stats().records

    def watched(self, seconds: float) -> Seen:
        """Look on for a while, and come in with the key again and again."""
        before, until_s = self.records(), time.monotonic() + seconds
        waits_s: list[float] = []
        refused = 0
        with Watch(self.pid) as watch:
            while time.monotonic() < until_s:
                try:
                    waits_s.append(self._enter_s())
                except BowerbirdError:
                    refused += 1
                time.sleep(JOIN_EVERY_S)
        return Seen(watch.looks, self.records() - before, waits_s=waits_s, refused=refused)

    def _enter_s(self) -> float:
        """Seconds until somebody new with the key has an answer."""
        began_s = time.monotonic()
        frontier = RemoteFrontier(f"tcp://127.0.0.1:{self.port}", KEY)
        frontier.stats()
        frontier.close()
        return time.monotonic() - began_s


@contextmanager
def _crawl(folder: Path) -> Iterator[Crawl]:
    """Manager, worker and web server, each a process; all on loopback."""
    out, key, urls = folder / "out", folder / "key", folder / "urls.txt"
    port, web = free_port(), free_port()
    key.write_bytes(KEY)
    urls.write_text("".join(f"http://127.0.0.1:{web}/{n}.png\n" for n in range(IMAGES)))
    bowerbird = [sys.executable, "-m", "bowerbird"]
    common = ["--authkey-file", str(key), "--allow-private"]
    with ExitStack() as stack:
        start = _starter(stack, folder)
        start([sys.executable, "-m", "benchmarks.fleet.loadweb", "127.0.0.1", str(web),
               str(PAUSE_S), str(folder / "requests")])  # fmt: skip
        manager = start([*bowerbird, "download", str(urls), "-o", str(out), "--workers", "0",
                         "--delay", "0", "--per-host", str(PER_HOST), "--quiet",
                         "--listen", f"127.0.0.1:{port}", *common])  # fmt: skip
        start([*bowerbird, "worker", f"tcp://127.0.0.1:{port}", "-o", str(folder / "far"),
               "--workers", "1", *common])  # fmt: skip
        crawl = Crawl(out, manager.pid, port)
        while not (out / ".bowerbird/address").exists() or crawl.records() < PER_HOST:
            time.sleep(0.1)
        yield crawl


def _starter(stack: ExitStack, folder: Path) -> Callable[[list[str]], subprocess.Popen[bytes]]:
    log = stack.enter_context((folder / "said.log").open("ab"))

    def start(command: list[str]) -> "subprocess.Popen[bytes]":
        process = stack.enter_context(subprocess.Popen(command, stdout=log, stderr=log))
        stack.callback(process.terminate)
        return process

    return start


# The strangers.


@contextmanager
def strangers(host: str, port: int, number: int, rate: int = RATE) -> Iterator[list[list[int]]]:
    """So many connections; gives a list that holds each process's latest `open begun refused`."""
    sizes = [min(EACH, number - first) for first in range(0, number, EACH)]
    told = [[0, 0, 0] for _ in sizes]
    with ExitStack() as stack:
        for n, size in enumerate(sizes):
            words = [host, port, size, n * 10_000_000, rate // len(sizes)]
            stack.enter_context(_holder(list(map(str, words)), told[n]))
        yield told


@contextmanager
def _holder(words: list[str], told: list[int]) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.fleet.holder", *words]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def read() -> None:
        assert process.stdout
        for line in process.stdout:
            told[:] = map(int, line.split())

    with process:
        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            yield
        finally:
            assert process.stdin
            process.stdin.close()
            reader.join()
