"""What the processes of a scene take, from /proc; see proc(5)."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bowerbird.app.forking import WORKER
from tests.family import is_fork_server, name, words

LOOK_EVERY_S = 0.2


@dataclass(frozen=True)
class Look:
    """A process at one moment."""

    pid: int
    role: str  #: manager, fork server, worker, fleet, decoder, strace
    rss: int  #: bytes
    peak_rss: int  #: bytes, since it began
    files: int
    threads: int
    at_s: float  #: when (monotonic)


class Watch(threading.Thread):
    """Looks at all processes of some sessions, see setsid(2), again and again."""

    def __init__(self, sessions: Callable[[], Iterable[int]]) -> None:
        super().__init__(daemon=True)
        self._sessions = sessions
        self._over = threading.Event()
        self.peak_rss: dict[str, int] = defaultdict(int)  #: role -> bytes
        self.looks: dict[int, list[Look]] = defaultdict(list)  #: by process

    def run(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            for one in looks(set(self._sessions())):
                self.looks[one.pid].append(one)
                self.peak_rss[one.role] = max(self.peak_rss[one.role], one.peak_rss)

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self.join()

    def of(self, role: str) -> list[list[Look]]:
        """All looks at each process of this role, in the order of their births."""
        return [seen for seen in self.looks.values() if seen[0].role == role]


def looks(sessions: set[int]) -> Iterator[Look]:
    """Every process of these sessions now."""
    for pid in members(sessions):
        with suppress(OSError, IndexError):  # it ends just now
            if role := role_of(pid):
                yield _look(pid, role)


def members(sessions: set[int]) -> Iterator[int]:
    """Process ids of those that have not ended."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError, IndexError):
                state, _, _, session = _stat(int(folder.name))[:4]
                if int(session) in sessions and state not in "ZX":
                    yield int(folder.name)


def states(pids: Iterable[int]) -> Iterator[str]:
    """Of all threads of these processes: R, S, D, T, …"""
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").glob("*/stat"):
            with suppress(OSError):
                yield task.read_text().rpartition(")")[2].split()[0]


def role_of(pid: int) -> str:
    """What a process is for, by its command line; "" when it has ended."""
    said = words(pid)
    if not said:  # perhaps nobody has asked yet how it ended
        return ""
    if "bowerbird.images.child" in said:
        return "decoder"
    if is_fork_server(pid):
        return "fork server"
    if name(pid) == WORKER or {"_worker", "_far"}.intersection(said):
        return "worker"
    if "strace" in said[0]:
        return "strace"
    return "fleet" if "worker" in said else "manager"


def _look(pid: int, role: str) -> Look:
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    peak, now = (int(fields.get(name, "0").split()[0]) << 10 for name in ("VmHWM", "VmRSS"))
    return Look(pid, role, now, peak, files, int(fields["Threads"]), time.monotonic())


def _stat(pid: int) -> list[str]:
    """From `state` on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
