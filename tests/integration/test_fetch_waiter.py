"""Machines without epoll: the fetcher on the standard library's selectors."""

import os
import threading

import pytest
from tests.fetch_fixtures import drain, fetching
from tests.site import Site

from bowerbird.fetch import Request, fetcher
from bowerbird.fetch.waiter import EpollWaiter, SelectorWaiter, SocketWaiter

WAITERS = [EpollWaiter, SelectorWaiter]


@pytest.fixture(params=WAITERS)
def waiter(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[SocketWaiter]:
    monkeypatch.setattr(fetcher, "make_waiter", request.param)
    kind: type[SocketWaiter] = request.param
    return kind


def test_transfers_run_on_either(waiter: type[SocketWaiter]) -> None:
    with Site() as site, fetching(memory=100_000) as running:
        assert isinstance(running._waiter, waiter)
        for key in range(20):
            running.submit(Request(key=key, url=site.url("/bytes/90000")))
        assert [one.size for one in drain(running).values()] == [90_000] * 20


def test_a_wake_is_heard_on_either(waiter: type[SocketWaiter]) -> None:
    with fetching() as running:
        for _ in range(100_000):  # more than a socket holds
            running.wake()
        thread = threading.Thread(target=running.wake)
        assert running.poll(25.0) == []
        thread.start()
        thread.join()
        while running.poll(0.0):
            pass


@pytest.mark.parametrize("kind", WAITERS)
def test_a_wake_that_comes_too_late_harms_nobody(kind: type[SocketWaiter]) -> None:
    waiter = kind()
    waiter.close()
    reader, writer = os.pipe()  # may have the numbers that were given back
    try:
        waiter.wake()
        os.set_blocking(reader, False)
        with pytest.raises(BlockingIOError):
            os.read(reader, 1)
    finally:
        os.close(reader)
        os.close(writer)
