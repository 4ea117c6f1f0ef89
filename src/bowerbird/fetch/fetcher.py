"""The fetcher: many transfers at once, libcurl's multi interface as the event loop."""

from collections.abc import Callable, Iterable
from typing import Any

import pycurl

from bowerbird.clock import Clock, SystemClock
from bowerbird.fetch.base import Failure, FetchLimits, Request, Response, Sink
from bowerbird.fetch.budget import Budget
from bowerbird.fetch.easy import Easy
from bowerbird.fetch.guard import Guard, Right
from bowerbird.fetch.rate import TokenBucket
from bowerbird.fetch.shared import Shared
from bowerbird.fetch.transfer import Transfer
from bowerbird.fetch.waiter import READ, WRITE, make_waiter
from bowerbird.fetch.watch import Watch

#: libcurl's POLL_ values in those of the waiter.
_MASKS = {
    pycurl.POLL_NONE: 0,
    pycurl.POLL_IN: READ,
    pycurl.POLL_OUT: WRITE,
    pycurl.POLL_INOUT: READ | WRITE,
    pycurl.POLL_REMOVE: 0,
}


class Fetcher:
    """Gets URLs. One thread calls everything but `wake`.

    Args:
        limits: bounds of each transfer and of all.
        guard: which addresses may be reached.
        open_spool: where bodies above `Request.spool_above` go.
        resolve: "host:port:address", names pinned to addresses (curl's --resolve).
    """

    def __init__(
        self,
        limits: FetchLimits,
        guard: Guard,
        open_spool: Callable[[], Sink],
        *,
        clock: Clock | None = None,
        resolve: Iterable[str] = (),
    ) -> None:
        self._clock = clock or SystemClock()
        self._budget = Budget(limits.memory)
        self._guard = guard
        self._shared = Shared(limits, guard, open_spool, self._budget, self._clock, tuple(resolve))
        self._watch = Watch(limits, self._clock.now_s())
        self._max_rate, self._sharers = limits.max_rate, limits.sharers
        self._bucket = (
            TokenBucket(limits.max_rate / limits.sharers, self._clock.now_s())
            if limits.max_rate
            else None
        )
        self._waiter = make_waiter()
        self._timer_s: float | None = None  #: when libcurl wants to be called
        self._timer_ms = -1  #: what it said last, and has not yet been counted from now
        self._easies: dict[Any, Easy] = {}  # by libcurl's handle
        self._free: list[Easy] = []
        self._flying: dict[int, Easy] = {}
        self._ready: list[Response] = []
        self._multi = self._make_multi(limits)
        if self._bucket:
            self._settle(self._bucket, self._clock.now_s())

    def _make_multi(self, limits: FetchLimits) -> Any:
        multi = pycurl.CurlMulti()
        multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        multi.setopt(pycurl.M_MAXCONNECTS, limits.connections)
        multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        return multi

    def __repr__(self) -> str:
        return f"<Fetcher {self.in_flight} in flight, {len(self._budget.waiting)} made to wait>"

    @property
    def in_flight(self) -> int:
        """Requests submitted whose responses `poll` has not returned."""
        return len(self._flying) + len(self._ready)

    def share(self, sharers: int) -> None:
        """So many workers have the rate together from now on."""
        if self._bucket and sharers != self._sharers:
            self._sharers = sharers
            self._bucket.pour(self._max_rate / sharers, self._clock.now_s())

    @property
    def throttled(self) -> bool:
        """Whether the rate is spent for now: what is submitted would only wait."""
        return self._budget.throttled

    # Starting and ending.

    def submit(self, request: Request) -> None:
        """Start a request. What is refused outright comes out of the next `poll` like the rest."""
        right = self._guard.right_of(request.url)
        if right is Right.NOWHERE:
            self._ready.append(_refused(request))
            return
        easy = self._free.pop() if self._free else self._new_easy()
        easy.prepare(request, exempt=right is Right.ANYWHERE)
        self._flying[request.key] = easy
        self._multi.add_handle(easy.curl)

    def abort(self, key: int) -> None:
        """End a request without a response. Unknown keys are let pass."""
        easy = self._flying.pop(key, None)
        if easy is not None:
            self._retire(easy)
            easy.transfer.drop()
        self._ready = [response for response in self._ready if _kept(response, key)]

    def abort_all(self) -> None:
        """End every request without a response."""
        for key in (*self._flying, *(response.key for response in self._ready)):
            self.abort(key)

    def close(self) -> None:
        """End every request and every connection."""
        self.abort_all()
        self._multi.close()
        for curl in self._easies:
            curl.close()
        self._waiter.close()

    # Memory shared with the caller.

    def hold(self, count: int) -> None:
        """Count bytes of the caller's (bodies kept, decodes) until `release`."""
        self._budget.room -= count

    def release(self, count: int) -> None:
        """Bytes that `hold` counted are free again; transfers made to wait go on."""
        self._budget.room += count

    # The loop.

    def wake(self) -> None:
        """End a `poll` early. Any thread may call it."""
        self._waiter.wake()

    def poll(self, timeout_s: float) -> list[Response]:
        """Move all transfers on until some have ended, `wake` is called or the time is over."""
        until_s = self._clock.now_s() + timeout_s
        while not self._ready:
            self._kick()
            woken = not self._ready and self._wait(until_s)
            self._look_after()
            if woken or self._clock.now_s() >= until_s:
                break
        ready, self._ready = self._ready, []
        return ready

    def _kick(self) -> None:
        """Let libcurl do what is due by the clock: new requests, its own timeouts."""
        if self._timer_due():
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
            self._collect()

    def _timer_due(self) -> bool:
        now_s = self._clock.now_s()
        if self._timer_ms >= 0:
            self._timer_s, self._timer_ms = now_s + self._timer_ms / 1_000, -1
        due = self._timer_s is not None and now_s >= self._timer_s
        if due:
            self._timer_s = None
        return due

    def _wait(self, until_s: float) -> bool:
        events, woken = self._waiter.wait(self._wait_s(until_s))
        action = self._multi.socket_action
        for fd, mask in events:
            action(fd, mask)
        if events:
            self._collect()
        return woken

    def _wait_s(self, until_s: float) -> float:
        now_s = self._clock.now_s()
        due_s = until_s
        if self._timer_ms >= 0:
            due_s = min(due_s, now_s + self._timer_ms / 1_000)
        if self._timer_s is not None:
            due_s = min(due_s, self._timer_s)
        if self._flying:
            due_s = min(due_s, self._watch.due_s)
        if self._budget.throttled and self._bucket:
            due_s = min(due_s, now_s + self._bucket.ready_in_s(now_s))
        return max(0.0, due_s - now_s)

    def _look_after(self) -> None:
        """Deadlines, rate and memory, after the events that may have answered them."""
        now_s = self._clock.now_s()
        if now_s >= self._watch.due_s:
            for transfer in self._watch.expired(self._transfers(), now_s):
                self._finish(self._flying[transfer.request.key], 0, "")
        if self._bucket:
            self._settle(self._bucket, now_s)
        if self._budget.waiting:
            self._budget.resume()

    def _settle(self, bucket: TokenBucket, now_s: float) -> None:
        bucket.take(self._budget.refill(0), now_s)
        self._budget.refill(bucket.tokens(now_s))

    # What libcurl calls.

    def _on_socket(self, event: int, fd: int, _multi: Any, _data: Any) -> None:
        self._waiter.watch(fd, _MASKS[event])

    def _on_timer(self, timeout_ms: int) -> None:
        # Called for nearly every transfer, so no clock is read here. To be late does no harm; a
        # call before its time would be ignored, and the time not be told again.
        self._timer_s, self._timer_ms = None, timeout_ms

    # Handles.

    def _collect(self) -> None:
        left = 1
        while left:
            left, done, failed = self._multi.info_read()
            for curl in done:
                self._finish(self._easies[curl], 0, "")
            for curl, code, message in failed:
                self._finish(self._easies[curl], code, message)

    def _finish(self, easy: Easy, code: int, message: str) -> None:
        transfer = easy.transfer
        self._flying.pop(transfer.request.key, None)
        self._ready.append(transfer.end(code, message))
        self._retire(easy)

    def _retire(self, easy: Easy) -> None:
        self._multi.remove_handle(easy.curl)
        self._free.append(easy)

    def _new_easy(self) -> Easy:
        easy = Easy(self._shared)
        self._easies[easy.curl] = easy
        return easy

    def _transfers(self) -> list[Transfer]:
        return [easy.transfer for easy in self._flying.values()]


def _refused(request: Request) -> Response:
    why = Failure("private-address", "the URL names a private address")
    return Response(key=request.key, url=request.url, failure=why)


def _kept(response: Response, key: int) -> bool:
    if response.key != key:
        return True
    if response.spool is not None:
        response.spool.discard()
    return False
