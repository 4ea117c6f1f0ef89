"""Which of the folders that hold a crawl's images are on this machine."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bowerbird.errors import FolderError, UsageError
from bowerbird.model import Record
from bowerbird.store import FileStore, Marker, Store, is_object_path, is_own, marker_of, place_of
from bowerbird.store.bucket import is_bucket

#: What the crawl's own folder is called where nobody knows its path.
OWN = "the crawl's own folder"


class Copy(NamedTuple):
    """A place of this machine where the bytes of a record ought to lie."""

    store: Store
    path: str


class Here:
    """The folders of this machine with images of one crawl: its own, and workers'.

    A worker's folder is known by its marker. It is found at the path in its name, where that is on
    this machine, or among those that are given.
    """

    def __init__(
        self, root: Store | None, given: Iterable[Path] = (), crawl: str = "", *,
        shared: bool = False,
    ) -> None:  # fmt: skip
        """Look at the folders that are given.

        Args:
            root: the crawl's own folder; None: it may be anywhere.
            given: other folders, mounted or copied to wherever they are now.
            crawl: the crawl's name.
            shared: other crawls have images in `root` too.

        Raises:
            UsageError: a folder that is given is none, or has no images.
        """
        self.root = root
        self.given: list[Store] = []
        self._crawl = crawl
        self._known: dict[str, Store | None] = {}
        self._shared: set[str] = set()  # names of folders with images of other crawls as well
        if root is not None and shared:
            self._shared.add(root.name)
        for path in map(_with_images, given):
            if root is None or is_bucket(root.folder) or not path.samefile(root.folder):
                self._take(path)

    @property
    def own(self) -> Store:
        """The crawl's own folder; raises UsageError where it is not known."""
        if self.root is None:
            raise UsageError("This needs the folder of the crawl.")
        return self.root

    def stores(self) -> list[Store]:
        """All of them: the crawl's own first."""
        return [*([self.root] if self.root else []), *self.others()]

    def others(self) -> list[Store]:
        """The folders beside the crawl's own that were given or have been met in a record."""
        met = (store for store in self._known.values() if store)
        return list({store.folder: store for store in (*self.given, *met)}.values())

    def is_shared(self, store: Store) -> bool:
        """Whether other crawls, as far as its marker says, have images in a folder."""
        return store.name in self._shared

    def is_source(self, store: Store) -> bool:
        """Whether files are brought out of a folder: one that was given, or any where none was."""
        if self.root is not None and store.folder == self.root.folder:
            return False
        return not self.given or store.folder in {one.folder for one in self.given}

    def copies(self, record: Record) -> list[Copy]:
        """Where a record's bytes may lie on this machine: the crawl's own folder first, which has
        what was brought there by whatever means, then those that holders name or were given."""
        path = path_of(record)
        if not path:
            return []
        named = (self.at(holder.folder) for holder in record.holders)
        stores = (self.root, *named, *self.given)
        return [Copy(one, path) for one in {one.folder: one for one in stores if one}.values()]

    def away(self, record: Record) -> str:
        """The first folder that holds a record and is not on this machine; "" where all are."""
        names = (holder.folder for holder in record.holders if is_object_path(holder.path))
        absent = (name for name in names if self.at(name) is None)
        return next((OWN if is_own(name) and not is_bucket(name) else name for name in absent), "")

    def at(self, folder: str) -> Store | None:
        """The folder that holders call so; None: it is not on this machine."""
        if is_own(folder):
            return self.root
        if folder not in self._known:
            self._known[folder] = self._looked_up(folder)
        return self._known[folder]

    def _looked_up(self, folder: str) -> Store | None:
        place = place_of(folder)
        try:
            marker = marker_of(place) if place else None
        except FolderError:
            return None  # somebody else's, on a machine that has this path too
        if place is None or marker is None or marker.folder != folder:
            return None
        return self._store(place, marker)

    def _take(self, path: Path) -> None:
        marker = marker_of(path)
        store = self._store(path, marker)
        self.given.append(store)
        if marker:
            self._known[marker.folder] = store

    def _store(self, path: Path, marker: Marker | None) -> Store:
        if marker and set(marker.crawls) - {self._crawl}:
            self._shared.add(marker.folder)
        return FileStore(path, name=marker.folder if marker else "")


def path_of(record: Record) -> str:
    """Where a record's bytes lie, or would lie, in the crawl's own folder; "" for none of ours."""
    return next((each.path for each in record.holders if is_object_path(each.path)), "")


def is_held_here(record: Record) -> bool:
    """Whether holders say that the crawl's own folder has a record's bytes."""
    return any(is_own(each.folder) and is_object_path(each.path) for each in record.holders)


def is_held_away(record: Record) -> bool:
    """Whether holders say that another folder, on whatever machine, has a record's bytes."""
    return any(not is_own(each.folder) and is_object_path(each.path) for each in record.holders)


def _with_images(path: Path) -> Path:
    """The folder itself, also where its `images` was named."""
    if path.name == "images" and not (path / "images").is_dir():
        path = path.parent
    if not path.is_dir():
        raise UsageError(f"{path} is no folder.")
    if not (path / "images").is_dir() and marker_of(path) is None:  # or a worker's that got none
        raise UsageError(f"{path} has no images: name a folder with `images` in it.")
    return path
