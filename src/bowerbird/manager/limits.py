"""Stop rules: what ends a crawl before it has everything."""

from dataclasses import dataclass

from bowerbird.model import Stats
from bowerbird.settings import Settings


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
