"""The server: all hosts of a world on one port, each request logged as it begins and ends."""

import asyncio
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TextIO

from tests.closing import let_no_more_in, some_turns
from tests.random_web.world import PORT, Thing, World

_NOT_HERE = Thing(b"not here", "text/plain", 404)
_FAILED = Thing(b"not now", "text/plain", 500)


@dataclass
class Asked:
    """One request as the server saw it. Moments are of CLOCK_MONOTONIC."""

    key: str
    began_s: float
    ended_s: float = 0.0  #: its answer was handed to the kernel; 0: it never was
    status: int = 0

    @property
    def host(self) -> str:
        """The host it was sent to."""
        return self.key.partition("/")[0]


class RandomWeb:
    """A world being served, and the log of what was asked."""

    def __init__(self, world: World, pause_s: float, log_to: TextIO | None) -> None:
        self.world, self.pause_s = world, pause_s
        self.port = 0
        self.log: list[Asked] = []
        self._times: Counter[str] = Counter()
        self._log_to = log_to
        self.lines: set[asyncio.Transport] = set()

    @property
    def start(self) -> str:
        """The URL where a crawl begins."""
        return self.url(self.world.start)

    def url(self, key: str) -> str:
        """The URL of a key."""
        host, _, path = key.partition("/")
        return f"http://{host}:{self.port}/{path}"

    def begin(self, key: str) -> tuple[Asked, Thing]:
        """Note a request; answer what it gets."""
        asked = Asked(key, time.monotonic())
        self.log.append(asked)
        thing = self._found(key)
        self._times[key] += 1
        if self._times[key] > thing.fails:
            return asked, replace(thing, how="")
        return asked, _FAILED if thing.how == "500" else replace(thing, status=0)

    def end(self, asked: Asked, thing: Thing) -> None:
        """Note that it has its answer."""
        asked.status, asked.ended_s = thing.status, time.monotonic()
        if self._log_to:
            self._log_to.write(json.dumps(asdict(asked)) + "\n")

    def _found(self, key: str) -> Thing:
        host, _, path = key.partition("/")
        if path == "robots.txt":
            free = host in self.world.free
            return _NOT_HERE if free else Thing(self.world.robots_of(host).encode(), "text/plain")
        return self.world.things.get(key, _NOT_HERE)

    def bytes_of(self, thing: Thing) -> bytes:
        """An answer as it goes over the wire."""
        body = thing.body
        if not thing.type.startswith("image/"):
            body = body.replace(PORT.encode(), str(self.port).encode())
        head = [f"HTTP/1.1 {thing.status or 200} So", f"Content-Type: {thing.type}"]
        head += [f"Location: {self.url(thing.target)}"] if thing.target else []
        head += [f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(head).encode() + (body[: len(body) // 2] if thing.how else body)


class _Line(asyncio.Protocol):
    """One connection; one request after the other."""

    def __init__(self, web: RandomWeb) -> None:
        self._web = web
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._web.lines.add(transport)
        self._here: str = transport.get_extra_info("sockname")[0]

    def connection_lost(self, _: Exception | None) -> None:
        self._web.lines.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        if not self._heard.endswith(b"\r\n\r\n"):
            return
        path = self._heard.split(b" ", 2)[1].decode("latin-1")
        self._heard = b""
        asked, thing = self._web.begin(self._here + path)
        if self._web.pause_s:
            asyncio.get_running_loop().call_later(self._web.pause_s, self._answer, asked, thing)
        else:
            self._answer(asked, thing)

    def _answer(self, asked: Asked, thing: Thing) -> None:
        if thing.how == "silent":
            return
        self._web.end(asked, thing)
        self._transport.write(self._web.bytes_of(thing))
        if thing.how == "truncated":
            self._transport.close()
        elif thing.how == "reset":  # at once it might overtake the bytes: a host that is down
            asyncio.get_running_loop().call_later(0.05, self._reset)

    def _reset(self) -> None:
        if self._transport.is_closing():
            return
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


@contextmanager
def serve(
    world: World, pause_s: float = 0.0, host: str = "0.0.0.0", port: int = 0,
    log_to: TextIO | None = None,
) -> Iterator[RandomWeb]:  # fmt: skip
    """Serve a world from a thread, on a free port of all addresses.

    `pause_s` may be changed while it runs. `log_to`: where each finished request goes as a line of
    JSON, for who looks from another process (`read_log`).
    """
    web = RandomWeb(world, pause_s, log_to)
    loop = asyncio.new_event_loop()
    listening = loop.create_server(lambda: _Line(web), host, port, backlog=1_024)
    server = loop.run_until_complete(listening)
    web.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, name="random-web")
    thread.start()
    try:
        yield web
    finally:
        asyncio.run_coroutine_threadsafe(_close(server, web), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _close(server: asyncio.Server, web: RandomWeb) -> None:
    await let_no_more_in(server)
    for line in tuple(web.lines):
        line.abort()
    await some_turns()


def read_log(path: Path) -> Iterable[Asked]:
    """What a server in another process has written."""
    return [Asked(**json.loads(line)) for line in path.read_text().splitlines()]
