"""Memory that goes back to the system when it is no longer needed. Where the C library is not
glibc, nothing of this does anything.
"""

import ctypes
from contextlib import suppress
from typing import Any

#: mallopt(3): from this size on a block of memory is mapped apart.
_MMAP_THRESHOLD = -3
#: What is larger goes back at once, in bytes.
LARGE = 1 << 20


def give_memory_back() -> None:
    """Have each large body mapped apart, so that it goes back to the system when it is done.

    By default glibc learns from what is freed, up to 32 MiB, to keep it in an arena of each
    thread: four times what is on its way (mallopt(3), M_MMAP_THRESHOLD).
    """
    _call("mallopt", _MMAP_THRESHOLD, LARGE)


def give_small_back() -> None:
    """Have what was freed in small pieces, such as a database's cache, go back (malloc_trim(3))."""
    _call("malloc_trim", 0)


def _call(name: str, *values: Any) -> None:
    with suppress(OSError, AttributeError, TypeError):
        getattr(ctypes.CDLL(None), name)(*values)
