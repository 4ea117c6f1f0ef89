"""The gallery of a crawl: its index kept up beside it, thumbnails, details, originals.

It asks the crawl as any other command does, in stretches, with pauses while a manager is at work.
"""

import io
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeVar

import apsw

from bowerbird.app.access import Access
from bowerbird.app.entries import CatalogView, entries_of
from bowerbird.app.originals import Originals, originals_of
from bowerbird.app.visit import Visit, visit
from bowerbird.catalog import Entry
from bowerbird.catalog.gallery import Facets, Item, Query, Sort
from bowerbird.catalog.gallery.words import name_of
from bowerbird.errors import BowerbirdError
from bowerbird.frontier.database import mapped_errors
from bowerbird.images.base import Refused
from bowerbird.images.sketches import Sketches
from bowerbird.store import extension_of
from bowerbird.store.thumbnails import Thumbnail, Thumbnails
from bowerbird.urls import host_of

if TYPE_CHECKING:
    from bowerbird.catalog.gallery.views import View

__all__ = [
    "Entry",
    "Gallery",
    "Item",
    "Query",
    "Sort",
    "Thumbnail",
    "extension_of",
    "gallery_of",
    "host_of",
    "name_of",
]

#: How long one visit may last while nobody works at the crawl, in seconds: it locks the folder.
STRETCH_S = 0.4
#: While a manager is at work it is asked for this part of the time, at most.
SHARE = 0.05
#: Who waits for a file hears something at least this often, in seconds.
LONGEST_REST_S = 5.0
#: How often it is looked for new images, in seconds.
EVERY_S = 1.0
#: For so long after somebody has looked the index is kept up, in seconds.
WANTED_S = 60.0
#: Else children that draw are sent to rest this often, in seconds.
REST_S = 10.0
#: Reasons that may have another answer tomorrow; a thumbnail is tried again.
_PASSING = frozenset(("missing", "decoder-died", "decode-timeout", "out-of-memory"))

T = TypeVar("T")


class Ask(Protocol):
    """Asks the crawl something, in a visit."""

    def __call__(self, function: Callable[[Visit], T], /) -> T: ...


