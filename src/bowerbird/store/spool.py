"""A body that arrives in pieces, kept in a temporary file and hashed on the way."""

import hashlib
import mmap
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from bowerbird.store.faults import refusal

_NONE = -1

#: Makes a spool an object of a type; answers that object's path.
Adopt = Callable[["FileSpool", str], str]


def write_all(descriptor: int, body: bytes | memoryview) -> None:
    """write(2) until all bytes are taken: it may take fewer, on a disk that fills up."""
    written = os.write(descriptor, body)
    if written == len(body):
        return
    rest = memoryview(body)[written:]
    while rest:
        rest = rest[os.write(descriptor, rest) :]


class FileSpool:
    """A temporary file that becomes an object or nothing; see `base.Spool`."""

    def __init__(self, descriptor: int, path: str, adopt: Adopt) -> None:
        """Take over an open temporary file.

        Args:
            descriptor: open for reading and writing, and this spool's from now on.
            path: its name.
            adopt: makes it an object of the store.
        """
        self.path = path
        self.size = 0
        self._descriptor = descriptor
        self._adopt = adopt
        self._hash = hashlib.sha256()
        self._view: mmap.mmap | None = None

    def __repr__(self) -> str:
        state = "ended" if self._descriptor == _NONE else f"{self.size} bytes"
        return f"<FileSpool {self.path} [{state}]>"

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes written so far."""
        return self._hash.hexdigest()

    def write(self, body: bytes | memoryview) -> int:
        """Append all of these bytes; see `base.Spool.write`."""
        try:
            write_all(self._descriptor, body)
        except OSError as error:
            self.discard()
            raise refusal(error, Path(self.path).parent) from error
        self._hash.update(body)
        self.size += len(body)
        return len(body)

    def view(self) -> bytes | mmap.mmap:
        """The bytes written so far, mapped; valid until commit or discard."""
        if not self.size:
            return b""  # mmap(2) maps no empty file
        if self._view is None or len(self._view) != self.size:
            self._view = mmap.mmap(self._descriptor, self.size, access=mmap.ACCESS_READ)
        return self._view

    def read(self) -> bytes:
        """The bytes written so far, in memory. A copy of `view` would be there twice meanwhile."""
        data = os.pread(self._descriptor, self.size, 0)
        while len(data) < self.size:  # a signal, or more than 2 GiB
            more = os.pread(self._descriptor, self.size - len(data), len(data))
            if not more:
                raise EOFError(f"{self.path} is shorter than what was written to it")
            data += more
        return data

    def commit(self, type: str) -> str:
        """Make it an object; answer its path. See `base.Store.put`."""
        try:
            return self._adopt(self, type)
        finally:
            self.discard()

    def discard(self) -> None:
        """Forget it; idempotent, and after `commit` nothing is left to forget."""
        if self._descriptor == _NONE:
            return
        os.close(self._descriptor)
        self._descriptor = _NONE
        self._unmap()
        with suppress(OSError):
            Path(self.path).unlink()

    def _unmap(self) -> None:
        if self._view is not None:
            # A decoder that still looks at it keeps the mapping alive, no longer the name.
            with suppress(BufferError):
                self._view.close()
            self._view = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def __del__(self) -> None:
        if getattr(self, "_descriptor", _NONE) != _NONE:
            self.discard()
