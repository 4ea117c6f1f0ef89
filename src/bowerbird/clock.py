"""Time: durations from a clock that no one can set, dates from the wall clock.

Nothing read from `now_s` is ever persisted: it means nothing after a restart.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """Where the rest of the program gets its time from."""

    def now_s(self) -> float:
        """Seconds since this machine was started; counts through suspend, never jumps."""
        ...

    def wall_s(self) -> float:
        """Seconds since 1970-01-01 UTC; may jump either way."""
        ...


def _boottime_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SystemClock:
    """The machine's clocks: CLOCK_BOOTTIME where there is one, else the monotonic clock."""

    now_s = staticmethod(_boottime_s if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic)
    wall_s = staticmethod(time.time)
