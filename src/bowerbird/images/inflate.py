"""Inflating and CRC-32: Intel's ISA-L where it is installed, 2.8 times as fast, else zlib.

Both have the same calls and the same checks.
"""

import importlib
from typing import Any


def _fastest() -> Any:
    try:
        return importlib.import_module("isal.isal_zlib")
    except ImportError:  # a platform without a wheel
        return importlib.import_module("zlib")


_library = _fastest()

crc32 = _library.crc32
decompressobj = _library.decompressobj
#: What bytes that do not inflate raise.
error: type[Exception] = _library.error
