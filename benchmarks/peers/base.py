"""What a competitor is: a name, a version and the command for a piece of work."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / ".bench"
PEER_PYTHON = BENCH / "venv/bin/python"


@dataclass(frozen=True, slots=True)
class Work:
    """One run: what to fetch and where to put it."""

    start: str  #: address of the first page
    urls: Path  #: a list of image addresses, one a line
    out: Path  #: an empty folder

    def beside(self, name: str) -> Path:
        """A file for options and the like, next to the output folder, so it is not counted."""
        return self.out.with_name(f"{self.out.name}-{name}")


@dataclass(frozen=True, slots=True)
class Peer:
    """A program with its options. `prepare` is not timed."""

    name: str
    version: Callable[[], str]
    command: Callable[[Work], list[str]]
    prepare: Callable[[Work], None] = lambda _: None

    def is_there(self) -> bool:
        """Whether it is installed."""
        try:
            return bool(self.version())
        except (OSError, subprocess.SubprocessError):
            return False


def said_version(*command: str) -> Callable[[], str]:
    """The last word of the first line of a program's answer that is a version."""

    def ask() -> str:
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
        words = (answer.stdout or answer.stderr).split()
        return next(word for word in words if word[:1].isdigit())

    return ask


def package_version(name: str) -> Callable[[], str]:
    """The version of a package in the competitors' environment."""
    code = f"from importlib.metadata import version; print(version({name!r}))"
    return said_version(str(PEER_PYTHON), "-c", code)


def program(name: str) -> str:
    """Its path; Debian keeps servers in /usr/sbin."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin") or name
