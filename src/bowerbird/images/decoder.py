"""The decode port: bodies are looked at here, and decoded where that costs and risks least."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from mmap import MADV_DONTNEED, mmap
from typing import Protocol

from bowerbird.images.base import Body, Refused, Result
from bowerbird.images.inspection import as_body, decode, look
from bowerbird.images.lanes import Hand, Job, Lane, Way, footprint, way_of
from bowerbird.settings import Check, Settings


class Decoder(Protocol):
    """Inspects bodies. One thread calls it; it never raises, it answers `Refused`."""

    def inspect(self, body: Body | memoryview) -> Result:
        """Look at a body here and now; the answer may take as long as the child's deadline."""
        ...

    def submit(self, key: int, body: Body | memoryview, path: str = "") -> Result | None:
        """Look at a body: the result at once, or None and later, under `key`, in `finished`.

        `path` is the file where the body lies, if it does: another process may read it there.
        The body must stay as it is until its result is there.
        """
        ...

    def finished(self) -> list[tuple[int, Result]]:
        """(key, result) of what has ended since the last call."""
        ...

    def memory(self) -> int:
        """Bytes that the decodes under way in this process take, at most."""
        ...

    def close(self) -> None:
        """End at once; what is under way gets no result."""
        ...


class LocalDecoder:
    """Three ways: at once where it is cheap, in a thread, in a limited child process."""

    def __init__(self, settings: Settings, wake: Callable[[], None] = lambda: None) -> None:
        """`wake` is called, from another thread, whenever `finished` has something new."""
        self._settings = settings
        self._wake = wake
        self._done: deque[tuple[int, Result]] = deque()
        self._lanes: dict[Way, Lane] = {}

    def __repr__(self) -> str:
        waiting = {str(way): len(lane) for way, lane in self._lanes.items()}
        return f"LocalDecoder(waiting={waiting}, done={len(self._done)})"

    def inspect(self, body: Body | memoryview) -> Result:
        data = as_body(body)
        seen = look(data, self._settings)
        if isinstance(seen, Refused) or self._settings.check is Check.HEADER:
            return seen
        if way_of(seen, data) is Way.CHILD:
            return self._aside.decode(Job(0, data, "", seen))
        return decode(data, seen)

    @cached_property
    def _aside(self) -> Hand:
        """A child of its own for who waits: in the lane there may be many before it."""
        return _hand_of(Way.CHILD)

    def submit(self, key: int, body: Body | memoryview, path: str = "") -> Result | None:
        data = as_body(body)
        seen = look(data, self._settings)
        _let_go(data)
        if isinstance(seen, Refused) or self._settings.check is Check.HEADER:
            return seen
        way = way_of(seen, data)
        if way is Way.NOW:
            return decode(data, seen)
        self._lane(way).put(Job(key, data, path, seen))
        return None

    def _lane(self, way: Way) -> Lane:
        if way not in self._lanes:
            self._lanes[way] = Lane(_hand_of(way), self._end, name=f"decode-{way}")
        return self._lanes[way]

    def _end(self, job: Job, result: Result) -> None:
        self._done.append((job.key, result))
        self._wake()

    def finished(self) -> list[tuple[int, Result]]:
        return [self._done.popleft() for _ in range(len(self._done))]

    def memory(self) -> int:
        lane = self._lanes.get(Way.THREAD)
        running = lane.running if lane else None
        return footprint(running.seen) if running else 0

    def close(self) -> None:
        for lane in self._lanes.values():
            lane.close()
        self._lanes.clear()
        if "_aside" in self.__dict__:
            self._aside.close()


def _let_go(data: Body) -> None:
    """Give a mapped file's pages back: those of all bodies that wait would add up. The kernel
    keeps them in its cache; who reads on gets them from there."""
    if isinstance(data, mmap) and hasattr(mmap, "madvise"):
        data.madvise(MADV_DONTNEED)


class _Here:
    """Decodes in the calling thread."""

    def decode(self, job: Job) -> Result:
        result = decode(job.body, job.seen)
        with suppress(ValueError):  # the caller may have unmapped it by now
            _let_go(job.body)
        return result

    def interrupt(self) -> None:
        """A decode of this size ends by itself."""

    def close(self) -> None:
        """Nothing to let go of."""


def _hand_of(way: Way) -> Hand:
    if way is Way.THREAD:
        return _Here()
    from bowerbird.images.warden import Warden  # with subprocess; most crawls need none

    return Warden()


def make_decoder(settings: Settings, wake: Callable[[], None] = lambda: None) -> Decoder:
    """The decoder of a worker; `wake` may be called from any thread."""
    return LocalDecoder(settings, wake)
