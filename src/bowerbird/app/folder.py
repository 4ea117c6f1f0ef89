"""The output folder: whose it is, who works in it, and where its parts lie.

DIR/images/, DIR/crawl.db, DIR/report.json, DIR/.bowerbird/ (lock, address, authkey, secrets).
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec

from bowerbird.errors import FolderError, FolderInUseError, StorageFullError
from bowerbird.settings import Secrets
from bowerbird.store import marker_of
from bowerbird.store.marker import no_folder
from bowerbird.store.sync import sync_folder
from bowerbird.words import is_text

#: A command or dashboard that only looks into a folder is waited for so long, in seconds.
LOOKER_S = 3.0
#: How often a folder that is in use is tried again, in seconds.
AGAIN_S = 0.02


class Folder:
    """One output folder."""

    def __init__(self, path: str | Path) -> None:
        """Raises FolderError where its name is no text, as paths in reports have to be."""
        self.path = Path(path).absolute()
        _check_name(str(self.path))
        self.database = self.path / "crawl.db"
        self.report = self.path / "report.json"
        self.private = self.path / ".bowerbird"
        self.address_file = self.private / "address"
        self.authkey_file = self.private / "authkey"
        self.listen_key = self.private / "listen.key"
        self._secrets_file = self.private / "secrets.json"

    def __str__(self) -> str:
        return str(self.path)

    def holds_crawl(self) -> bool:
        """Whether a crawl was begun here; one whose catalog is in segments may lack `crawl.db`."""
        if self.database.exists():
            return True
        return (self.private / "segments").is_dir() and (self.private / "job.json").exists()

    def create(self) -> None:
        """Make the folder and its private part, for a new crawl or one to go on with.

        Raises:
            FolderError: it cannot be written, or something else lies in it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not self.holds_crawl() and any(foreign(self.path)):
                raise FolderError(
                    f"{self} is not empty and holds no crawl of Bowerbird; "
                    "name a new or an empty folder with -o."
                )
            if not self.holds_crawl() and marker_of(self.path):
                raise FolderError(
                    f"{self} holds images of a worker; name a new or an empty folder with -o."
                )
            self.private.mkdir(mode=0o700, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise no_folder(self.path) from None
        except OSError as error:
            raise FolderError(f"{self} cannot be written: {error.strerror}.") from None
        if why := self.why_fixed():
            raise FolderError(f"{self} {why}.")

    def why_fixed(self) -> str:
        """Why nothing in it can be written, after its name; "": it can, or is not there."""
        if not self.path.exists() or os.access(self.path, os.W_OK | os.X_OK):
            return ""
        flags = os.statvfs(self.path).f_flag if hasattr(os, "statvfs") else 0
        read_only = bool(flags & getattr(os, "ST_RDONLY", 0))
        return "is read-only" if read_only else "cannot be written: permission denied"

    def require_crawl(self) -> None:
        """Raises FolderError where no crawl was begun."""
        if not self.path.exists():
            raise FolderError(f"{self} does not exist.")
        if not self.holds_crawl():
            raise FolderError(f"{self} holds no crawl: there is no crawl.db in it.")

    @contextmanager
    def locked(
        self, wait_s: float = 0.0, unless: Callable[[], bool] = lambda: False
    ) -> Iterator[None]:
        """Work here alone, until the block ends or the process dies.

        `wait_s`: who works here now may only look, and is waited for so long, `unless` that is
        in vain.

        Raises:
            FolderInUseError: another process works here.
        """
        try:
            self.private.mkdir(mode=0o700, exist_ok=True)
            lock = (self.private / "lock").open("a+")
        except OSError as error:
            raise FolderError(f"{self} cannot be written: {error.strerror}.") from None
        with lock:
            until_s = time.monotonic() + wait_s
            while not (ours := _lock(lock)) and time.monotonic() < until_s and not unless():
                time.sleep(AGAIN_S)
            if not ours:
                raise FolderInUseError(
                    f"{self} is in use by another process{_owner(lock)}. "
                    "`bowerbird status` shows it, `bowerbird stop` ends it."
                )
            with suppress(OSError):  # only to be told: a full disk must not hide a crawl
                lock.truncate(0)
                os.write(lock.fileno(), str(os.getpid()).encode())  # unbuffered: tried once
            yield

    # Secrets: apart from the settings, for the owner's eyes only.

    def keep_secrets(self, secrets: Secrets) -> None:
        """Keep what must not be shown, readable by the owner alone."""
        if secrets == Secrets():
            self._secrets_file.unlink(missing_ok=True)
            return
        write_whole(self._secrets_file, msgspec.json.encode(secrets), lasting=True)

    def secrets(self) -> Secrets:
        """What `keep_secrets` kept."""
        try:
            return msgspec.json.decode(self._secrets_file.read_bytes(), type=Secrets)
        except (OSError, msgspec.DecodeError):
            return Secrets()


def write_whole(path: Path, data: bytes, *, lasting: bool = False, mode: int = 0o600) -> None:
    """Write a file whole or not at all, by default one that only its owner can read.

    Args:
        mode: permissions; the umask takes its part.
        lasting: so that a power cut, too, leaves it as it was or as it is to be. Without that a new
            name may outlive the bytes, and a crawl whose job is an empty file cannot go on.

    Raises:
        StorageFullError: the disk refuses.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if lasting and path.exists() and path.read_bytes() == data:
            return
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
        if lasting:
            sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise StorageFullError(f"{path} cannot be written: {error.strerror}.") from error


def foreign(path: Path) -> Iterator[str]:
    """What lies in a folder beside what we may have left before the first write."""
    return (entry.name for entry in path.iterdir() if entry.name not in (".bowerbird", "images"))


def _owner(lock: IO[str]) -> str:
    lock.seek(0)
    pid = lock.read(20).strip()
    return f" (process {pid})" if pid.isdigit() else ""


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _lock(file: IO[str]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def _check_name(path: str) -> None:
    if not is_text(path):
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise FolderError(
            f"{shown} has a name that is not UTF-8; name another folder, or rename it."
        )