class Gallery:
    """What a crawl has brought, to be looked at. Any thread may ask."""

    def __init__(
        self, ask: Ask, given: Iterable[Path] = (), changed: Callable[[], object] = lambda: 0
    ) -> None:
        """Open the index of a crawl.

        Args:
            ask: how the crawl is asked.
            given: folders with images of other machines, wherever they are mounted.
            changed: answers another value when the crawl may have more than before.

        Raises:
            BowerbirdError: the crawl cannot be asked.
        """
        from bowerbird.catalog.gallery.index import GalleryIndex  # with numpy

        self._ask = ask
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self.originals, folder, name = ask(lambda crawl: _known(crawl, given))
        place = self._place(folder)
        with mapped_errors(str(place)):
            self.index = _opened(place / "index.db", lambda path: GalleryIndex(path, name))
            self._thumbnails = _opened(place / "thumbnails.db", Thumbnails)
        self._sketches = Sketches()
        self._ended, self._wake = threading.Event(), threading.Event()
        self._wanted_until_s = 0.0
        self._thread = threading.Thread(target=self._follow, name="gallery", daemon=True)
        self._changed, self._seen = changed, object()
        self._asked_s = 0.0  # how long the crawl was asked, this time
        self._more = True  # whether the catalog had more than was taken

    def _place(self, folder: Path | None) -> Path:
        if folder is not None and _writable(folder / ".bowerbird/gallery"):
            return folder / ".bowerbird/gallery"
        self._scratch = tempfile.TemporaryDirectory(prefix="bowerbird-gallery-")
        return Path(self._scratch.name)

    def touch(self) -> None:
        """Somebody looks: the index is kept up for a while from now."""
        self._wanted_until_s = time.monotonic() + WANTED_S
        self._wake.set()

    def start(self) -> None:
        """Begin to keep the index up."""
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._ended.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(10.0)
        self._sketches.close()
        self._thumbnails.close()
        self.index.close()
        if self._scratch:
            self._scratch.cleanup()

    # Keeping up.

    @property
    def behind(self) -> bool:
        """Whether the catalog has, or may have, more than the index."""
        return self._more or self._seen != self._changed()

    def keep_up(self) -> float:
        """Take what is new, for a moment; answer how long to wait before the next time."""
        seen, self._asked_s = self._changed(), 0.0
        running = self._ask(self._take)
        self._seen = seen
        self._sketches.rest()
        if not self._more:
            return EVERY_S
        return self._asked_s / SHARE if running else 0.0

    def all_taken(self) -> None:
        """Take all there is, now."""
        while self._more:
            self._ask(self._take)

    def _take(self, crawl: Visit) -> bool:
        with mapped_errors():
            return self._taken(crawl)

    def _taken(self, crawl: Visit) -> bool:
        until_s = time.monotonic() + STRETCH_S
        while not self._ended.is_set():
            self._more = self._take_new(crawl.catalog) or self._take_late(crawl.catalog)
            if not self._more or crawl.running or time.monotonic() > until_s:
                break
        return crawl.running

    def _take_new(self, catalog: CatalogView) -> bool:
        """Whether there was more."""
        if self.index.seen < 0:  # what was seen so far comes with the images themselves
            self.index.describe(catalog.described(-1).last)
        after = self.index.cursor
        entries = self._answered(lambda: catalog.page(after))
        self.index.take(after, entries)
        return bool(entries)

    def _take_late(self, catalog: CatalogView) -> bool:
        """Texts that came after their image had been taken; whether there was more."""
        after, cursor = self.index.seen, self.index.cursor
        found = self._answered(lambda: catalog.described(after))
        if found.last != after:
            rows = [row for row in found.rows if row <= cursor]
            late = self._answered(lambda: entries_of(catalog, rows))
            self.index.describe(found.last, late.values())
        return found.last != after

    def _answered(self, question: Callable[[], T]) -> T:
        """What the crawl answers, and how long that took it: our own work is no load on it."""
        began_s = time.monotonic()
        try:
            return question()
        finally:
            self._asked_s += time.monotonic() - began_s

    def _follow(self) -> None:
        while not self._ended.is_set():
            try:
                pause_s = self.keep_up() if self.behind else EVERY_S
            except BowerbirdError:  # the watch says why; here it is enough to try again
                pause_s = EVERY_S
            self._ended.wait(pause_s)
            self._rest()

    def _rest(self) -> None:
        """Ask nothing while nobody looks."""
        while time.monotonic() > self._wanted_until_s and not self._ended.is_set():
            self._wake.clear()
            self._wake.wait(REST_S)
            self._sketches.rest()

    # Looking.

    def view(self, query: Query, upto: int | None = None) -> "View":
        """See `GalleryIndex.view`."""
        return self.index.view(query, upto)

    def items(self, ids: Sequence[int] | Any) -> list[Item]:
        """See `GalleryIndex.items`."""
        return self.index.items(ids)

    def item(self, image: int) -> Item | None:
        """One image; None where there is none of this number."""
        return next(iter(self.index.items([image])), None)

    def facets(self, view: "View") -> Facets:
        """See `GalleryIndex.facets`."""
        return self.index.facets(view)

    def entry(self, item: Item) -> Entry | None:
        """All that the catalog says of an image; None where it says nothing any more."""
        return self.entries([item])[0]

    def entries(self, items: Sequence[Item]) -> list[Entry | None]:
        """The same of several, in one visit; a manager at work is given rest after it."""
        began_s, rows = time.monotonic(), [one.record for one in items]
        found, running = self._ask(lambda crawl: (entries_of(crawl.catalog, rows), crawl.running))
        if running and len(items) > 1:
            self._ended.wait(min((time.monotonic() - began_s) / SHARE, LONGEST_REST_S))
        return [found.get(one.record) for one in items]

    @contextmanager
    def original(self, item: Item) -> Iterator[IO[bytes] | None]:
        """The bytes of an image to be read; None where they are not on this machine."""
        path = self.originals.path(item)
        if path is None:
            body = self.originals.body(item)
            yield None if body is None else io.BytesIO(body)
            return
        with path.open("rb") as file:
            yield file

    def exif(self, item: Item) -> dict[str, str]:
        """What EXIF says of an image, for people; read anew each time."""
        path, body = self._lies(item)
        return self._sketches.facts(path, body) if path or body else {}

    def kept(self, sha256: str) -> bytes:
        """A thumbnail that was made before, at once; b"" where there is none."""
        found = self._thumbnails.get(sha256)
        return found.body if found else b""

    def thumbnail(self, item: Item) -> Thumbnail:
        """A thumbnail, made now if it was not before."""
        if not item.sha256:
            return Thumbnail(reason="elsewhere")
        kept = self._thumbnails.get(item.sha256)
        if kept is not None:
            return kept
        made = self._drawn(item)
        if made.reason not in _PASSING:
            self._thumbnails.put(item.sha256, made)
        return made

    def _lies(self, item: Item) -> tuple[str, bytes]:
        """The path of its bytes, else these; neither where they are not to be had here."""
        path = self.originals.path(item)
        return (str(path), b"") if path else ("", self.originals.body(item) or b"")

    def _drawn(self, item: Item) -> Thumbnail:
        path, body = self._lies(item)
        if not (path or body):
            return Thumbnail(reason="missing")
        drawn = self._sketches.draw(path, body)
        return Thumbnail(reason=drawn.reason) if isinstance(drawn, Refused) else Thumbnail(drawn)


def _known(crawl: Visit, given: Iterable[Path]) -> tuple[Originals, Path | None, str]:
    return originals_of(crawl, given), None if crawl.afar else crawl.folder.path, crawl.name


def _opened(path: Path, opened: Callable[[Path], T]) -> T:
    """Open a file that can be made again; one that is broken is made again."""
    try:
        return opened(path)
    except (apsw.NotADBError, apsw.CorruptError):
        for broken in path.parent.glob(f"{path.name}*"):
            broken.unlink()
        return opened(path)


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@contextmanager
def gallery_of(
    where: str, access: Access | None = None, given: Iterable[Path] = ()
) -> Iterator[Gallery]:
    """The gallery of a crawl for one command, which visits it once.

    Raises what `visit` raises.
    """
    with visit(where, access) as crawl:
        gallery = Gallery(lambda function: function(crawl), given)
        try:
            yield gallery
        finally:
            gallery.close()
