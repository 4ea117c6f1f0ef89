"""Who owns a temporary file: a process, known by its machine, its id and when it began."""

import hashlib
import os
import time
from pathlib import Path

#: A temporary file of another machine, or one whose owner cannot be asked for, is left over after
#: this many seconds: no transfer may take longer (settings.RANGES).
LONGEST_S = 86_400.0
#: States of a process that has ended and that nobody has asked for yet, proc(5).
_DEAD = ("Z", "X")


def host_mark() -> str:
    """8 hex digits that stand for this machine by its name."""
    return hashlib.sha256(os.uname().nodename.encode()).hexdigest()[:8]


def start_of(pid: int) -> int:
    """When a process began, in ticks since boot; 0 where the system does not say.

    Field 22 of /proc/<pid>/stat, proc(5): it tells a process from a later one of the same id,
    which in a container is the rule rather than the exception.
    """
    return _state_and_start(pid)[1]


def _state_and_start(pid: int) -> tuple[str, int]:
    """Fields 3 and 22; nothing where the system does not say."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        fields = text.rpartition(")")[2].split()
        return fields[0], int(fields[19])
    except (OSError, ValueError, IndexError):
        return "", 0


def mark() -> str:
    """Name part that says: this process, on this machine."""
    pid = os.getpid()
    return f"{host_mark()}-{pid}-{start_of(pid)}"


def is_left_over(owner: tuple[str, int, int], modified_at: float) -> bool:
    """Whether a temporary file with this owner, last written at `modified_at`, is nobody's."""
    host, pid, born = owner
    if host == host_mark() and not _lives(pid, born):
        return True
    return time.time() - modified_at > LONGEST_S


def _lives(pid: int, born: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    state, began = _state_and_start(pid)
    return state not in _DEAD and not (born and began and began != born)
