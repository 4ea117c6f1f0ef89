"""A crawl on several hosts: manager, web server and workers, each in a namespace of its own."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bowerbird.app.entries import all_entries
from bowerbird.app.visit import visit
from bowerbird.errors import BowerbirdError
from bowerbird.model import Record, Stats
from bowerbird.store.marker import place_of
from tests.net.lan import Host, Lan
from tests.web import Answers, Web, serve

#: Where managers listen; each has a network of its own.
PORT = 8001
#: No program of a test runs longer, in seconds.
PATIENCE_S = 90


class Running:
    """A `bowerbird` command on a host, in a process group of its own; it speaks into a file."""

    def __init__(self, host: Host, arguments: Sequence[object], log: Path) -> None:
        self.host = host
        self.log = log
        with log.open("ab") as said:
            self.process = host.popen(
                [sys.executable, "-m", "bowerbird", *arguments],
                stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip

    def __repr__(self) -> str:
        return f"<Running on {self.host.name}: {self.process.args}>"

    @property
    def pid(self) -> int:
        """Of the command itself."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    @property
    def said(self) -> str:
        """All it has said so far, on both streams."""
        return self.log.read_text(errors="replace")

    def signal(self, number: signal.Signals) -> None:
        """To it and all its children: SIGSTOP freezes them as a machine that sleeps."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def kill(self) -> None:
        """kill -9 of it and all its children."""
        self.signal(signal.SIGKILL)
        self.process.wait(PATIENCE_S)

    def ended(self) -> int:
        """Wait for its end; the exit status."""
        return self.process.wait(PATIENCE_S)


class Fleet:
    """The hosts of one crawl and what runs there."""

    def __init__(self, lan: Lan, folder: Path) -> None:
        self.lan = lan
        self.manager_host = lan.host("manager")
        self.out = folder / "out"
        self.folder = folder
        self.key = folder / "key"
        self.key.write_text("the key of this fleet")
        self.key.chmod(0o600)
        self.running: list[Running] = []

    @property
    def address(self) -> str:
        """Of the manager."""
        return f"tcp://{self.manager_host.address}:{PORT}"

    def manage(self, *arguments: object) -> Running:
        """Start the manager, without workers of its own; again on the same folder: take it up."""
        listen = f"{self.manager_host.address}:{PORT}"
        return self._run(
            self.manager_host,
            *arguments, "-o", self.out, "--workers", 0, "--listen", listen,
            "--authkey-file", self.key, "--allow-private", "--quiet",
        )  # fmt: skip

    def crawl(self, *more: object) -> Running:
        """A manager for pages."""
        return self.manage("crawl", *more)

    def download(self, urls: Sequence[str], *more: object) -> Running:
        """A manager for a list of images."""
        listed = self.folder / "urls.txt"
        listed.write_text("".join(f"{url}\n" for url in urls))
        return self.manage("download", listed, *more)

    def join(self, host: Host, *more: object, address: str = "") -> Running:
        """Start a worker; each host has an output folder of its own."""
        return self._run(
            host,
            "worker", address or self.address, "-o", self.folder_of(host),
            "--authkey-file", self.key, "--allow-private", *(more or ("--workers", 1)),
        )  # fmt: skip

    def workers(self, number: int) -> list[Running]:
        """That many workers, each on a new host."""
        return [self.join(self.lan.host(f"worker{n + 1}")) for n in range(number)]

    def folder_of(self, host: Host) -> Path:
        """Where a host's workers store."""
        return self.folder / host.name

    def is_open(self) -> bool:
        """Whether a manager listens."""
        with self.manager_host.entered(), suppress(OSError):
            socket.create_connection((self.manager_host.address, PORT), 1).close()
            return True
        return False

    def stats(self) -> Stats:
        """The counts, of a crawl that runs or has ended."""
        with visit(str(self.out)) as crawl:
            return crawl.frontier.stats()

    def _run(self, host: Host, *arguments: object) -> Running:
        log = self.folder / f"{host.name}.log"
        self.running.append(Running(host, arguments, log))
        return self.running[-1]

    def wait_for_sessions(self, number: int) -> None:
        """Until so many workers are attached."""
        until_s = time.monotonic() + PATIENCE_S
        while self._sessions() != number:
            assert time.monotonic() < until_s, f"{number} sessions, there are {self._sessions()}"
            time.sleep(0.05)  # each look is a connection of its own

    def _sessions(self) -> int:
        """-1 while no manager answers."""
        with suppress(BowerbirdError):
            return self.stats().sessions
        return -1

    def close(self) -> None:
        """Nothing is left running, no cable broken."""
        self.lan.heal()
        for one in self.running:
            one.kill()
        for log in sorted(self.folder.glob("*.log")):
            print(
                f"--- {log.name}\n{log.read_text(errors='replace')}"
            )  # pytest shows it on failure


@contextmanager
def served_on(host: Host, answers: Answers, pause_s: float = 0.0) -> Iterator[Web]:
    """`tests.web.serve` at every address of a host, in threads of this process."""
    host.take_all()
    with ExitStack() as stack:
        with host.entered():
            web = stack.enter_context(serve(answers, pause_s, "0.0.0.0"))
        web.url = web.url.replace("0.0.0.0", host.address)
        yield web


@dataclass(frozen=True)
class Verdict:
    """What a crawl has to show, held against what it should have brought."""

    wanted: frozenset[str]  #: URLs
    records: tuple[Record, ...]
    stats: Stats
    faults: list[str]  #: what `audit` found
    damaged: frozenset[str]  #: URLs whose file is missing or has other bytes than the record says

    @cached_property
    def lost(self) -> set[str]:
        """URLs without a record."""
        return set(self.wanted) - {record.final_url for record in self.records}

    @cached_property
    def twice(self) -> set[str]:
        """URLs with more than one record, or with one that was taken in twice."""
        times = Counter(record.final_url for record in self.records)
        times.update(one.final_url for one in self.records for _ in one.holders[1:])
        return {url for url, number in times.items() if number > 1}

    @property
    def unexpected(self) -> set[str]:
        """URLs that nobody had asked for."""
        return {record.final_url for record in self.records} - set(self.wanted)

    def assert_whole(self) -> None:
        """Nothing lost, nothing twice, every file as its record says, every count in order."""
        assert self.faults == []
        assert self.lost == set()
        assert self.twice == set()
        assert self.unexpected == set()
        assert self.damaged == frozenset()
        assert self.stats.dead == {}
        assert self.stats.records == len(self.wanted)


def judge(out: Path, wanted: set[str]) -> Verdict:
    """Look at a crawl that nobody runs."""
    with visit(str(out)) as crawl:
        records = tuple(entry.record for entry in all_entries(crawl.catalog))
        stats, faults = crawl.frontier.stats(), crawl.frontier.audit()
    damaged = frozenset(record.final_url for record in records if not _is_whole(record))
    return Verdict(frozenset(wanted), records, stats, faults, damaged)


def _is_whole(record: Record) -> bool:
    holder = record.holders[0]
    try:
        data = ((place_of(holder.folder) or Path(holder.folder)) / holder.path).read_bytes()
    except OSError:
        return False
    return hashlib.sha256(data).hexdigest() == record.sha256
