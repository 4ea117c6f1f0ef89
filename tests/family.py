"""Who is whose child, from /proc; see proc(5)."""

from contextlib import suppress
from pathlib import Path

from bowerbird.app.forking import NAME


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
        found += children(child) if is_fork_server(child) else [child]
    return found


def is_fork_server(pid: int) -> bool:
    """Whether it forks workers."""
    return name(pid) == NAME


def name(pid: int) -> str:
    """What `ps` calls it; "" when it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def words(pid: int) -> list[str]:
    """Its command line; [] when it has ended."""
    with suppress(OSError):
        text = Path(f"/proc/{pid}/cmdline").read_text()
        return text.rstrip("\0").split("\0") if text else []
    return []
