"""What a running process takes: threads, memory, files, CPU time; from /proc, see proc(5)."""

import os
import re
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Look:
    """A process at one moment."""

    at_s: float
    threads: int
    rss: int
    files: int
    cpu_s: float


def look(pid: int) -> Look:
    """Threads, resident bytes, open files, CPU seconds so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    rss = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) << 10  # type: ignore[index]
    threads = int(re.search(r"Threads:\s+(\d+)", status)[1])  # type: ignore[index]
    files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    return Look(time.monotonic(), threads, rss, files, cpu_s(pid))


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, all its threads; proc(5)."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


class Watch(threading.Thread):
    """Looks at a process again and again."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.looks = [look(pid)]
        self._pid = pid
        self._over = threading.Event()

    def run(self) -> None:
        with suppress(OSError):  # it has ended
            while not self._over.wait(LOOK_EVERY_S):
                self.looks.append(look(self._pid))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._over.set()
        self.join()

    def most(self, name: str) -> int:
        """The most of something that was seen."""
        return max(int(getattr(one, name)) for one in self.looks)
