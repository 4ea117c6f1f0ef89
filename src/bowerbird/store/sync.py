"""What was put and is not yet known to be on the disk, synced in groups."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from bowerbird.store import names
from bowerbird.store.faults import refusal

try:
    import fcntl
except ImportError:  # Windows
    _FULL: int | None = None
else:  # what macOS needs, whose fsync(2) leaves things in the disk's cache
    _FULL = getattr(fcntl, "F_FULLFSYNC", None)


class Unsynced:
    """Files and folders to sync: each file, then each folder that has a new name in it, once."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"{len(self._files)} files and {len(self._folders)} folders to sync"

    def note(self, path: str) -> None:
        """An object that was put, new or not: another process may have written it just now."""
        with self._lock:
            self._files.add(path)
            self._folders.add(f"{self._folder}/{path.rpartition('/')[0]}")

    def note_folder(self, folder: str) -> None:
        """A folder (absolute) in which a folder was made, perhaps with those above it."""
        with self._lock:
            self._folders.update((folder, self._folder, str(Path(self._folder).parent)))

    def flush(self) -> None:
        """Sync all that was noted; see `Store.flush`. Others may note meanwhile."""
        with self._lock:
            files, self._files = self._files, set()
            folders, self._folders = self._folders, set()
        try:
            while files:
                self._sync_file(files.pop())
            for folder in sorted(folders):
                self._sync_folder(folder)
                folders.discard(folder)
        finally:
            with self._lock:
                self._files |= files
                self._folders |= folders

    def _sync_file(self, path: str) -> None:
        full = f"{self._folder}/{path}"
        try:
            with opened(full, os.O_RDONLY | os.O_NOFOLLOW) as descriptor:
                self._sync(descriptor, full)
        except OSError as error:
            raise refusal(error, f"{self._folder}/{names.IMAGES}") from error

    @staticmethod
    def _sync(descriptor: int, path: str) -> None:
        try:
            force(descriptor)
        except OSError:
            # After a failed fsync the kernel calls the lost pages clean (fsync(2), LWN 752063):
            # a second try would succeed with other bytes on the disk than in the cache.
            with suppress(OSError):
                Path(path).unlink()
            raise

    def _sync_folder(self, folder: str) -> None:
        try:
            sync_folder(folder)
        except OSError as error:
            raise refusal(error, folder) from error


def sync_folder(path: str | Path) -> None:
    """Have the disk keep the names in a folder as they are. Raises OSError."""
    if hasattr(os, "O_DIRECTORY"):  # Windows opens no folders
        sync(path, os.O_RDONLY | os.O_DIRECTORY)


def sync(path: str | Path, flags: int) -> None:
    """Have the disk keep a file or folder as it is. Raises OSError."""
    with opened(path, flags) as descriptor:
        force(descriptor)


@contextmanager
def opened(path: str | Path, flags: int) -> Iterator[int]:
    """A descriptor of a file or folder. Raises OSError."""
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def force(descriptor: int) -> None:
    """Have the disk keep what a descriptor stands for. Raises OSError."""
    if _FULL is None:
        os.fsync(descriptor)
    else:
        fcntl.fcntl(descriptor, _FULL)
