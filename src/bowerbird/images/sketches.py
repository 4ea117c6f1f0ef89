"""The parent's end of the children that draw thumbnails. No body is decoded in this process."""

import queue
import sys
import time
from contextlib import suppress
from pathlib import Path

from bowerbird.images.base import Refused
from bowerbird.images.sketching import Facts, Request, Sketch
from bowerbird.images.warden import Warden

#: Pixels of a thumbnail's longer side: sharp on a phone's dense screen, 10 to 15 kB.
SIDE = 360
#: Children at once: a screen of 60 photographs takes them half a second.
CHILDREN = 2
#: A child that nobody has asked for so long is ended: it holds 40 MB. In seconds.
IDLE_S = 20.0

COMMAND = (sys.executable, "-P", "-m", "bowerbird.images.sketch")


class Sketches:
    """Draws thumbnails. Any thread may ask; as many draw at once as there are children."""

    def __init__(self, children: int = CHILDREN) -> None:
        """Start nothing yet."""
        self._idle: queue.LifoQueue[Warden] = queue.LifoQueue()
        self._all = [Warden(COMMAND) for _ in range(children)]
        self._used_s = time.monotonic()
        for warden in self._all:
            self._idle.put(warden)

    def draw(self, path: str = "", body: bytes = b"", side: int = SIDE) -> bytes | Refused:
        """A thumbnail as WebP, of a file or of bytes; waits for a free child."""
        answer = self._answer(path, Request(side, body))
        if isinstance(answer, Facts):
            return Refused("corrupt")
        return answer.body if isinstance(answer, Sketch) else answer

    def facts(self, path: str = "", body: bytes = b"") -> dict[str, str]:
        """What EXIF says, for people; nothing where it cannot be read."""
        answer = self._answer(path, Request(0, body))
        return answer.facts if isinstance(answer, Facts) else {}

    def _answer(self, path: str, request: Request) -> Sketch | Facts | Refused:
        warden = self._idle.get()
        try:
            return _asked(warden, path, request)
        finally:
            self._used_s = time.monotonic()
            self._idle.put(warden)

    def rest(self) -> None:
        """End children that nobody has asked for a while; the next question starts them again."""
        if time.monotonic() - self._used_s < IDLE_S:
            return
        for warden in self._all_idle():
            warden.rest()
            self._idle.put(warden)

    def _all_idle(self) -> list[Warden]:
        """Those that draw nothing, taken out of the queue."""
        found = []
        with suppress(queue.Empty):
            while True:
                found.append(self._idle.get_nowait())
        return found

    def close(self) -> None:
        """End the children, those that draw for another thread as well."""
        for warden in self._all:
            warden.interrupt()
        for warden in self._all_idle():
            warden.close()


def _asked(warden: Warden, path: str, request: Request) -> Sketch | Facts | Refused:
    """The child can open no file: it is given this one."""
    if not path:
        return warden.ask(request, Sketch | Facts | Refused)  # type: ignore[arg-type]
    try:
        with Path(path).open("rb") as file:
            return warden.ask(request, Sketch | Facts | Refused, file.fileno())  # type: ignore[arg-type]
    except FileNotFoundError:
        return Refused("missing", "its file is not there")
    except OSError as error:
        return Refused("corrupt", str(error))
