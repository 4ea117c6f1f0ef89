"""What happens, told to every page that is open: server-sent events from the one watch.

A moment is encoded once, however many pages look; a page that cannot keep up misses moments and
gets the newest, nothing gathers.
"""

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse

from bowerbird.app.watch import Moment, Watch
from bowerbird.web.api.values import Live, json_of, live_of

#: A silent connection is given a sign of life after this, in seconds: what lies between us and
#: the browser may drop connections that say nothing.
SIGN_S = 15.0
#: How long a browser waits before it connects again, in milliseconds.
AGAIN_MS = 1_000


class Stream:
    """The newest moment, and those who wait for it. Lives on the server's loop."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._event = b""
        self._number = 0
        self._ended = False
        self.listeners = 0  #: pages that are open

    def begin(self) -> None:
        """Take moments from now on; called on the loop."""
        self._loop = asyncio.get_running_loop()
        self._watch.looked_at = lambda: self.listeners > 0
        self._watch.tell = self._told
        self._put(self._watch.moment)

    def end(self) -> None:
        """Say farewell to all pages."""
        self._ended = True
        self._wake()

    def events(self) -> StreamingResponse:
        """The answer to a page that listens."""
        return StreamingResponse(
            self._events(), media_type="text/event-stream", headers={"x-accel-buffering": "no"}
        )

    async def _events(self) -> AsyncIterator[bytes]:
        self.listeners += 1
        self._watch.look_now()
        number = 0
        try:
            yield b"retry: %d\n\n" % AGAIN_MS
            while not self._ended:
                news = self._news
                if number != self._number:
                    number = self._number
                    yield self._event
                    continue
                try:
                    await asyncio.wait_for(news.wait(), SIGN_S)
                except TimeoutError:
                    yield b": still here\n\n"
            yield b"event: end\ndata: {}\n\n"
        finally:
            self.listeners -= 1

    def _told(self, moment: Moment) -> None:
        """On the watch's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put, moment)

    def _put(self, moment: Moment) -> None:
        live: Live = live_of(self._watch.where, moment)
        self._event = b"event: live\ndata: " + json_of(live) + b"\n\n"
        self._number += 1
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
