"""The resources: what each does is its docstring; its name is the first segment of its path."""

import asyncio
import gzip
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import brotli

OK = b"HTTP/1.1 200 OK\r\n"
MIB = 1 << 20
_BLOCK = b"x" * 262_144


@dataclass(frozen=True)
class Call:
    """One request, and the way to answer it. Further segments of the path are `arguments`."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: str
    arguments: tuple[str, ...]
    target: str = "/"  #: path and query as asked
    times: int = 1  #: how often this host was asked for this target, this time included
    times_of_host: int = 1  #: how often this host was asked for anything

    @property
    def path(self) -> str:
        """The path alone."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What follows the question mark."""
        return self.target.partition("?")[2]

    @property
    def host(self) -> str:
        """Host and port as asked for."""
        lines = self.head.split("\r\n")
        return next((line[5:].strip() for line in lines if line.lower().startswith("host:")), "")

    @property
    def port(self) -> int:
        """The port of the site."""
        return int(self.writer.get_extra_info("sockname")[1])

    def number(self, at: int = 0, default: int = 0) -> int:
        """An argument as a number."""
        given = self.arguments[at] if len(self.arguments) > at else ""
        return int(given) if given.isdigit() else default

    async def send(self, *parts: bytes) -> None:
        """Send, and wait until the other side keeps up."""
        self.writer.write(b"".join(parts))
        await self.writer.drain()

    async def body(self, body: bytes, *headers: str, status: str = "200 OK") -> None:
        """A whole, honest response."""
        lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
        await self.send("\r\n".join(lines).encode("latin-1"), body)

    async def page(self, html: str) -> None:
        """A page with this in its body."""
        text = f"<!doctype html><title>page</title><body>{html}</body>"
        await self.body(text.encode(), "Content-Type: text/html; charset=utf-8")

    async def silence(self) -> None:
        """Say nothing more, until the other side leaves."""
        await self.reader.read()
        self.close()

    def close(self) -> None:
        """End the connection in order."""
        self.writer.close()

    def reset(self) -> None:
        """End the connection by RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Resource = Callable[[Call], Awaitable[None]]
RESOURCES: dict[str, Resource] = {}
#: Those that answer for all of a host whose home they are, robots.txt included.
WHOLE_HOSTS: set[str] = set()


def resource(function: Resource, *, whole_host: bool = False) -> Resource:
    """Serve a function under its name, with hyphens."""
    name = getattr(function, "__name__").strip("_").replace("_", "-")  # noqa: B009
    RESOURCES[name] = function
    if whole_host:
        WHOLE_HOSTS.add(name)
    return function


# What behaves.


@resource
async def bytes_(call: Call) -> None:
    """N bytes (10)."""
    await call.body(b"x" * call.number(default=10))


@resource
async def flow(call: Call) -> None:
    """N bytes (10 MB), never in memory as a whole."""
    left = call.number(default=10_000_000)
    await call.send(OK, b"Content-Length: %d\r\n\r\n" % left)
    while left > 0:
        await call.send(_BLOCK[:left])
        left -= len(_BLOCK)


@resource
async def echo(call: Call) -> None:
    """The request itself."""
    await call.body(call.head.encode("latin-1"))


@resource
async def chunked(call: Call) -> None:
    """N bytes in chunks of 1,000, then trailers."""
    await call.send(OK, b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(call.number(default=10_000) // 1_000):
        await call.send(b"3e8\r\n", b"x" * 1_000, b"\r\n")
    await call.send(b"0\r\nX-Trailer: late\r\nX-Kind: trailer\r\n\r\n")


@resource
async def until_close(call: Call) -> None:
    """N bytes that end with the connection."""
    await call.send(OK, b"\r\n", b"x" * call.number(default=10_000))
    call.close()


@resource
async def interim(call: Call) -> None:
    """N responses 103 with a header of their own, then the real one."""
    await call.send(b"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n" * call.number(default=1))
    await call.body(b"late", "X-Late: 1")


@resource
async def status(call: Call) -> None:
    """An empty response of status N; a second argument is its Retry-After."""
    extra = [f"Retry-After: {call.arguments[1]}"] if len(call.arguments) > 1 else []
    await call.body(b"", *extra, status=f"{call.number(default=204)} So")


@resource
async def redirect(call: Call) -> None:
    """302 to /bytes."""
    await call.body(b"moved", "Location: /bytes", status="302 Found")


@resource
async def coded(call: Call) -> None:
    """1,000 bytes in one of gzip, deflate, br."""
    coding = call.arguments[0] if call.arguments else "gzip"
    await call.body(_encode(coding, b"x" * 1_000), f"Content-Encoding: {coding}")


@resource
async def coded_oddly(call: Call) -> None:
    """1,000 bytes whose coding servers get wrong in this way; browsers show them all."""
    way = call.arguments[0] if call.arguments else "unknown"
    body = b"x" * 1_000
    packed = gzip.compress(body)
    coding, sent = {
        "unknown": ("utf-8", body),
        "aws-chunked": ("aws-chunked", body),
        "aws-chunked-gzip": ("aws-chunked, gzip", packed),
        "members": ("gzip", gzip.compress(body[:400]) + gzip.compress(body[400:])),
        "something-behind": ("gzip", packed + b"tail"),
        "zeros-behind": ("x-gzip", packed + bytes(20)),
        "bare": ("deflate", zlib.compress(body)[2:-4]),
    }[way]
    await call.body(sent, f"Content-Encoding: {coding}")


@resource
async def coded_twice(call: Call) -> None:
    """1,000 bytes, gzip in gzip."""
    body = gzip.compress(gzip.compress(b"x" * 1_000))
    await call.body(body, "Content-Encoding: gzip, gzip")


# What is slow.


@resource
async def silent(call: Call) -> None:
    """No answer at all."""
    await call.silence()


@resource
async def slow_headers(call: Call) -> None:
    """Headers without end, one each 20 ms."""
    await call.send(OK)
    while True:
        await call.send(b"X-Slow: 1\r\n")
        await asyncio.sleep(0.02)


@resource
async def stalled(call: Call) -> None:
    """Half a body, then silence."""
    await call.send(OK, b"Content-Length: 1000\r\n\r\n", b"x" * 500)
    await call.silence()


@resource
async def drip(call: Call) -> None:
    """A byte each N ms (20), of a body of 1 MB."""
    await call.send(OK, b"Content-Length: 1000000\r\n\r\n")
    while True:
        await call.send(b"x")
        await asyncio.sleep(call.number(default=20) / 1_000)


@resource
async def byte_a_second(call: Call) -> None:
    """A byte a second, of an image of 1 MB."""
    await call.send(OK, b"Content-Type: image/png\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        await call.send(b"\x89")
        await asyncio.sleep(1.0)


@resource
async def later(call: Call) -> None:
    """10 bytes after N ms (50)."""
    await asyncio.sleep(call.number(default=50) / 1_000)
    await call.body(b"x" * 10)


@resource
async def tls_stall(call: Call) -> None:
    """Where its home is asked for https: the handshake is never answered (else: no answer)."""
    await call.silence()


# What is too much.


@resource
async def endless(call: Call) -> None:
    """A body without end, of status N (200)."""
    await call.send(b"HTTP/1.1 %d So\r\nLocation: /bytes\r\n\r\n" % call.number(default=200))
    while True:
        await call.send(b"x" * 65_536)


@resource
async def endless_chunks(call: Call) -> None:
    """Chunks of one byte without end."""
    await call.send(OK, b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        await call.send(b"1\r\nx\r\n" * 4_096)


@resource
async def huge_length(call: Call) -> None:
    """A length of 10 GB, said but never sent."""
    await call.send(OK, b"Content-Length: 10000000000\r\n\r\nx")
    await call.silence()


@resource
async def endless_headers(call: Call) -> None:
    """Headers without end, as fast as can be."""
    await call.send(OK)
    while True:
        await call.send(b"X-More: %s\r\n" % (b"y" * 1_000) * 16)


@resource
async def long_header(call: Call) -> None:
    """One header line without end."""
    await call.send(OK, b"X-Long: ")
    while True:
        await call.send(b"y" * 16_384)


@resource
async def many_headers(call: Call) -> None:
    """N headers (200)."""
    await call.body(b"x", *(f"X-{n}: 1" for n in range(call.number(default=200))))


@resource
async def endless_interim(call: Call) -> None:
    """Responses 103 without end."""
    while True:
        await call.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 8)
        await asyncio.sleep(0.001)


@resource
async def bomb(call: Call) -> None:
    """N MiB (64) of zeros in gzip, deflate or br; a third argument is the status."""
    coding = call.arguments[0] if call.arguments else "gzip"
    body = _zeros(coding, call.number(1, 64))
    await call.body(body, f"Content-Encoding: {coding}", status=f"{call.number(2, 200)} So")


@resource
async def coded_thrice(call: Call) -> None:
    """Three codings, one in the other."""
    body = gzip.compress(gzip.compress(gzip.compress(b"x")))
    await call.body(body, "Content-Encoding: gzip, gzip", "Content-Encoding: gzip")


# What is broken.


@resource
async def truncated(call: Call) -> None:
    """Half of the length said."""
    await call.send(OK, b"Content-Length: 1000\r\n\r\n", b"x" * 500)
    call.close()


@resource
async def truncated_chunks(call: Call) -> None:
    """Chunks that end in the middle of one."""
    await call.send(OK, b"Transfer-Encoding: chunked\r\n\r\n3e8\r\n", b"x" * 500)
    call.close()


@resource
async def truncated_gzip(call: Call) -> None:
    """Half of a gzip stream, with the length of that half."""
    whole = gzip.compress(bytes(range(256)) * 400, 1)
    await call.body(whole[: len(whole) // 2], "Content-Encoding: gzip")


@resource
async def half_headers(call: Call) -> None:
    """Ends inside a header."""
    await call.send(OK, b"Content-Type: image/png\r\nConte")
    call.close()


@resource
async def bad_chunks(call: Call) -> None:
    """Chunks whose sizes are no numbers."""
    await call.send(OK, b"Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n")
    call.close()


@resource
async def short_answer(call: Call) -> None:
    """A redirect, or a status given, with a broken body: /short-answer/404/gzip."""
    status, how = call.number(0, 302), call.arguments[1] if len(call.arguments) > 1 else "cut"
    head = f"HTTP/1.1 {status} So\r\nLocation: /bytes\r\nContent-Length: 100\r\n"
    coding = "Content-Encoding: gzip\r\n" if how == "gzip" else ""
    await call.send(f"{head}{coding}\r\n".encode(), b"x" * (100 if how == "gzip" else 5))
    if how == "silent":
        await call.silence()
    call.close()


@resource
async def loud_bomb(call: Call) -> None:
    """20 MiB of zeros whose coding is named in capitals."""
    data = gzip.compress(bytes(20 * MIB), 9)
    length = f"Content-Length: {len(data)}\r\n"
    await call.send(OK, f"CONTENT-ENCODING: gzip\r\n{length}\r\n".encode(), data)


@resource
async def closes_reused(call: Call) -> None:
    """Answers the first request and closes at the next one, unanswered."""
    if call.times % 2 == 0:
        call.close()
        return
    await call.send(OK, b"Content-Length: 1\r\n\r\nx")


@resource
async def bad_gzip(call: Call) -> None:
    """Text that is said to be gzip."""
    await call.body(b"this is no gzip stream", "Content-Encoding: gzip")


@resource
async def reset_in_body(call: Call) -> None:
    """RST in mid-body."""
    await call.send(OK, b"Content-Length: 1000\r\n\r\n", b"x" * 500)
    await asyncio.sleep(0.05)  # else RST may overtake the bytes
    call.reset()


@resource
async def reset(call: Call) -> None:
    """RST instead of an answer."""
    call.reset()


@resource
async def empty_reply(call: Call) -> None:
    """The connection closes without an answer."""
    call.close()


@resource
async def garbage(call: Call) -> None:
    """Bytes that are no HTTP."""
    await call.send(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
    call.close()


@resource
async def nul_header(call: Call) -> None:
    """A NUL in a header."""
    await call.body(b"x", "X-Bad: a\0b")


@resource
async def bare_cr(call: Call) -> None:
    """A CR without LF in a header."""
    await call.body(b"x", "X-Bad: a\rX-Smuggled: b")


@resource
async def two_lengths(call: Call) -> None:
    """Two lengths that differ."""
    await call.body(b"x" * 10, "Content-Length: 5")


def _encode(coding: str, body: bytes) -> bytes:
    encoders = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}
    return bytes(encoders[coding](body))


_bombs: dict[tuple[str, int], bytes] = {}


def _zeros(coding: str, mib: int) -> bytes:
    """Zeros, compressed a MiB at a time: the site must not be its own victim."""
    if (coding, mib) not in _bombs:
        _bombs[coding, mib] = b"".join(_squeezed(coding, mib))
    return _bombs[coding, mib]


def _squeezed(coding: str, mib: int) -> list[bytes]:
    zeros = bytes(MIB)
    if coding == "br":
        packer = brotli.Compressor(quality=5)
        return [*(packer.process(zeros) for _ in range(mib)), packer.finish()]
    squeezer = zlib.compressobj(9, zlib.DEFLATED, 31 if coding == "gzip" else 15)
    return [*(squeezer.compress(zeros) for _ in range(mib)), squeezer.flush()]
