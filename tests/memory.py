"""The most memory that the processes of a command ever had, as the kernel counts it (VmHWM)."""

import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.family import children

#: Time between two looks, in seconds; the kernel keeps the peak in between.
_EVERY_S = 0.05


class Peaks:
    """Looks at a process and all below it, in a thread, while the `with` block lasts."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="peaks")
        self.mib: dict[int, float] = {}  #: process id -> peak in MiB

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._over.set()
        self._thread.join()

    @property
    def highest_mib(self) -> float:
        """The largest of all."""
        return max(self.mib.values(), default=0.0)

    def _look(self) -> None:
        while not self._over.wait(_EVERY_S):
            for pid in _family(self._pid):
                with suppress(OSError, IndexError):
                    self.mib[pid] = _peak_mib(pid)


def _family(pid: int) -> list[int]:
    """A process and its descendants."""
    found, at = [pid], 0
    while at < len(found):
        found += children(found[at])
        at += 1
    return found


def _peak_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().split("VmHWM:")
    return int(lines[1].split()[0]) / 1_024
