"""A visit to a crawl from outside: through its manager's socket while one runs, else alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from bowerbird.app.entries import CatalogView, LocalView, RemoteView
from bowerbird.app.folder import Folder
from bowerbird.app.job import settings_of, stored_job
from bowerbird.errors import FolderInUseError
from bowerbird.frontier.base import Frontier
from bowerbird.settings import Settings


class Visit:
    """A crawl that can be looked at and steered."""

    def __init__(
        self, folder: Folder, frontier: Frontier, catalog: CatalogView, *, running: bool
    ) -> None:
        self.folder = folder
        self.frontier = frontier
        self.catalog = catalog
        self.running = running  #: a manager works at it


@contextmanager
def visit(path: str) -> Iterator[Visit]:
    """Visit the crawl in a folder.

    Raises:
        FolderError: there is none, or it cannot be reached.
    """
    folder = Folder(path)
    folder.require_crawl()
    try:
        with folder.locked():
            yield from _alone(folder)
    except FolderInUseError:
        if not folder.address_file.exists():
            raise
        yield from _through_manager(folder)


def _alone(folder: Folder) -> Iterator[Visit]:
    from bowerbird.frontier.rules import rules_of
    from bowerbird.frontier.sqlite import SqliteFrontier

    stored = stored_job(folder)
    rules = rules_of(settings_of(stored) if stored else Settings())
    frontier = SqliteFrontier(folder.database, rules)
    try:
        yield Visit(folder, frontier, LocalView(frontier), running=False)
    finally:
        frontier.close()


def _through_manager(folder: Folder) -> Iterator[Visit]:
    from bowerbird.frontier.remote import RemoteFrontier

    address = folder.address_file.read_text("utf-8")
    frontier = RemoteFrontier(address, folder.authkey_file.read_bytes())
    try:
        yield Visit(folder, frontier, RemoteView(frontier), running=True)
    finally:
        frontier.close()
