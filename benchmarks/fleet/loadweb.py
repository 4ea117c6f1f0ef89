"""`python -m benchmarks.fleet.loadweb ADDRESS PORT DELAY_S LOG`: a web server of any names.

Every path of every name gives an image of about 5 KB, each with other bytes, after a delay, give or
take a fifth: answers in step would let a lone client do all its work at once, and then wait.

It says `ready` when it listens; at SIGTERM it writes into LOG when each request came and of what
name: `seconds name path`, one a line.
"""

import asyncio
import random
import signal
import struct
import sys
import time
import zlib
from pathlib import Path

from tests.web import noisy_png

#: The delay differs by so much either way, evenly.
SPREAD = 0.2
#: Pixels of a side; noise of three bytes each does not shrink: 4.9 KB.
SIDE = 40
_IMAGE = noisy_png(random.Random(1).randbytes, SIDE)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n"
_MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

Log = list[tuple[float, bytes, bytes]]


def image(name: bytes) -> bytes:
    """A whole PNG that is another for each name: it has the name as a comment (PNG, 11.3.3)."""
    data = b"tEXt" + b"Title\0" + name
    comment = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    return _IMAGE[:-12] + comment + _IMAGE[-12:]


class Connection(asyncio.Protocol):
    """One client; requests without bodies, answered in order."""

    def __init__(self, loop: asyncio.AbstractEventLoop, delay_s: float, log: Log) -> None:
        self._loop, self._delay_s, self._log = loop, delay_s, log
        self._said = b""
        self._dice = random.Random(len(log))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self._said = (self._said + data).split(b"\r\n\r\n")
        for request in requests:
            self._asked(request)

    def _asked(self, request: bytes) -> None:
        path = request.split(b" ", 2)[1]
        name = request.lower().partition(b"\r\nhost: ")[2].partition(b"\r\n")[0]
        self._log.append((time.monotonic(), name, path))
        delay_s = self._delay_s * self._dice.uniform(1 - SPREAD, 1 + SPREAD)
        self._loop.call_later(delay_s, self._answer, name + path)

    def _answer(self, name: bytes) -> None:
        if name.endswith(b".png"):
            body = image(name)
            self._transport.write(_HEAD % len(body) + body)
        else:
            self._transport.write(_MISSING)


async def serve(address: str, port: int, delay_s: float) -> Log:
    """Serve until SIGTERM; all requests."""
    log: Log = []
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    await loop.create_server(lambda: Connection(loop, delay_s, log), address, port, backlog=4_096)
    print("ready", flush=True)
    await over.wait()
    return log


def main() -> None:
    """The command."""
    address, port, delay_s, target = sys.argv[1:]
    log = asyncio.run(serve(address, int(port), float(delay_s)))
    lines = (f"{at_s:.6f} {name.decode()} {path.decode()}\n" for at_s, name, path in log)
    Path(target).write_text("".join(lines))


if __name__ == "__main__":
    main()
