"""What was taken from a plain manager and is not answered yet, on disk.

A queue of the standard library forgets what it has given: if we forgot as well, nobody would know.
A file of JSON lines, first the manager's address, then ["+", task] and ["-", task].
"""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any


class Ledger:
    """Kept by two threads. A disk that refuses is borne: only a crash makes anyone read it."""

    def __init__(self, path: Path, manager: str) -> None:
        """Take up what is there, if it is this manager's."""
        self._path, self._manager = path, manager
        self._lock = threading.Lock()
        self.open = self._read()  #: tasks left from earlier runs
        with suppress(OSError):
            lines = [json.dumps(manager), *(json.dumps(["+", task]) for task in self.open)]
            path.write_text("\n".join(lines) + "\n", "utf-8")

    def took(self, task: str) -> None:
        """A task is ours."""
        self._write("+", task)

    def answered(self, task: str) -> None:
        """It is no more."""
        self._write("-", task)

    def _write(self, sign: str, task: str) -> None:
        with self._lock, suppress(OSError), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([sign, task]) + "\n")

    def _read(self) -> list[str]:
        lines = list(_lines(self._path))
        if lines[:1] != [self._manager]:
            return []
        left = Counter[str]()
        for sign, task in lines[1:]:
            left[task] += 1 if sign == "+" else -1
        return list(left.elements())


def _lines(path: Path) -> Iterator[Any]:
    """The values of the lines, up to one that was cut in the middle."""
    with suppress(OSError, ValueError), path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
