"""The file in which durable queues lie: one connection, of one thread, of one process.

WAL with synchronous=NORMAL: what was committed survives the death of any process; with `durable`
(synchronous=FULL) a power cut too.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any

import apsw

from bowerbird.errors import (
    BowerbirdError,
    FolderError,
    FolderInUseError,
    SchemaError,
    StorageFullError,
)

#: Raised with each change of the tables that an older version could not read.
SCHEMA = 1
#: Marks a file as ours: "BwrQ".
APPLICATION = 0x42777251
#: How long to wait for a lock that another process holds, in milliseconds: nobody should.
BUSY_MS = 2_000
#: Pages of the log before it is copied back: 16 MB.
CHECKPOINT_PAGES = 4_096

_NAME = re.compile(r"^-- (\w+):.*$", re.MULTILINE)


class Database:
    """Named statements in transactions; a transaction begins with the first write of a `batch`."""

    def __init__(self, path: str, *, durable: bool = False) -> None:
        """Open a file, which is made if it is not there.

        Raises:
            SchemaError: it was written by a newer version of Bowerbird.
            FolderInUseError: another process works with it.
            FolderError: it is no database of ours.
            StorageFullError: the disk is full or refuses writes.
        """
        self.commits = 0  #: counts transactions that were committed
        self._path = path
        self._sql = statements()
        with self._mapped():
            self._connection = apsw.Connection(path)
            try:
                self._prepare(durable)
            except BaseException:
                self._connection.close(True)
                raise

    def _prepare(self, durable: bool) -> None:
        connection = self._connection
        connection.set_busy_timeout(BUSY_MS)
        connection.pragma("locking_mode", "exclusive")  # a second manager is refused, not mixed in
        version = connection.pragma("user_version")
        if version > SCHEMA:
            raise SchemaError(
                f"{self._path} was written by a newer version of Bowerbird (schema {version}, "
                f"known is {SCHEMA}). Update Bowerbird, or choose another folder."
            )
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full" if durable else "normal")
        connection.wal_autocheckpoint(CHECKPOINT_PAGES)
        connection.execute("BEGIN IMMEDIATE")
        if version == 0:
            self._create()
        connection.execute("COMMIT")

    def _create(self) -> None:
        if list(self._connection.execute("SELECT 1 FROM sqlite_schema")):
            raise FolderError(f"{self._path} is no database of queues. Choose another folder.")
        self._connection.execute(_read("schema.sql"))
        self._connection.pragma("application_id", APPLICATION)
        self._connection.pragma("user_version", SCHEMA)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """All writes inside are committed together, or none."""
        try:
            yield
            if self._connection.in_transaction:
                with self._mapped():
                    self._connection.execute("COMMIT")
                self.commits += 1
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def read(self, name: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        # Not `_mapped`: a context manager costs as much as the statement.
        try:
            return self._connection.execute(self._sql[name], values).fetchall()
        except apsw.Error as error:
            raise self._in_our_words(error) from error

    def write(self, name: str, *values: Any) -> list[tuple[Any, ...]]:
        """The same of one that changes something."""
        self._begin()
        return self.read(name, *values)

    def write_all(self, name: str, rows: Sequence[Sequence[Any]]) -> None:
        """One statement for many rows."""
        self._begin()
        with self._mapped():
            self._connection.executemany(self._sql[name], rows)

    def close(self) -> None:
        """Copy the log back and let go of the file."""
        self._connection.close(True)

    def _begin(self) -> None:
        if not self._connection.in_transaction:
            with self._mapped():
                self._connection.execute("BEGIN IMMEDIATE")

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except apsw.Error as error:
            raise self._in_our_words(error) from error

    def _in_our_words(self, error: apsw.Error) -> BowerbirdError:
        if isinstance(error, apsw.BusyError | apsw.LockedError):
            return FolderInUseError(f"{self._path} is in use by another process.")
        if isinstance(error, apsw.NotADBError | apsw.CorruptError):
            return FolderError(f"{self._path} is damaged or no database: {error}.")
        return StorageFullError(f"{self._path} cannot be written: {error}.")


@cache
def statements() -> dict[str, str]:
    """name -> statement."""
    parts = _NAME.split(_read("items.sql"))
    return dict(zip(parts[1::2], map(str.strip, parts[2::2]), strict=True))


def _read(name: str) -> str:
    return files("bowerbird.leases").joinpath(name).read_text(encoding="utf-8")
