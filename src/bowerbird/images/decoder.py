"""The decode port: images are looked at here, decoded where it costs and risks least."""

from collections.abc import Callable
from typing import Protocol

from bowerbird.images.base import Body, Result
from bowerbird.images.inspection import inspect
from bowerbird.settings import Settings


class Decoder(Protocol):
    """Inspects bodies. One thread calls it; it never raises, it answers `Refused`."""

    def inspect(self, body: Body | memoryview) -> Result:
        """Look at a body here and now, however long it takes."""
        ...

    def submit(self, key: int, body: Body | memoryview, path: str = "") -> Result | None:
        """Look at a body: the result at once, or None and later, under `key`, in `finished`.

        `path` is the file where the body lies, if it does: it may be read from there by another
        process. The body must stay as it is until its result is there.
        """
        ...

    def finished(self) -> list[tuple[int, Result]]:
        """(key, result) of what has ended since the last call."""
        ...

    def memory(self) -> int:
        """Bytes that the decodes under way and waiting may take."""
        ...

    def close(self) -> None:
        """End at once; what is under way gets no result."""
        ...


class InlineDecoder:
    """Decodes all in the caller's thread: for tests and tools."""

    def __init__(self, settings: Settings, wake: Callable[[], None] = lambda: None) -> None:
        self._settings = settings
        self._wake = wake

    def inspect(self, body: Body | memoryview) -> Result:
        return inspect(body, self._settings)

    def submit(self, key: int, body: Body | memoryview, path: str = "") -> Result | None:
        return self.inspect(body)

    def finished(self) -> list[tuple[int, Result]]:
        return []

    def memory(self) -> int:
        return 0

    def close(self) -> None:
        pass
