"""A visit to a crawl from outside: through its manager while one runs, else alone."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bowerbird.app.access import Access, is_address, manager_address
from bowerbird.app.engines import is_engine
from bowerbird.app.entries import CatalogView, LocalView, RemoteView
from bowerbird.app.folder import LOOKER_S, Folder
from bowerbird.app.job import StoredJob, engine_of, settings_of, stored_job
from bowerbird.errors import FolderError, FolderInUseError, StorageFullError, UsageError
from bowerbird.frontier.base import Frontier
from bowerbird.settings import Settings
from bowerbird.store.bucket import is_bucket

if TYPE_CHECKING:
    from bowerbird.frontier.sqlite import SqliteFrontier

#: Takes a line for people.
Say = Callable[[str], object]


class Visit:
    """A crawl that can be looked at and steered."""

    def __init__(
        self, where: str, folder: Folder | None, frontier: Callable[[], Frontier],
        catalog: Callable[[], CatalogView], *, running: bool = False, in_engine: bool = False,
        fixed: str = "",
    ) -> None:  # fmt: skip
        """`frontier` and `catalog` open what is asked for, when it is."""
        self.fixed = fixed  #: why it can only be looked at, after its name
        self.where = where  #: what it is called: a folder or an address
        self.in_engine = in_engine  #: its frontier is in Redis, and its catalog made of segments
        self._folder = folder
        self._frontier, self._catalog = frontier, catalog
        self._running = running

    @cached_property
    def frontier(self) -> Frontier:
        """Its frontier."""
        return self._frontier()

    @cached_property
    def catalog(self) -> CatalogView:
        """What it has brought."""
        return self._catalog()

    @property
    def running(self) -> bool:
        """Whether a manager works at it."""
        return self._running

    @property
    def manager(self) -> str:
        """Which manager, where others could be meant; else ""."""
        return ""

    @property
    def backlog(self) -> tuple[int, int]:
        """Bytes of results that wait for a manager, and how many may."""
        return 0, 0

    def require_change(self) -> None:
        """Raises what would keep it from being changed, before any file is touched."""
        if self.fixed:
            raise FolderError(f"{self.where} {self.fixed}: it can only be looked at.")

    def take_results(self, say: Say) -> bool:  # noqa: ARG002
        """Have in the catalog what was brought and waits for a manager, where none is at work;
        whether it could be had: if not, people are told why."""
        return True

    def settle(self) -> None:
        """Have what was changed in the catalog, as far as that is not a manager's to do."""

    @property
    def afar(self) -> bool:
        """Whether it is visited at an address, wherever its folder may be."""
        return self._folder is None

    @property
    def folder(self) -> Folder:
        """Its folder; raises UsageError where it is visited by address."""
        if self._folder is None:
            raise UsageError(f"This needs the folder of the crawl at {self.where}.")
        return self._folder

    @cached_property
    def _stored(self) -> StoredJob | None:
        return stored_job(self._folder) if self._folder else None

    @property
    def store(self) -> str:
        """The bucket of its images, as an s3:// URL; "": they lie in folders, or nobody knows."""
        return self._stored.store if self._stored else ""

    @property
    def name(self) -> str:
        """The crawl's name in markers and buckets; "" where that is not known."""
        return self._stored.name if self._stored else ""


@contextmanager
def visit(where: str, access: Access | None = None) -> Iterator[Visit]:
    """Visit the crawl in a folder, or that of the manager at an address.

    Raises:
        FolderError: there is none, or it cannot be reached.
        UsageError: the address is none, or there is no key for it.
        BowerbirdError: nobody answers there, or does not let us in.
    """
    if is_bucket(where):
        raise UsageError(f"{where} has the images alone; name the folder given with --state.")
    if is_engine(where):
        from bowerbird.app.engine_visit import at_engine

        with at_engine(where, access) as crawl:
            yield crawl
        return
    if is_address(where):
        yield from _at(where, access or Access())
        return
    folder = Folder(where)
    _require_no_place(where, folder)
    folder.require_crawl()
    if engine := engine_of(folder):
        from bowerbird.app.engine_visit import at_engine

        with at_engine(engine, access, folder) as crawl:
            yield crawl
        return
    if access is not None and access != Access():
        raise UsageError(f"{where} is a folder; keys and certificates are for tcp://HOST:PORT.")
    if why_fixed := folder.why_fixed():
        yield from _alone(folder, why_fixed)
        return
    try:
        with folder.locked(LOOKER_S, unless=folder.address_file.exists):
            yield from _alone(folder)
    except FolderInUseError:
        if not folder.address_file.exists():
            raise
        yield from _through_manager(folder)


def _require_no_place(where: str, folder: Folder) -> None:
    """Raises UsageError where a person has forgotten the scheme of an address."""
    host, colon, port = where.rpartition(":")
    if host and colon and port.isdigit() and not folder.path.exists():
        raise UsageError(f"There is no folder {where}; for an address write tcp://{where}.")


def _alone(folder: Folder, why_fixed: str = "") -> Iterator[Visit]:
    """Where nothing can be written, a database cannot be opened as ours are: a copy is."""
    with ExitStack() as stack:
        try:
            frontier = None if why_fixed else _frontier(folder, folder.database)
        except StorageFullError:
            frontier, why_fixed = None, "has no room left on its disk"
        if frontier is None:
            frontier = _frontier(folder, stack.enter_context(_copied(folder)))
        stack.callback(frontier.close)
        yield Visit(
            str(folder), folder, lambda: frontier, lambda: LocalView(frontier), fixed=why_fixed
        )


def _frontier(folder: Folder, database: Path) -> "SqliteFrontier":
    from bowerbird.frontier.rules import rules_of
    from bowerbird.frontier.sqlite import SqliteFrontier

    stored = stored_job(folder)
    return SqliteFrontier(database, rules_of(settings_of(stored) if stored else Settings()))


@contextmanager
def _copied(folder: Folder) -> Iterator[Path]:
    from shutil import copyfile  # few visits need them
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="bowerbird-") as scratch:
        try:
            for file in folder.path.glob(f"{folder.database.name}*"):
                copyfile(file, Path(scratch) / file.name)
        except OSError as error:
            raise FolderError(f"{folder} cannot be read by way of {scratch}: {error}.") from None
        yield Path(scratch) / folder.database.name


def _through_manager(folder: Folder) -> Iterator[Visit]:
    from bowerbird.frontier.remote import RemoteFrontier

    address = folder.address_file.read_text("utf-8")
    frontier = RemoteFrontier(address, folder.authkey_file.read_bytes())
    try:
        yield Visit(
            str(folder), folder, lambda: frontier, lambda: RemoteView(frontier), running=True
        )
    finally:
        frontier.close()


def _at(where: str, access: Access) -> Iterator[Visit]:
    from bowerbird.frontier.remote import RemoteFrontier

    address = manager_address(where)
    frontier = RemoteFrontier(address, access.key(), access.tls(address))
    try:
        yield Visit(
            str(address), None, lambda: frontier, lambda: RemoteView(frontier), running=True
        )
    finally:
        frontier.close()
