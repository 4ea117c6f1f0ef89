"""The gallery of a dashboard: opened when somebody first looks at it, on threads of its own."""

import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from bowerbird.app.gallery import Gallery
from bowerbird.app.watch import Watch
from bowerbird.errors import BowerbirdError

#: Questions at once, thumbnails at once: one must not wait behind the other.
ASKED, DRAWN = 4, 6

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")

T = TypeVar("T")


class Desk:
    """Answers what pages ask of the gallery."""

    def __init__(self, watch: Watch, folders: Sequence[Path] = ()) -> None:
        """Open nothing yet: who looks at the live view alone pays for no gallery."""
        self._watch, self._folders = watch, folders
        self._gallery: Gallery | None = None
        self._lock = threading.Lock()
        self._limiters: dict[int, CapacityLimiter] = {}

    async def ask(self, function: Callable[[Gallery], T], at_once: int = ASKED) -> T:
        """Ask the gallery on a thread.

        Raises:
            BowerbirdError: the crawl cannot be asked now.
        """
        limiter = self._limiters.setdefault(at_once, CapacityLimiter(at_once))
        return await to_thread.run_sync(
            lambda: function(self._opened()), limiter=limiter, abandon_on_cancel=False
        )

    def kept(self, sha256: str) -> bytes:
        """A thumbnail that was made before; b"" where there is none. Reads one row, so the loop may
        wait for it: a thread's hand-over costs more."""
        gallery = self._gallery
        return gallery.kept(sha256) if gallery and _SHA256.match(sha256) else b""

    async def open(self) -> None:
        """Have the gallery open before it is asked for anything."""
        with suppress(BowerbirdError):
            await self.ask(lambda _: None)

    def _opened(self) -> Gallery:
        with self._lock:
            if self._gallery is None:
                self._gallery = Gallery(
                    self._watch.ask, self._folders, lambda: self._watch.moment.number
                )
                self._gallery.start()
            self._gallery.touch()
            return self._gallery

    async def close(self) -> None:
        """Let go of everything."""
        gallery, self._gallery = self._gallery, None
        if gallery is not None:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(gallery.close)
