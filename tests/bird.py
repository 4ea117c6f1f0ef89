"""Runs the command line as a user does: in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import apsw

from bowerbird.app.entries import all_entries
from bowerbird.app.visit import visit
from bowerbird.catalog import Boot, CatalogWriter, note_boot
from bowerbird.model import Record
from tests.family import workers

#: No command of a test takes longer, in seconds.
PATIENCE_S = 90


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """Standard output of `--json`."""
        found: dict[str, Any] = json.loads(self.out)
        return found


def bird(*arguments: object, stdin: str | None = None, cwd: Path | None = None) -> Ran:
    """Run a command to its end."""
    done = subprocess.run(
        _command(arguments), input=stdin, capture_output=True, text=True, timeout=PATIENCE_S,
        cwd=cwd, check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)


class Heard(threading.Thread):
    """What a stream says, read by this thread alone: who waits for a line takes none from who asks
    for all, and a program never waits for somebody to listen."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._lines: list[str] = []
        self._told = 0
        self._is_over = False
        self._news = threading.Condition()
        self.start()

    def run(self) -> None:
        with self._stream:
            for line in self._stream:
                self._take([line], is_over=False)
        self._take([], is_over=True)

    def _take(self, lines: list[str], *, is_over: bool) -> None:
        with self._news:
            self._lines += lines
            self._is_over = is_over
            self._news.notify_all()

    def line(self) -> str:
        """The next line, each once; "" behind the last one."""
        with self._news:
            came = self._news.wait_for(
                lambda: self._told < len(self._lines) or self._is_over, PATIENCE_S
            )
            assert came, f"nothing more was said after: {self._lines[-3:]}"
            self._told += 1
            return "".join(self._lines[self._told - 1 : self._told])

    def all(self) -> str:
        """Everything, also what was told line by line; waits for the end."""
        self.join(PATIENCE_S)
        assert not self.is_alive(), "somebody still has this stream open"
        return "".join(self._lines)

    def rest(self) -> str:
        """What was not told yet; waits for the end."""
        self.all()
        return "".join(self._lines[self._told :])


class Flying:
    """A command that runs, in a process group of its own."""

    def __init__(self, arguments: tuple[object, ...]) -> None:
        self.process = subprocess.Popen(
            _command(arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._out, self._err = Heard(self.process.stdout), Heard(self.process.stderr)

    def line(self) -> str:
        """The next line on standard error, each once; "" when it has ended."""
        return self._err.line()

    def says(self, text: str) -> str:
        """Wait for a line on standard error with these words."""
        while text not in (line := self.line()):
            assert line, f"it ended without saying {text}: {self._err.all()}"
        return line

    def kill_group(self) -> None:
        """kill -9 of the manager and all its workers at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.ended()

    def interrupt(self) -> None:
        """Ctrl-C, as a terminal sends it: to the whole group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def ended(self) -> Ran:
        """Wait for its end."""
        status = self.process.wait(PATIENCE_S)
        return Ran(status, self._out.all(), self._err.all())

    def workers(self) -> list[int]:
        """Process ids of its workers."""
        return workers(self.process.pid)


@contextmanager
def flying(*arguments: object) -> Iterator[Flying]:
    """Start a command; whatever is left of it at the end is killed."""
    started = Flying(arguments)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.kill_group()


def wait_for(what: str, condition: Any) -> None:
    """Look again and again until something is so; fails after `PATIENCE_S`."""
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, f"waited in vain for: {what}"
        time.sleep(0.005)


def records_of(folder: Path) -> list[Record]:
    """All records of a crawl that nobody runs."""
    with visit(str(folder)) as crawl:
        assert crawl.frontier.audit() == []
        return [entry.record for entry in all_entries(crawl.catalog)]


def went_down(out: Path) -> None:
    """Make it look as if the machine had been started anew since the last run."""
    connection = apsw.Connection(str(out / "crawl.db"))
    note_boot(CatalogWriter(connection), Boot(id="another life"))
    connection.close()


def _command(arguments: tuple[object, ...]) -> list[str]:
    return [sys.executable, "-m", "bowerbird", *map(str, arguments)]
