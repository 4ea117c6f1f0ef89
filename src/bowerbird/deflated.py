"""Deflate streams (RFC 1950 to 1952) unpacked in small steps, so that bounds hold at each."""

import zlib
from collections.abc import Iterator

#: Bytes that one step brings, about.
STEP = 64 * 1024
#: What a gzip file begins with.
MAGIC = b"\x1f\x8b"
#: Window bits as zlib has them: with gzip's wrapping, with zlib's, with none.
GZIP, ZLIB, RAW = 31, 15, -15


class Gzip:
    """One member after the other; what follows and is none is let pass."""

    def __init__(self) -> None:
        self._machine = zlib.decompressobj(GZIP)
        self._is_over = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What these bytes bring, in pieces of about `STEP`; raises zlib.error."""
        while data and not self._is_over:
            if self._machine.eof:
                self._is_over = not MAGIC.startswith(data[:2])
                self._machine = zlib.decompressobj(GZIP)
                continue
            yield from steps(self._machine, data)
            data = self._machine.unused_data


def steps(machine: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    """What these bytes bring, in pieces of about `STEP`; raises zlib.error."""
    piece = b""
    while (data or len(piece) == STEP) and not machine.eof:
        piece = machine.decompress(data, STEP)
        data = machine.unconsumed_tail
        if piece:
            yield piece
