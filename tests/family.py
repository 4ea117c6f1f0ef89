"""Who is whose child, from /proc; see proc(5)."""

from contextlib import suppress
from pathlib import Path

#: The argument of a fork server, and of what it forks.
FORKS = "_workers"


def children(pid: int) -> list[int]:
    """Process ids of its children, whichever thread started them."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(word) for word in task.read_text().split()]
    return found


def workers(pid: int) -> list[int]:
    """Its children, with those of its fork server in place of that."""
    found = []
    for child in children(pid):
        found += children(child) if FORKS in words(child) else [child]
    return found


def is_fork_server(pid: int) -> bool:
    """Whether it forks workers, and is none."""
    return FORKS in words(pid) and FORKS not in words(_parent(pid))


def words(pid: int) -> list[str]:
    """Its command line; [] when it has ended."""
    with suppress(OSError):
        text = Path(f"/proc/{pid}/cmdline").read_text()
        return text.rstrip("\0").split("\0") if text else []
    return []


def _parent(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0
