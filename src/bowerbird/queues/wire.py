"""Frames on a stream of bytes, as `multiprocessing.connection` writes them.

A frame is a signed 32-bit big-endian length and that many bytes; a length of -1 announces
an unsigned 64-bit one. No memory is taken on the word of a length: it is checked first.
"""

import struct

from bowerbird.errors import ProtocolError

#: Most bytes of one frame: a thousand tasks with the longest URLs fit.
FRAME_LIMIT = 16 << 20
#: Most bytes of one frame before both sides have shown that they know the key.
HANDSHAKE_LIMIT = 256

_SHORT = struct.Struct("!i")
_LONG = struct.Struct("!Q")
_LONG_FOLLOWS = -1

write_length = _SHORT.pack_into


def frame(body: bytes) -> bytes:
    """One frame, ready to be sent."""
    return _SHORT.pack(len(body)) + body


class FrameReader:
    """Takes bytes as they come and gives whole frames.

    Frames are pulled one by one, so that `limit` may be raised between two of them.
    """

    __slots__ = ("_buffer", "_needed", "limit")

    def __init__(self, limit: int = FRAME_LIMIT) -> None:
        self.limit = limit
        self._buffer = bytearray()
        self._needed = _SHORT.size  # fewer bytes hold nothing new

    def __len__(self) -> int:
        """Bytes taken and not yet given."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take bytes from the stream."""
        self._buffer += data

    def next(self) -> bytes | None:
        """The next whole frame; None: more bytes are needed.

        Raises:
            ProtocolError: a length is negative or above `limit`; the stream is lost.
        """
        buffer = self._buffer
        if len(buffer) < self._needed:
            return None
        start, length = self._header()
        end = start + length
        self._needed = max(end, _SHORT.size)
        if start == 0 or len(buffer) < end:
            return None
        body = bytes(buffer[start:end])
        del buffer[:end]
        self._needed = _SHORT.size
        return body

    def _header(self) -> tuple[int, int]:
        """Where the body starts and how long it is; (0, size) where the header is cut."""
        (length,) = _SHORT.unpack_from(self._buffer)
        start = _SHORT.size
        if length == _LONG_FOLLOWS:
            start += _LONG.size
            if len(self._buffer) < start:
                return 0, start
            (length,) = _LONG.unpack_from(self._buffer, _SHORT.size)
        if not 0 <= length <= self.limit:
            raise ProtocolError(f"a frame of {length} bytes; at most {self.limit} are taken.")
        return start, length
