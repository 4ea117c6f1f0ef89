"""Bodies that are small on the wire and 10 GB when they are unpacked. Neither is ever in memory."""

import gzip
import zlib
from collections.abc import Iterator
from functools import cache

import brotli

from tests.site.pictures import IMAGES, drawn
from tests.site.resources import MIB, OK, Call, resource

#: What a bomb expands to by default, in MiB.
HUGE = 10 * 1_024
_ZSTD_BLOCK = 128 * 1_024  #: the largest a block may be (RFC 8878 section 3.1.1.2.4)


@resource
async def huge_bomb(call: Call) -> None:
    """10 GB of zeros (or N MiB) in gzip, deflate, br or zstd; a third argument is the status."""
    coding = call.arguments[0] if call.arguments else "gzip"
    head = b"HTTP/1.1 %d So\r\nContent-Type: text/html\r\nLocation: /bytes\r\n" % call.number(
        2, 200
    )
    await call.send(head, f"Content-Encoding: {coding}\r\nConnection: close\r\n\r\n".encode())
    for piece in zeros(coding, call.number(1, HUGE)):
        await call.send(piece)
    call.close()


@resource
async def double_bomb(call: Call) -> None:
    """A gzip bomb in gzip: a kilobyte that is 1 GB."""
    await call.body(_double(), "Content-Encoding: gzip, gzip", "Content-Type: text/html")


@resource
async def coded_without_end(call: Call) -> None:
    """A gzip stream of noise that never ends."""
    await call.send(OK, b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n")
    squeezer = zlib.compressobj(1, zlib.DEFLATED, 31)
    noise = bytes((n * n * 7 + n) % 251 for n in range(65_536))
    while True:
        await call.send(squeezer.compress(noise) + squeezer.flush(zlib.Z_SYNC_FLUSH))


def zeros(coding: str, mib: int) -> Iterator[bytes]:
    """So many MiB of zeros in a coding, in pieces."""
    first, again = _started(coding)
    yield first
    for _ in range(mib // 64):
        yield again * 64
    yield again * (mib % 64)


def prepare() -> None:
    """Make now what is slow to make: nobody else is answered meanwhile."""
    for coding in ("gzip", "deflate", "br", "zstd"):
        _started(coding)
    for name in IMAGES:
        drawn(name)
    _double()


@cache
def _double() -> bytes:
    return gzip.compress(b"".join(zeros("gzip", 1_024)))


@cache
def _started(coding: str) -> tuple[bytes, bytes]:
    """How a stream begins, and a piece that adds a MiB of zeros however often it is repeated."""
    if coding == "zstd":
        return _zstd()
    if coding == "br":
        packer = brotli.Compressor(quality=9)
        return packer.process(bytes(MIB)) + packer.flush(), packer.process(
            bytes(MIB)
        ) + packer.flush()
    squeezer = zlib.compressobj(9, zlib.DEFLATED, 31 if coding == "gzip" else 15)
    first = squeezer.compress(bytes(MIB)) + squeezer.flush(zlib.Z_FULL_FLUSH)
    return first, squeezer.compress(bytes(MIB)) + squeezer.flush(zlib.Z_FULL_FLUSH)


def _zstd() -> tuple[bytes, bytes]:
    """A frame with a window of a MiB, and blocks that repeat one byte (RFC 8878 section 3.1.1)."""
    header = b"\x28\xb5\x2f\xfd" + bytes((0, (20 - 10) << 3))
    block = ((_ZSTD_BLOCK << 3) | (1 << 1)).to_bytes(3, "little") + b"\0"
    return header, block * (MIB // _ZSTD_BLOCK)
