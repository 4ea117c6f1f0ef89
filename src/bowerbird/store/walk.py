"""Looking at, checking and cleaning the files of a store in a folder."""

import hashlib
import math
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from bowerbird.store import names, owner
from bowerbird.store.base import Found, Sort
from bowerbird.store.faults import refusal


def files(folder: str) -> Iterator[Found]:
    """Every file below `images`, folder by folder; a folder that is not ours is one find."""
    for entry in _entries(Path(folder, names.IMAGES)):
        if names.is_object_folder(entry.name) and entry.is_dir(follow_symlinks=False):
            for inner in _entries(Path(entry.path)):
                yield _found(inner, f"{names.IMAGES}/{entry.name}/{inner.name}")
        else:
            yield _found(entry, f"{names.IMAGES}/{entry.name}")


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    # Sorted per folder: a walk of 10^7 files holds the names of one folder in 256.
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _found(entry: "os.DirEntry[str]", path: str) -> Found:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return Found(path, 0, sort_of(path))  # renamed or removed since the folder was read
    if not stat.S_ISREG(status.st_mode):
        return Found(path, 0, Sort.FOREIGN)
    return Found(path, status.st_size, sort_of(path, status.st_mtime))


def sort_of(path: str, modified_at: float = math.inf) -> Sort:
    """What a regular file at this path is."""
    if names.is_object_path(path):
        return Sort.OBJECT
    who = names.owner_of(path)
    if who is None:
        return Sort.FOREIGN
    return Sort.LEFT_OVER if owner.is_left_over(who, modified_at) else Sort.TEMPORARY


def size_of(folder: str, path: str) -> int | None:
    """Size of an object in bytes; None where there is no such regular file."""
    if not names.is_object_path(path):
        return None
    try:
        status = Path(folder, path).lstat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def sha256_of(folder: str, path: str) -> str | None:
    """Hex digest of an object's bytes; None where they cannot be read."""
    if size_of(folder, path) is None:
        return None
    try:
        with Path(folder, path).open("rb", buffering=0) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def remove(folder: str, path: str) -> bool:
    """Remove an object or temporary file; whether it was there.

    Raises:
        ValueError: the path is neither.
        StorageFullError: the disk refuses.
    """
    if sort_of(path) is Sort.FOREIGN:
        raise ValueError(f"{path} is no file of this store")
    try:
        Path(folder, path).unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise refusal(error, folder) from error
    return True


def sweep(folder: str) -> int:
    """Remove temporary files that no living process owns; answer how many."""
    return sum(remove(folder, path) for path in _temporaries(folder) if _is_left_over(folder, path))


def _temporaries(folder: str) -> Iterator[str]:
    """Files that may be temporary, by their names alone: 10^6 are passed in a second."""
    for name in _names(Path(folder, names.IMAGES)):
        if names.owner_of(path := f"{names.IMAGES}/{name}"):
            yield path


def _names(images: Path) -> Iterator[str]:
    for entry in _entries(images):
        yield entry.name
        if names.is_object_folder(entry.name) and entry.is_dir(follow_symlinks=False):
            yield from (f"{entry.name}/{inner.name}" for inner in _entries(Path(entry.path)))


def _is_left_over(folder: str, path: str) -> bool:
    try:
        status = Path(folder, path).lstat()
    except OSError:
        return False  # renamed or removed since
    return stat.S_ISREG(status.st_mode) and sort_of(path, status.st_mtime) is Sort.LEFT_OVER
