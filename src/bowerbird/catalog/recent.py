"""After an unclean boot: which records may stand for files that never reached the disk.

Without `--durable` an image is on the disk some seconds after it was recorded. kill -9 loses
nothing, since the kernel has the bytes; when the machine itself goes down they may be gone while
the record is there. So a crawl remembers the boot it was last written in. Whether a machine went
down in an orderly way leaves no trace that every system shows, so any other boot counts.
"""

from pathlib import Path

import msgspec

from bowerbird.catalog.reader import CatalogReader
from bowerbird.catalog.writer import CatalogWriter
from bowerbird.clock import SystemClock

#: Records of this many seconds before the newest are in doubt. Linux writes dirty pages back after
#: 30 s (vm.dirty_expire_centisecs) and looks every 5.
DOUBT_S = 60.0
#: Two readings of one boot's time differ by less than this, in seconds, unless the clock was set.
SAME_BOOT_S = 60.0

_LINUX = Path("/proc/sys/kernel/random/boot_id")
_KEY = "boot"


class Boot(msgspec.Struct, frozen=True):
    """One life of a machine: its id where the system gives one (Linux), else when it began."""

    id: str = ""
    began_at: float = 0.0

    def is_same(self, other: "Boot") -> bool:
        """Whether both are the same life of one machine."""
        if self.id or other.id:
            return self.id == other.id
        return abs(self.began_at - other.began_at) < SAME_BOOT_S


def boot_now() -> Boot:
    """This machine's present boot."""
    try:
        return Boot(id=_LINUX.read_text(encoding="ascii").strip())
    except OSError:
        return Boot(began_at=SystemClock.wall_s() - SystemClock.now_s())


def note_boot(writer: CatalogWriter, boot: Boot) -> None:
    """Remember that the catalog is written in this boot, once what was in doubt is settled."""
    writer.set_meta(_KEY, msgspec.json.encode(boot).decode())


def last_boot(reader: CatalogReader) -> Boot | None:
    """The one that was noted last: if another, `reader.recent(DOUBT_S)` is in doubt."""
    noted = reader.meta(_KEY)
    return msgspec.json.decode(noted, type=Boot) if noted else None
