"""A store in a folder of this machine: `images/ab/<sha256>.<extension>`.

A body is written to a temporary name in the folder where it will lie and renamed: five system
calls, all or nothing. kill -9 at any moment leaves at most a temporary file, which `sweep` finds.
"""
# The hot path: a Path object costs as much as two of the system calls.
# ruff: noqa: PTH103, PTH104, PTH108, PTH120

import errno
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

from bowerbird.store import names, owner, walk
from bowerbird.store.base import Found
from bowerbird.store.faults import refusal
from bowerbird.store.spool import Adopt, FileSpool, write_all
from bowerbird.store.sync import Unsynced

#: A temporary file is new and no link: nobody can make us write elsewhere (open(2)).
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW

#: What a file system says that has no links, none more for this file, or none to there.
_NO_LINK = {
    errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS, errno.EACCES,
}  # fmt: skip


class FileStore:
    """Objects in a folder. One instance belongs to one process and one thread."""

    def __init__(self, folder: str | Path, *, durable: bool = False, name: str = "") -> None:
        """Open a store; nothing is created before the first image.

        Args:
            folder: the crawl's output folder; images lie in `images` below it.
            durable: `flush` syncs what was put.
            name: what holders call the folder; "": its path, as that of the crawl's own.
        """
        self.folder = str(Path(folder).absolute())
        self.name = name or self.folder
        self._unsynced = Unsynced(self.folder) if durable else None
        self._mark = f"{owner.mark()}-{os.urandom(4).hex()}"
        self._count = count()
        self._since_s = time.time()

    def __repr__(self) -> str:
        return f"<FileStore {self.folder} [{self._unsynced or 'not durable'}]>"

    # In.

    def put(self, body: bytes | memoryview, sha256: str, type: str) -> str:
        """Keep these bytes; see `Store.put`."""
        path = names.object_path(sha256, type)
        target = f"{self.folder}/{path}"
        try:
            if not self._has(path, len(body), sha256):
                self._write(body, target)
        except OSError as error:
            raise refusal(error, self.folder) from error
        self._note(path)
        return path

    def spool(self, adopt: Adopt | None = None) -> FileSpool:
        """Begin a body that arrives in pieces; see `Store.spool`. `adopt`: another makes an
        object of it."""
        temporary = self._temporary(f"{self.folder}/{names.IMAGES}")
        try:
            return FileSpool(self._create(temporary), temporary, adopt or self._adopt)
        except OSError as error:
            raise refusal(error, self.folder) from error

    def link(self, source: str, path: str) -> bool:
        """Give an object of another folder a name here too; whether the file systems can.

        Its bytes are the caller's to check. Raises as `put` does.
        """
        target = f"{self.folder}/{path}"
        try:
            self._link(source, target)
        except OSError as error:
            if error.errno in _NO_LINK:
                return False
            raise refusal(error, self.folder) from error
        self._note(path)
        return True

    def flush(self) -> None:
        """Sync what was put since the last flush; see `Store.flush`."""
        if self._unsynced:
            self._unsynced.flush()

    def close(self) -> None:
        """Flush."""
        self.flush()

    # Looking and cleaning.

    def files(self) -> Iterator[Found]:
        """Every file below `images`; see `Store.files`."""
        return walk.files(self.folder)

    def size_of(self, path: str) -> int | None:
        """Size of an object in bytes; None where there is none."""
        return walk.size_of(self.folder, path)

    def sha256_of(self, path: str) -> str | None:
        """Hex digest of an object's bytes; None where they cannot be read. Any thread may ask."""
        return walk.sha256_of(self.folder, path)

    def remove(self, path: str) -> bool:
        """Remove an object or temporary file; see `Store.remove`."""
        return walk.remove(self.folder, path)

    def sweep(self) -> int:
        """Remove temporary files that no living process owns; answer how many."""
        return walk.sweep(self.folder)

    # Parts.

    def _has(self, path: str, size: int, sha256: str) -> bool:
        """Whether these bytes are there. Of files older than this store the size is not enough: a
        power cut may leave names of files that hold zeros."""
        try:
            there = os.lstat(f"{self.folder}/{path}")
        except FileNotFoundError:
            return False
        if there.st_size != size:
            return False
        return there.st_ctime >= self._since_s or self.sha256_of(path) == sha256

    def temporary(self) -> str:
        """A new name that says whose it is, for a file of this store."""
        return self._temporary("")[1:]

    def _temporary(self, folder: str) -> str:
        return f"{folder}/.tmp-{self._mark}-{next(self._count)}"

    def _write(self, body: bytes | memoryview, target: str) -> None:
        temporary = self._temporary(target[: target.rindex("/")])
        descriptor = self._create(temporary)
        try:
            try:
                write_all(descriptor, body)
            finally:
                os.close(descriptor)
            os.rename(temporary, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise

    def _link(self, source: str, target: str) -> None:
        folder = target[: target.rindex("/")]
        temporary = self._temporary(folder)
        self._make(folder)
        os.link(source, temporary, follow_symlinks=False)
        try:
            os.rename(temporary, target)
        finally:
            with suppress(OSError):
                os.unlink(temporary)  # rename(2) leaves it where both are one file already

    def _create(self, temporary: str) -> int:
        try:
            return os.open(temporary, _CREATE, 0o666)
        except FileNotFoundError:
            self._make(os.path.dirname(temporary))
            return os.open(temporary, _CREATE, 0o666)

    def _make(self, folder: str) -> None:
        os.makedirs(folder, exist_ok=True)
        if self._unsynced:
            self._unsynced.note_folder(os.path.dirname(folder))

    def _adopt(self, spool: FileSpool, type: str) -> str:
        path = names.object_path(spool.sha256, type)
        target = f"{self.folder}/{path}"
        try:
            if not self._has(path, spool.size, spool.sha256):
                self._move(spool.path, target)
        except OSError as error:
            raise refusal(error, self.folder) from error
        self._note(path)
        return path

    def _move(self, temporary: str, target: str) -> None:
        try:
            os.rename(temporary, target)
        except FileNotFoundError:
            self._make(os.path.dirname(target))
            os.rename(temporary, target)

    def _note(self, path: str) -> None:
        if self._unsynced:
            self._unsynced.note(path)
