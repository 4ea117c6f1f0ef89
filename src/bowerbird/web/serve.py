"""A dashboard that is served: socket, watch and server, until it is ended."""

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

import uvicorn

from bowerbird.app.access import Access
from bowerbird.app.watch import Watch
from bowerbird.web.app import application
from bowerbird.web.guard import Guard
from bowerbird.web.place import Place, token_of

#: Answers under way may take so long at the end, in seconds.
FAREWELL_S = 1
#: How often the loop wakes up of itself, in seconds.
TICK_S = 1.0
#: How often it is looked whether the last answer is out, in seconds.
SOON_S = 0.005


class Dashboard:
    """One dashboard: `run` serves it, `end` ends that, from any thread."""

    def __init__(
        self, where: str, access: Access, place: Place, folders: Sequence[Path] = ()
    ) -> None:
        """Raises UsageError where it cannot be served so. `folders`: with images of the crawl,
        wherever they are mounted."""
        place.check()
        self.token, self.token_file = token_of(place, where)
        self._listening = place.bound()
        self.address = place.address(self._listening)
        self._watch = Watch(where, access)
        guard = Guard(
            token=self.token, port=self._listening.getsockname()[1], open=place.open,
            secure=bool(place.cert), names=_names(place),
        )  # fmt: skip
        app, site = application(self._watch, guard, folders)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, ws="none", http="h11",
            loop="asyncio", timeout_graceful_shutdown=FAREWELL_S, proxy_headers=False,
            ssl_certfile=place.cert or None, ssl_keyfile=place.key or None,
        )  # fmt: skip
        self._server = _Server(config)
        self._server.farewell = site.stream.end

    @property
    def way_in(self) -> str:
        """The address with the token behind #: browsers keep that to themselves."""
        return f"{self.address}/#token={self.token}"

    def run(self) -> None:
        """Serve until `end`, or a signal where this is the main thread."""
        self._watch.start()
        try:
            self._server.run(sockets=[self._listening])
        finally:
            self._watch.close()
            self._listening.close()

    def last_look(self, wait_s: float) -> None:
        """Let the pages see that the crawl is over, if it is within this time."""
        self._watch.last_look(wait_s)

    def end(self) -> None:
        """End it in order."""
        self._server.leave()


def _names(place: Place) -> frozenset[str]:
    host = place.host.lower()
    return frozenset({"localhost", "127.0.0.1", "[::1]", f"[{host}]" if ":" in host else host})


class _Server(uvicorn.Server):
    """Sleeps until there is something to do, rather than look ten times a second; and leaves when
    the last answer is out: the end of a crawl waits for that."""

    farewell: Callable[[], None] = staticmethod(lambda: None)  #: streams know no end of their own
    _wake: Callable[[], object] = staticmethod(lambda: None)

    def leave(self) -> None:
        """End in order; from any thread, or a signal's handler."""
        self.should_exit = True
        self._wake()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See uvicorn."""
        super().handle_exit(sig, frame)
        self._wake()

    async def main_loop(self) -> None:
        """See uvicorn: each second the date of the answers is set."""
        loop, left = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.call_soon_threadsafe(left.set)
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(left.wait(), TICK_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn, which rests for a tenth of a second, however little is under way."""
        self.farewell()
        state = self.server_state
        for door in (*self.servers, *(sockets or ())):
            door.close()
        for connection in tuple(state.connections):
            connection.shutdown()
        until_s = time.monotonic() + FAREWELL_S
        while (state.connections or state.tasks) and time.monotonic() < until_s:
            await asyncio.sleep(SOON_S)
        for task in state.tasks:
            task.cancel()
        await self.lifespan.shutdown()
