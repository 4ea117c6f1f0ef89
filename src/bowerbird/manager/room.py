"""Room on the disk: whether it is running out, and whether it is there again."""

import errno
import shutil
from pathlib import Path
from typing import Protocol

from bowerbird.errors import StorageFullError
from bowerbird.model import DISK_FULL
from bowerbird.settings import MIB
from bowerbird.store import FileStore

#: Below this the disk counts as full: room for what is in flight and for the database. Of a small
#: disk it is a part only.
FULL_BELOW, PART = 32 * MIB, 20
#: A crawl that waited for room goes on above so many times that.
GOES_ON_ABOVE = 2
#: How often the disk is looked at, in seconds.
LOOK_EVERY_S = 1.0
#: What a pause is called while a bucket takes no images. For want of room it is called as the
#: counter by which workers tell of that; a pause of the user's is never ended by us.
BUCKET_REFUSES = "bucket-refuses"
#: Reasons of pauses that end by themselves.
NO_ROOM = frozenset({DISK_FULL, BUCKET_REFUSES})
#: Bytes written to try whether a disk takes any.
PROBE = bytes(64 * 1024)


class Bucket(Protocol):
    """Where images go that do not go to a folder."""

    name: str  #: what people call it
    why: str  #: what it last refused with; "": nothing yet

    def look(self) -> bool | None:
        """Whether it takes bytes, as the last look found; None: not known yet, ask again."""

    def is_back(self) -> bool:
        """Whether a crawl that waits for it should go on."""


class Room:
    """The room below a crawl's folder, where the images may lie on a disk of their own."""

    def __init__(self, folder: Path) -> None:
        self._places = (folder, folder / "images")
        self._store = FileStore(folder)
        self._looked_s = float("-inf")

    def is_due(self, now_s: float) -> bool:
        """Whether it is time for a look; the next one is due a second later."""
        due = now_s - self._looked_s >= LOOK_EVERY_S
        if due:
            self._looked_s = now_s
        return due

    def is_low(self) -> bool:
        """Whether the disk is as good as full."""
        return any(_free(place) < _least(place) for place in self._places)

    def is_back(self) -> bool:
        """Whether there is room, and the disk takes bytes: it may refuse for other reasons."""
        if any(_free(place) <= GOES_ON_ABOVE * _least(place) for place in self._places):
            return False
        try:
            with self._store.spool() as spool:
                spool.write(PROBE)
        except (StorageFullError, OSError):
            return False
        return True


def _free(place: Path) -> int:
    """Bytes that can still be written; without end where that cannot be asked."""
    try:
        return shutil.disk_usage(place).free
    except OSError as error:
        return 0 if error.errno in (errno.EROFS, errno.EIO) else 1 << 62


def _least(place: Path) -> int:
    try:
        return min(FULL_BELOW, shutil.disk_usage(place).total // PART)
    except OSError:
        return FULL_BELOW
