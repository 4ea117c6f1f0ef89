"""Stop rules: what ends a crawl before it has everything, and what makes it wait."""

import errno
import shutil
from dataclasses import dataclass
from pathlib import Path

from bowerbird.model import Stats
from bowerbird.settings import MIB, Settings

#: Below this the disk counts as full: room for what is in flight and for the database.
FULL_BELOW = 32 * MIB
#: A crawl that waited for room goes on above this.
GOES_ON_ABOVE = 64 * MIB
#: What a pause for want of room is called, and the counter by which workers tell of it; a pause
#: of the user's is never ended by us.
DISK_FULL = "disk-full"


@dataclass(slots=True, frozen=True)
class StopRules:
    """Why a crawl is to stop now, if it is."""

    settings: Settings

    def reason(self, stats: Stats, seconds: float, bytes_before: int) -> str:
        """The option that ends it, "" for none. `bytes_before`: stored by earlier runs."""
        most_bytes, most_s = self.settings.max_total_bytes, self.settings.max_time
        if most_bytes and stats.bytes - bytes_before >= most_bytes:
            return "--max-total-bytes reached"
        if most_s and seconds >= most_s:
            return "--max-time reached"
        return ""


def free_bytes(folder: Path) -> int:
    """Bytes that can still be written below a folder; without end where that cannot be asked."""
    try:
        return shutil.disk_usage(folder).free
    except OSError as error:
        return 0 if error.errno in (errno.EROFS, errno.EIO) else 1 << 62
