"""A mapping of short keys that may grow past memory: it spills to a temporary file."""

from hashlib import blake2b
from typing import Self

import apsw

#: 16 MiB of memory before it spills; a crash leaves nothing worth keeping.
_SETUP = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -16384;
CREATE TABLE kept (key INTEGER PRIMARY KEY, value INTEGER NOT NULL) STRICT;
BEGIN;
"""


class Spill:
    """key -> value, both text, kept as 8-byte hashes; gone when closed.

    Two of 10^7 keys share a hash with a likelihood of 3 in 10^6.
    """

    def __init__(self) -> None:
        self._database = apsw.Connection("")  # a temporary file that SQLite removes
        list(self._database.execute(_SETUP))  # a pragma answers, and waits until it is heard

    def claim(self, key: str, value: str = "") -> bool:
        """Whether `key` had no value, or has had this one: it has from now on."""
        number, wanted = _hash(key), _hash(value)
        self._database.execute("INSERT OR IGNORE INTO kept VALUES (?, ?)", (number, wanted))
        return self._get(number) == wanted

    def note(self, key: str, number: int) -> None:
        """Keep a number, in place of an earlier one."""
        self._database.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (_hash(key), number))

    def number(self, key: str) -> int | None:
        """What `note` kept."""
        return self._get(_hash(key))

    def __contains__(self, key: str) -> bool:
        return self._get(_hash(key)) is not None

    def _get(self, number: int) -> int | None:
        query = "SELECT value FROM kept WHERE key = ?"
        return next((value for (value,) in self._database.execute(query, (number,))), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()


def _hash(text: str) -> int:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
