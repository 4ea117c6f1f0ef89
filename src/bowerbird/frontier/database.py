"""Opening a crawl's database, and SQLite's errors in our words."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from bowerbird.catalog import create
from bowerbird.errors import (
    BowerbirdError,
    FolderError,
    FolderInUseError,
    FrontierError,
    SchemaError,
    StorageFullError,
)
from bowerbird.frontier.statements import schema
from bowerbird.settings import MIB

#: Raised with each change of the tables that an older version could not read.
SCHEMA = 1
#: Marks a file as ours: "BwrB".
APPLICATION = 0x42777242
#: Page cache, in KiB: what a million waiting tasks over 100,000 hosts keep touching.
CACHE_KIB = 24 * 1024
#: Bytes of the log before it is copied back: rows are written two or three times within seconds,
#: and only the last time has to reach the file. Each copying waits for two syncs, and with them on
#: ext4 for all images written meanwhile. It is what the manager keeps free (manager/room.py), since
#: copying back needs room too; of what a small disk has free it is a part only.
CHECKPOINT, CHECKPOINT_PART = 32 * MIB, 16
PAGE = 4_096
#: How long to wait for a lock that another process holds, in milliseconds: nobody should.
BUSY_MS = 2_000

#: SQLite's prefix of words of ours in the table `meta`, apart from the frontier's own.
_OURS = "meta:"


def open_database(path: str, *, durable: bool = False) -> apsw.Connection:
    """The one connection that writes a crawl; see `SqliteFrontier`."""
    with mapped_errors(path):
        connection = apsw.Connection(path)
        try:
            _prepare(connection, path, durable=durable)
        except BaseException:
            connection.close(True)
            raise
        return connection


def open_for_reading(path: str) -> apsw.Connection:
    """A connection beside that one, which never writes nor checkpoints."""
    with mapped_errors(path):
        return apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)


def _prepare(connection: apsw.Connection, path: str, *, durable: bool) -> None:
    connection.set_busy_timeout(BUSY_MS)
    version = connection.pragma("user_version")
    if version > SCHEMA:
        raise SchemaError(
            f"{path} was written by a newer version of Bowerbird (schema {version}, known is "
            f"{SCHEMA}). Update Bowerbird, or choose another folder."
        )
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full" if durable else "normal")
    connection.pragma("fullfsync", durable)  # what macOS needs for it
    connection.pragma("cache_size", -CACHE_KIB)
    connection.wal_autocheckpoint(_checkpoint_pages(path))
    connection.execute("BEGIN IMMEDIATE")
    if version == 0:
        _create(connection, path)
    connection.execute("COMMIT")


def _checkpoint_pages(path: str) -> int:
    free = shutil.disk_usage(Path(path).parent).free
    return max(16, min(CHECKPOINT, free // CHECKPOINT_PART) // PAGE)


def _create(connection: apsw.Connection, path: str) -> None:
    if list(connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'task'")):
        raise FolderError(f"{path} is no database of Bowerbird. Choose another folder.")
    connection.execute(schema())
    create(connection)
    connection.pragma("application_id", APPLICATION)
    connection.pragma("user_version", SCHEMA)


@contextmanager
def mapped_errors(path: str = "crawl.db") -> Iterator[None]:
    """SQLite's errors become ours."""
    try:
        yield
    except apsw.Error as error:
        raise in_our_words(error, path) from error


def in_our_words(error: apsw.Error, path: str = "crawl.db") -> BowerbirdError:
    """What an error of SQLite's means to a person."""
    if isinstance(error, apsw.FullError | apsw.IOError | apsw.ReadOnlyError | apsw.CantOpenError):
        return StorageFullError(f"{path} cannot be written: {error}.")
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return FolderInUseError(f"{path} is in use by another process.")
    if isinstance(error, apsw.NotADBError | apsw.CorruptError):
        return FolderError(f"{path} is damaged or no database: {error}.")
    return FrontierError(f"{path} failed: {error}.")


def get_meta(connection: apsw.Connection, key: str) -> str:
    """A word of the manager's."""
    rows = list(connection.execute("SELECT value FROM meta WHERE key = ?", (_OURS + key,)))
    return str(rows[0][0]) if rows else ""


def set_meta(connection: apsw.Connection, key: str, value: str) -> None:
    """Keep a word of the manager's."""
    with mapped_errors():
        connection.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (_OURS + key, value),
        )
