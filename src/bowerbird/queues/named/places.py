"""Where the items of queues lie: in memory, or in a file."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from bowerbird.clock import Clock
from bowerbird.errors import FolderError
from bowerbird.leases import Leases, MemoryItems, Terms

#: Name of the database in a server's folder.
FILE = "queues.db"


class Place(ABC):
    """Makes queues, and keeps their terms."""

    durable: bool

    @abstractmethod
    def batch(self) -> AbstractContextManager[None]:
        """One transaction for all inside."""

    @abstractmethod
    def open(self, name: str, terms: Terms) -> Leases:
        """A queue, made if it is not there; these are its terms from now on."""

    @abstractmethod
    def keep(self, name: str, terms: Terms) -> None:
        """A queue that is there has these terms from now on."""

    @abstractmethod
    def saved(self) -> dict[str, Terms]:
        """The queues that are there at the start."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything."""


class MemoryPlace(Place):
    """Ends with its process."""

    durable = False

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def batch(self) -> AbstractContextManager[None]:
        return nullcontext()

    def open(self, name: str, terms: Terms) -> Leases:  # noqa: ARG002
        return Leases(MemoryItems(self._clock), terms, self._clock)

    def keep(self, name: str, terms: Terms) -> None:
        pass

    def saved(self) -> dict[str, Terms]:
        return {}

    def close(self) -> None:
        pass


class FilePlace(Place):
    """A SQLite file in a folder."""

    durable = True

    def __init__(self, folder: Path, clock: Clock, *, durable: bool = False) -> None:
        """Open the file, which is made with its folder where it is not there.

        `durable`: what was answered survives a power cut too, not only the death of processes.

        Raises:
            FolderError: the folder cannot be used, or holds something else under that name.
            FolderInUseError: another process works with it.
            SchemaError: it was written by a newer version of Bowerbird.
            StorageFullError: the disk is full or refuses writes.
        """
        from bowerbird.leases.database import Database  # apsw is not for those in memory

        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FolderError(f"No folder can be made at {folder}: {error.strerror}.") from None
        self._clock = clock
        self._database = Database(str(folder / FILE), durable=durable)

    def batch(self) -> AbstractContextManager[None]:
        return self._database.batch()

    def open(self, name: str, terms: Terms) -> Leases:
        from bowerbird.leases.sqlite import SqliteItems

        return Leases(SqliteItems(self._database, name, terms, self._clock), terms, self._clock)

    def keep(self, name: str, terms: Terms) -> None:
        from bowerbird.leases.sqlite import keep_terms

        keep_terms(self._database, name, terms)

    def saved(self) -> dict[str, Terms]:
        from bowerbird.leases.sqlite import saved_queues

        return saved_queues(self._database)

    def close(self) -> None:
        self._database.close()
