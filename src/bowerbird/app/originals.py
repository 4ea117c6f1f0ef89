"""The bytes of images, wherever a crawl's images lie: folders of this machine, or a bucket."""

import os
import stat
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from bowerbird.app.bucket import store_at
from bowerbird.app.visit import Visit
from bowerbird.catalog.gallery import Item
from bowerbird.errors import BowerbirdError
from bowerbird.manager.here import OWN, Here
from bowerbird.model import Holder, Record
from bowerbird.store import FileStore, Store, object_path
from bowerbird.store.bucket import is_bucket

#: Folders are looked for anew after this time, in seconds: disks are mounted, images gathered.
ANEW_S = 30.0
#: The largest image that is read out of a bucket to be shown, in bytes: no crawl keeps larger ones
#: unless it was told to.
MOST_BYTES = 64 << 20


class Originals:
    """Finds bytes. Any thread may ask."""

    def __init__(self, root: Store | None, name: str = "", given: Iterable[Path] = ()) -> None:
        """`root`: the crawl's own folder or bucket; None: it is not on this machine."""
        self._root, self._name, self._given = root, name, tuple(given)
        self._here, self._until_s = self._look(), time.monotonic() + ANEW_S

    def _look(self) -> Here:
        return Here(self._root, self._given, self._name)

    @property
    def here(self) -> Here:
        """The folders of this machine."""
        if time.monotonic() > self._until_s:
            self._here, self._until_s = self._look(), time.monotonic() + ANEW_S
        return self._here

    def away(self, item: Item) -> str:
        """Where an image lies that is not on this machine; "" where it is."""
        if not item.sha256 or not item.folders:
            return "elsewhere"
        if any(map(self.is_here, item.folders)) or (self._given and self.path(item)):
            return ""
        first = item.folders[0]
        return first.partition("#")[0] if first.startswith("file://") else OWN

    def is_here(self, folder: str) -> bool:
        """Whether what holders call so is on this machine, or a bucket."""
        return self.here.at(folder) is not None

    def path(self, item: Item) -> Path | None:
        """The file of an image on this machine: a regular one, named by its content."""
        for store, path in self.here.copies(record_of(item)):
            file = Path(store.folder, path)
            if not is_bucket(store.folder) and is_regular(file):
                return file
        return None

    def body(self, item: Item) -> bytes | None:
        """The bytes of an image in a bucket; None where there are none, or too many."""
        if item.bytes > MOST_BYTES:
            return None
        for store, path in self.here.copies(record_of(item)):
            if is_bucket(store.folder) and (body := _fetched(store, path)) is not None:
                return body
        return None


def _fetched(store: Store, path: str) -> bytes | None:
    read: Callable[[str], bytes | None] | None = getattr(store, "named", None)
    try:
        return read(path) if read else None
    except BowerbirdError:
        return None


def is_regular(file: Path) -> bool:
    """Whether it is a file, and no link to one: what lies elsewhere is not shown."""
    try:
        return stat.S_ISREG(os.lstat(file).st_mode)
    except OSError:
        return False


def record_of(item: Item) -> Record:
    """As much of a record as says where its bytes lie."""
    path = object_path(item.sha256, item.type) if item.sha256 else ""
    return Record(
        url=item.url, final_url=item.url, status=200, type=item.type, width=item.width,
        height=item.height, bytes=item.bytes, sha256=item.sha256, fetched_at=item.fetched_at,
        holders=tuple(Holder(folder=folder, path=path) for folder in item.folders if path),
    )  # fmt: skip


def originals_of(crawl: Visit, given: Iterable[Path] = ()) -> Originals:
    """Those of a crawl that is being visited."""
    if crawl.store:
        return Originals(store_at(crawl.store), crawl.name, given)
    return Originals(None if crawl.afar else FileStore(crawl.folder.path), crawl.name, given)
