"""The store contract: content-addressed objects, put whole or not at all.

These docstrings are its specification. `tests/contracts/store.py` is the suite every store sits.
"""

import mmap
from collections.abc import Iterator
from enum import StrEnum
from typing import Protocol, Self, runtime_checkable

import msgspec


class Sort(StrEnum):
    """What a file in a store's image folder is."""

    OBJECT = "object"  #: named by content
    TEMPORARY = "temporary"  #: being written by a living process, as far as can be told
    LEFT_OVER = "left-over"  #: a temporary file that nobody owns any more
    FOREIGN = "foreign"  #: put there by someone else; never touched


class Found(msgspec.Struct, frozen=True, gc=False):
    """One file met on a walk."""

    path: str  #: inside the store, with forward slashes
    size: int  #: bytes
    sort: Sort


@runtime_checkable
class Spool(Protocol):
    """A body that arrives in pieces. Ends by `commit` or `discard`; as a context, by the latter."""

    @property
    def size(self) -> int:
        """Bytes written so far."""

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes written so far."""

    @property
    def path(self) -> str:
        """Where the bytes lie until then: a local, absolute path that a decoder may open."""

    def write(self, body: bytes | memoryview) -> int:
        """Append; answer the number of bytes, which is all of them.

        Raises:
            StorageFullError: the disk takes no more; the spool is discarded.
        """

    def view(self) -> bytes | mmap.mmap:
        """The bytes written so far, mapped, not read. Valid until commit or discard."""

    def commit(self, type: str) -> str:
        """Make it an object; answer its path. As `Store.put`, including errors."""

    def discard(self) -> None:
        """Forget it. Idempotent; does nothing after `commit`."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


@runtime_checkable
class Store(Protocol):
    """Where bytes live. One instance belongs to one process and one thread."""

    @property
    def folder(self) -> str:
        """Where it lies: absolute."""

    @property
    def name(self) -> str:
        """What a holder calls the folder (`marker`)."""

    def put(self, body: bytes | memoryview, sha256: str, type: str) -> str:
        """Keep these bytes; answer their path (`object_path`).

        All or nothing: no reader ever sees a part. An object that is there with the same size
        is left as it is, so that a repeat is harmless; one of another size is replaced.

        Raises:
            StorageFullError: the disk is full, read-only or broken; no partial file is left.
        """

    def spool(self) -> Spool:
        """Begin a body that arrives in pieces."""

    def flush(self) -> None:
        """Make durable what was put since the last flush; nothing to do unless `durable`. The one
        call that another thread may make meanwhile.

        Raises:
            StorageFullError: a sync failed. What failed is removed, since its bytes are in
                doubt for ever: syncing again would only seem to succeed. It has to be put anew.
        """

    def files(self) -> Iterator[Found]:
        """Every file below the image folder, folder by folder in order of name."""

    def size_of(self, path: str) -> int | None:
        """Size of an object in bytes; None where there is none."""

    def sha256_of(self, path: str) -> str | None:
        """Hex digest of an object's bytes as they are now; None where they cannot be read."""

    def remove(self, path: str) -> bool:
        """Remove an object or temporary file; whether it was there.

        Raises:
            ValueError: the path is neither; foreign files are never removed.
        """

    def sweep(self) -> int:
        """Remove what is left over; answer how many."""

    def close(self) -> None:
        """Flush, and let go of what is open."""
