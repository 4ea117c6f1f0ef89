"""What the tests of fetching share: spools in memory, and one fetcher with one request."""

import io
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from bowerbird.fetch import Fetcher, FetchLimits, Guard, Request, Response

#: Longer than any of these tests may take.
PATIENCE_S = 30.0


class Spool(io.BytesIO):
    """A sink that remembers what became of it."""

    discarded = False

    def discard(self) -> None:
        self.discarded = True


class CountingSpool:
    """A sink that keeps only the count."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, data: bytes) -> None:
        self.size += len(data)

    def discard(self) -> None:
        self.size = 0


@contextmanager
def fetching(guard: Guard | None = None, **limits: Any) -> Iterator[Fetcher]:
    """A fetcher that may go anywhere, unless a guard says otherwise."""
    guard = guard or Guard(allow_private=True)
    with closing(Fetcher(FetchLimits(**limits), guard, Spool)) as fetcher:
        yield fetcher


def drain(fetcher: Fetcher, patience_s: float = PATIENCE_S) -> dict[int, Response]:
    """All responses of what is in flight, by key."""
    until_s = fetcher._clock.now_s() + patience_s
    responses: dict[int, Response] = {}
    while fetcher.in_flight:
        assert fetcher._clock.now_s() < until_s, f"{fetcher!r} has not come to an end"
        responses.update((response.key, response) for response in fetcher.poll(1.0))
    return responses


def fetch(fetcher: Fetcher, url: str, **request: Any) -> Response:
    """The response of one request."""
    fetcher.submit(Request(key=1, url=url, **request))
    return drain(fetcher)[1]


def get(
    url: str, guard: Guard | None = None, *, ask: dict[str, Any] | None = None, **limits: Any
) -> Response:
    """The response of one request by a fetcher of its own."""
    with fetching(guard, **limits) as fetcher:
        return fetch(fetcher, url, **(ask or {}))
