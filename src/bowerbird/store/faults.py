"""Errors of the operating system, in the words of the project."""

import errno
from pathlib import Path

from bowerbird.errors import StorageFullError

#: What a disk says that takes no more bytes, for now or for good. The crawl pauses on these.
_REFUSALS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota is used up",
    errno.EROFS: "it is mounted read-only",
    errno.EIO: "the disk reports an error",
    errno.EACCES: "permission was denied",
    errno.EPERM: "permission was denied",
    errno.EFBIG: "the file system takes no file of that size",
    errno.ESTALE: "the network file system lost it",
    errno.ENOTDIR: "a file lies where a folder belongs",
}


def refusal(error: OSError, folder: str | Path) -> OSError | StorageFullError:
    """The error to raise for this one: StorageFullError where the disk refused, else itself."""
    words = _REFUSALS.get(error.errno or 0)
    if words is None:
        return error
    name = errno.errorcode.get(error.errno or 0, "")
    return StorageFullError(f"Images cannot be written to {folder}: {words} ({name}).")
