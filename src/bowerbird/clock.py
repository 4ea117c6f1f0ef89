"""Time: durations from a clock that no one can set, dates from the wall clock.

Nothing read from `now_s` is ever persisted: it means nothing after a restart.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol


class Clock(Protocol):
    """Where the rest of the program gets its time from."""

    def now_s(self) -> float:
        """Seconds since this machine was started; counts through suspend, never jumps."""
        ...

    def wall_s(self) -> float:
        """Seconds since 1970-01-01 UTC; may jump either way."""
        ...


def _system_s() -> Callable[[], float]:
    if hasattr(time, "CLOCK_BOOTTIME"):
        return partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":  # goes on while the machine sleeps, unlike `time.monotonic` there
        return partial(time.clock_gettime, time.CLOCK_MONOTONIC)
    return time.monotonic


class SystemClock:
    """The machine's clocks: of those that no one sets the one that counts through suspend."""

    now_s = staticmethod(_system_s())
    wall_s = staticmethod(time.time)
