"""The clocks of transfers: connect, first byte, idle, total, the floor of speed.

One sweep over all transfers every so often, rather than a timer for each event: nothing is paid per
chunk, and a limit is noticed at most one interval late.
"""

from collections.abc import Iterable

from bowerbird.fetch.base import FetchLimits
from bowerbird.fetch.failures import Phase
from bowerbird.fetch.transfer import Transfer

#: Seconds between sweeps; shorter where a limit is.
_EVERY_S = 0.25


class Watch:
    """Looks at transfers when `due_s` has come."""

    def __init__(self, limits: FetchLimits, now_s: float) -> None:
        self._limits = limits
        shortest = min(limits.total_s, limits.connect_s, limits.first_byte_s, limits.idle_s)
        self._every_s = min(_EVERY_S, max(0.01, min(shortest, limits.speed_over_s) / 4))
        self.due_s = now_s + self._every_s

    def expired(self, transfers: Iterable[Transfer], now_s: float) -> list[Transfer]:
        """Those that are over a limit, with their failures noted."""
        self.due_s = now_s + self._every_s
        return [transfer for transfer in transfers if self._over(transfer, now_s)]

    def _over(self, transfer: Transfer, now_s: float) -> bool:
        limits = self._limits
        if now_s - transfer.started_s > limits.total_s:
            transfer.fail("timeout", f"not whole after {limits.total_s:g} s")
        elif transfer.phase is Phase.READING:
            self._listen(transfer, now_s)
        elif transfer.phase is Phase.WAITING:
            if now_s - transfer.sent_s > limits.first_byte_s:
                transfer.fail("first-byte-timeout", f"silent for {limits.first_byte_s:g} s")
        elif now_s - transfer.started_s > limits.connect_s:
            resolving = transfer.phase is Phase.RESOLVING
            reason = "dns-timeout" if resolving else "connect-timeout"
            transfer.fail(reason, f"no connection after {limits.connect_s:g} s")
        return transfer.is_over

    def _listen(self, transfer: Transfer, now_s: float) -> None:
        progress = transfer.progress
        if progress != transfer.seen or transfer.waits:
            transfer.seen = progress
            transfer.heard_s = now_s
        elif now_s - transfer.heard_s > self._limits.idle_s:
            transfer.fail("idle-timeout", f"no byte for {self._limits.idle_s:g} s")
        self._pace(transfer, progress, now_s)

    def _pace(self, transfer: Transfer, progress: int, now_s: float) -> None:
        limits = self._limits
        if transfer.waits:
            transfer.window_s, transfer.window_seen = now_s, progress
        elif now_s - transfer.window_s >= limits.speed_over_s:
            speed = (progress - transfer.window_seen) / (now_s - transfer.window_s)
            if speed < limits.min_speed:
                transfer.fail("too-slow", f"{speed:.0f} bytes per second")
            transfer.window_s, transfer.window_seen = now_s, progress
