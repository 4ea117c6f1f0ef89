"""A crawl in Redis that has all it may have, and then may have more."""

from typing import Any

import pytest
from tests.contracts.bench import Bench, Worker, image, outcome, page, record
from tests.redis_crawls import bench_at
from tests.redis_fixtures import RedisServer, redis_server

from bowerbird.model import State
from bowerbird.testing import ManualClock

__all__ = ["redis_server"]

#: Leases in vain after which nothing more comes.
ENOUGH = 200


class Crawl:
    """One that is taken up again with other limits, as by `--max-images` on going on."""

    def __init__(self, address: str) -> None:
        self.address, self.clock = address, ManualClock()

    def opened(self, **limits: Any) -> Bench:
        return bench_at(self.address, self.clock, **limits)


@pytest.fixture(params=[1, 4])
def crawl(redis_server: RedisServer, request: Any) -> Crawl:
    with redis_server.client() as client:
        client.flushall()
    return Crawl(redis_server.address(f"limits&partitions={request.param}"))


def drained(bench: Bench) -> State:
    """What it comes to when all is done that is given, and a little is asked for in vain."""
    worker, vain = bench.worker(), 0
    while vain < ENOUGH:
        reply = worker.ask(5)
        if reply.state is State.ENDED:
            break
        _done(worker)
        vain = 0 if reply.leases else vain + 1
        bench.clock.advance(0.0 if reply.leases else max(reply.next_in_s, 0.05))
    for _ in range(20):
        worker.ask(5)
    assert bench.frontier.audit() == []
    bench.frontier.detach(worker.session)
    return reply.state


def _done(worker: Worker) -> None:
    for lease in list(worker.leases):
        worker.finish(outcome(lease, records=(record(lease.task.url),)))
    worker.give_surplus()


def test_more_images_are_fetched_where_the_limit_was_raised(crawl: Crawl) -> None:
    small = crawl.opened(max_images=20)
    small.add(*[image(f"{n}", f"h{n % 10}.test") for n in range(100)])
    assert (drained(small), small.frontier.stats().records) == (State.ENDED, 20)
    small.frontier.close()
    more = crawl.opened(max_images=60)
    assert (drained(more), more.frontier.stats().records) == (State.ENDED, 60)


def test_more_pages_are_read_where_the_limit_was_raised(crawl: Crawl) -> None:
    small = crawl.opened(max_pages=5)
    small.add(*[page(f"{n}", f"h{n % 10}.test") for n in range(40)])
    assert (drained(small), small.frontier.stats().done) == (State.ENDED, {"page": 5})
    small.frontier.close()
    more = crawl.opened(max_pages=30)
    assert (drained(more), more.frontier.stats().done) == (State.ENDED, {"page": 30})


def test_an_image_is_fetched_at_once_where_pages_wait_for_a_limit(crawl: Crawl) -> None:
    bench = crawl.opened(max_pages=1)
    bench.add(*[page(f"{n}") for n in range(9)])
    worker = bench.worker()
    worker.lease()
    _done(worker)
    assert worker.lease() == []
    bench.add(image("late"))
    assert [lease.task.url for lease in worker.lease()] == ["http://a.test/late"]
