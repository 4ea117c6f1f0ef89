"""A private place for sockets, apart from the output folder.

The path of a Unix socket holds about 104 bytes, and an output folder may be deeper, or on a file
system that has no sockets.
"""

import errno
import os
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bowerbird.errors import UsageError

#: Bytes of the longest socket path that every system takes: macOS has 104 with the final zero.
PATH_LIMIT = 103
#: Bytes of an authkey that nobody has to type.
AUTHKEY_BYTES = 32
#: A socket that nobody listens at may be one that is being made, for so long, in seconds.
YOUNG_S = 60.0
#: A manager that is too busy to be asked is alive, in seconds.
PROBE_S = 0.2


def new_authkey() -> bytes:
    """A key for one run."""
    return os.urandom(AUTHKEY_BYTES)


def new_socket_path() -> Path:
    """A free path for a socket, in a folder that only this user can enter.

    Raises:
        UsageError: no such folder can be made.
    """
    name = f"{os.urandom(6).hex()}.sock"
    for base in _bases():
        folder = base / f"bowerbird-{os.getuid()}"
        if len(os.fsencode(folder / name)) <= PATH_LIMIT and _private(folder):
            return folder / name
    raise UsageError("No private folder for a socket; set XDG_RUNTIME_DIR or TMPDIR to one.")


def sweep_sockets() -> None:
    """Remove the sockets of managers that were killed: those where nobody listens any more."""
    for base in _bases():
        folder = base / f"bowerbird-{os.getuid()}"
        if folder.is_dir() and _private(folder):
            for path in folder.glob("*.sock"):
                with suppress(OSError):  # somebody else was first
                    if _is_dead(path):
                        path.unlink()


def _is_dead(path: Path) -> bool:
    if time.time() - path.lstat().st_mtime < YOUNG_S:
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(PROBE_S)
        return probe.connect_ex(str(path)) == errno.ECONNREFUSED


def _bases() -> Iterator[Path]:
    for name in ("XDG_RUNTIME_DIR", "TMPDIR"):
        folder = Path(os.environ.get(name, ""))
        if folder.is_absolute():
            yield folder
    yield Path("/tmp")


def _private(folder: Path) -> bool:
    """Make a folder of ours; never trust one that another user laid there first."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.getuid()
        and not stat.S_IMODE(found.st_mode) & 0o077
    )
