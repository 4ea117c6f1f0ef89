"""The server: raw asyncio streams, so that every byte is what a resource wants it to be."""

import asyncio
import ssl
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.closing import let_no_more_in, some_turns
from tests.site import bombs, maps, moves, pictures, rules, traps  # noqa: F401 (they register)
from tests.site.resources import RESOURCES, WHOLE_HOSTS, Call

#: Key and certificate for localhost and site.test; nothing but tests trusts it.
CERTIFICATE = Path(__file__).with_name("localhost.pem")


@dataclass(frozen=True)
class Arrival:
    """One request as it came."""

    path: str
    head: str  #: request line and headers
    connection: int  #: counted from 1
    at_s: float  #: of the loop's clock
    host: str = ""  #: address it came to

    def header(self, name: str) -> str:
        """A header of the request, "" where there is none."""
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return ""


@dataclass
class Site:
    """The site in a thread of its own, while the `with` block lasts."""

    port: int = 0
    tls: bool = False
    host: str = "127.0.0.1"
    arrivals: list[Arrival] = field(default_factory=list)
    connections: int = 0
    stays_s: dict[str, float] = field(default_factory=dict)  #: address -> longest answer
    homes: dict[str, str] = field(default_factory=dict)  #: address -> what lives there

    def home(self, path: str) -> str:
        """The URL of a resource on a host that it has for itself; needs `host="0.0.0.0"`.

        Its robots.txt and sitemap.xml are 404, unless the resource answers for the whole host.
        """
        number = len(self.homes) + 1
        address = f"127.66.{number >> 8}.{number & 255}"
        self.homes[address] = path
        return self.url(path, address)

    def url(self, path: str = "/", host: str = "") -> str:
        """The URL of a resource, under another name of this machine if given."""
        return f"{'https' if self.tls else 'http'}://{host or self.host}:{self.port}{path}"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self.url("")

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._times: Counter[tuple[str, str]] = Counter()
        self._server = self._loop.run_until_complete(self._start())
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, name="site")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> asyncio.Server:
        return await asyncio.start_server(
            self._serve, self.host, self.port, ssl=self._context(), backlog=512
        )

    def _context(self) -> ssl.SSLContext | None:
        if not self.tls:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        return context

    async def _stop(self) -> None:
        await let_no_more_in(self._server)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await some_turns()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, TimeoutError):
                while await self._answer(reader, writer, number):
                    pass
        except asyncio.CancelledError:
            pass  # the site closes
        finally:
            writer.transport.abort()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> bool:
        """One request; False ends the connection."""
        first = await reader.readexactly(1)
        address = writer.get_extra_info("sockname")[0]
        if first == b"\x16":  # a TLS handshake where there is no TLS
            if self.homes.get(address) == "/tls-stall":
                await reader.read()
            writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return False
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        target = head.split(" ", 2)[1]
        if target.startswith("http://"):
            target = "/" + target.split("/", 3)[3]  # we are a proxy
        began_s = self._loop.time()
        self.arrivals.append(Arrival(target, head, number, began_s, address))
        self._times[address, target] += 1
        self._times[address, ""] += 1
        name, arguments = self._lives_at(address, target.partition("?")[0])
        call = Call(
            reader, writer, head, arguments, target, self._times[address, target],
            self._times[address, ""],
        )  # fmt: skip
        try:
            await RESOURCES[name](call)
            await writer.drain()
        finally:
            stay_s = self._loop.time() - began_s
            self.stays_s[address] = max(self.stays_s.get(address, 0.0), stay_s)
        return not writer.is_closing()

    def _lives_at(self, address: str, path: str) -> tuple[str, tuple[str, ...]]:
        """Name and arguments of the resource that answers."""
        home, *given = self.homes.get(address, "").strip("/").split("/")
        if home in WHOLE_HOSTS:
            return home, tuple(given)
        name, *arguments = path.strip("/").split("/")
        if (name or "bytes") in RESOURCES:
            return name or "bytes", tuple(arguments)
        return "status", ("404",)
