"""The frontier of a crawl on one machine: SQLite, one connection, one writer.

WAL with synchronous=NORMAL: what was committed survives the death of any process; with `durable`
(synchronous=FULL) a power cut too.
"""

from contextlib import suppress
from pathlib import Path

import apsw

from bowerbird.clock import Clock
from bowerbird.frontier.database import get_meta, open_database, set_meta
from bowerbird.frontier.local import LocalFrontier
from bowerbird.frontier.rules import Rules
from bowerbird.frontier.sqlite_store import SqliteStore


class SqliteFrontier(LocalFrontier):
    """A frontier in a file, with the catalog beside it."""

    def __init__(
        self,
        path: Path | str,
        rules: Rules | None = None,
        clock: Clock | None = None,
        *,
        durable: bool = False,
    ) -> None:
        """Open a crawl's database, which is made if it is not there.

        Raises:
            SchemaError: it was written by a newer version of Bowerbird.
            FolderInUseError: another process works with it.
            FolderError: it is no database of ours.
            StorageFullError: the disk is full or refuses writes.
        """
        self.connection = open_database(str(path), durable=durable)
        super().__init__(SqliteStore(self.connection), rules or Rules(), clock)

    def make_room(self) -> None:
        """Give back what the log takes on the disk, 32 MiB at most, as far as that can be done."""
        with suppress(apsw.Error):
            self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def get_meta(self, key: str) -> str:
        """A word kept with the crawl; "" where there is none."""
        return get_meta(self.connection, key)

    def set_meta(self, key: str, value: str) -> None:
        """Keep a word with the crawl, at once or with the batch."""
        set_meta(self.connection, key, value)
