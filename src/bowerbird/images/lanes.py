"""Which way an image is decoded, and a lane: one thread that takes one decode after the other."""

import threading
from collections.abc import Callable
from enum import StrEnum
from queue import SimpleQueue
from time import monotonic
from typing import NamedTuple, Protocol

from bowerbird.images.base import Body, Inspected, Refused, Result
from bowerbird.images.formats import bmp, jpeg, png

#: Decodes of about 10 ms are done at once: a thread's hand-over and the fight for the
#: interpreter cost more than they win, and the network's buffers last longer than that.
NOW_PIXELS = {"jpeg": 4_000_000, "png": 1_000_000, "ico": 1_000_000, "gif": 1_000_000}
NOW_PIXELS |= {"webp": 500_000}
#: The same in bytes of body.
NOW_BYTES = 1 << 20
#: Up to this, a JPEG may have all the scans that any may have.
SMALL_PIXELS = 250_000
#: Above this, native decoders work in the child, where memory and time have limits.
THREAD_PIXELS = 16_000_000
#: Inflated by our own code, in a few MiB of memory at any size: a thread is enough for them.
_INFLATED = frozenset(("png", "ico"))
_NATIVE = frozenset(("jpeg", "gif", "webp"))
#: Bytes of memory a pixel takes while it is decoded; progressive JPEG keeps coefficients.
_BYTES_PER_PIXEL = {"jpeg": 4, "gif": 2, "webp": 8}
#: And what it takes whatever its size: image data of a PNG, compressed and inflated.
_AT_LEAST = 2 * png.AT_ONCE
#: A decode that could not begin for so long is given up, in seconds: no lease shall end in a queue
#: of images that each take a decoder its ten seconds.
PATIENCE_S = 30.0
#: What it is told then: of the image it says nothing.
BUSY = "decoder-busy"


class Way(StrEnum):
    """Where an image is decoded."""

    NOW = "now"
    THREAD = "thread"
    CHILD = "child"


def way_of(seen: Inspected, data: Body) -> Way:
    """The cheapest way that is safe for this image."""
    kind, pixels = seen.type, seen.cost
    if pixels <= NOW_PIXELS.get(kind, 0) and len(data) <= NOW_BYTES and not _is_slow(seen, data):
        return Way.NOW
    if seen.damaged or kind == "svg" or (kind == "bmp" and bmp.is_plain(data)):
        return Way.NOW
    if kind in _INFLATED or (kind in _NATIVE and pixels <= THREAD_PIXELS):
        return Way.THREAD
    return Way.CHILD


def _is_slow(seen: Inspected, data: Body) -> bool:
    """Whether it has more scans than encoders write: each is a pass over all pixels."""
    large = seen.type == "jpeg" and seen.cost > SMALL_PIXELS
    return large and jpeg.may_have_scans(data, jpeg.USUAL_SCANS)


def footprint(seen: Inspected) -> int:
    """Bytes that its decode takes, at most."""
    return _AT_LEAST + _BYTES_PER_PIXEL.get(seen.type, 0) * seen.width * seen.height


class Job(NamedTuple):
    """One decode."""

    key: int
    body: Body
    path: str  #: where the body lies as a file, or ""
    seen: Inspected


class Hand(Protocol):
    """Does decodes, one at a time."""

    def decode(self, job: Job) -> Result:
        """The verdict; never raises."""
        ...

    def interrupt(self) -> None:
        """Give up what is under way, and all that comes; called from another thread."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class Lane:
    """A thread that hands one job after the other to a hand."""

    def __init__(self, hand: Hand, done: Callable[[Job, Result], None], name: str) -> None:
        self._hand = hand
        self._done = done
        self._jobs: SimpleQueue[tuple[Job, float] | None] = SimpleQueue()
        self._closed = False
        self.running: Job | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return self._jobs.qsize() + (self.running is not None)

    def put(self, job: Job) -> None:
        """Queue a job; its end is told to `done`, in this lane's thread."""
        self._jobs.put((job, monotonic()))

    def _run(self) -> None:
        while (waiting := self._jobs.get()) and not self._closed:
            job, since_s = waiting
            self.running = job
            late = monotonic() - since_s > PATIENCE_S
            result = Refused(BUSY, "") if late else self._hand.decode(job)
            self.running = None
            if not self._closed:
                self._done(job, result)
        self._hand.close()

    def close(self) -> None:
        """End the thread; jobs that wait are dropped, the one under way is given up."""
        self._closed = True
        self._jobs.put(None)
        self._hand.interrupt()
        self._thread.join(timeout=1.0)
