"""Thumbnails that were made once: small bodies in one file, which never grows beyond its bound.

A file of its own for each would be a million files; SQLite reads bodies of this size faster than a
file system does. What came first goes first: it can be made again.
"""

import threading
from pathlib import Path
from typing import NamedTuple

import apsw

#: Most bytes that thumbnails take on the disk: 80,000 of them or so.
MOST_BYTES = 1 << 30
#: When that is reached, this part of them goes at once.
PART = 16
BUSY_MS = 10_000
CACHE_KIB = 2_048

_SCHEMA = """
CREATE TABLE IF NOT EXISTS thumbnail (
    id INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL UNIQUE,
    body BLOB NOT NULL,
    reason TEXT NOT NULL
) STRICT;
"""
_GET = "SELECT body, reason FROM thumbnail WHERE sha256 = ?"
_PUT = "INSERT INTO thumbnail (sha256, body, reason) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_DROP = "DELETE FROM thumbnail WHERE id IN (SELECT id FROM thumbnail ORDER BY id LIMIT ?)"


class Thumbnail(NamedTuple):
    """A thumbnail, or why there is none."""

    body: bytes = b""
    reason: str = ""


class Thumbnails:
    """Thumbnails by the sha256 of what they show. Any thread may ask."""

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        """Open the file, which is made if it is not there."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._most = most_bytes
        self._connection = apsw.Connection(str(path))
        self._connection.set_busy_timeout(BUSY_MS)
        self._connection.pragma("journal_mode", "wal")
        self._connection.pragma("synchronous", "off")  # can be made again
        self._connection.pragma("cache_size", -CACHE_KIB)
        self._connection.execute(_SCHEMA)

    def get(self, sha256: str) -> Thumbnail | None:
        """What is known of these bytes; None: nothing yet."""
        with self._lock:
            rows = list(self._connection.execute(_GET, (bytes.fromhex(sha256),)))
        return Thumbnail(*rows[0]) if rows else None

    def put(self, sha256: str, found: Thumbnail) -> None:
        """Keep one."""
        with self._lock, self._connection:
            self._connection.execute(_PUT, (bytes.fromhex(sha256), found.body, found.reason))
            if self.size > self._most:
                self._connection.execute(_DROP, (max(self._count // PART, 1),))

    @property
    def size(self) -> int:
        """Bytes in use."""
        pragma = self._connection.pragma
        pages = int(pragma("page_count")) - int(pragma("freelist_count"))
        return pages * int(pragma("page_size"))

    @property
    def _count(self) -> int:
        return int(next(iter(self._connection.execute("SELECT count(*) FROM thumbnail")))[0])

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close(True)
