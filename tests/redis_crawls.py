"""Several crawls in one Redis, by one clock."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.rules import Rules
from bowerbird.testing import ManualClock
from tests.contracts.bench import Bench, image
from tests.redis_fixtures import RedisServer

Make = Callable[..., Bench]


def bench_at(address: str, clock: ManualClock, **rules: Any) -> Bench:
    """A crawl that asks for no robots.txt, unless it is told to."""
    found = Rules(**{"obey_robots": False, **rules})
    return Bench(RedisFrontier(address, found, clock), clock)


@pytest.fixture(params=[1, 4])
def crawl(redis_server: RedisServer, request: Any) -> Iterator[Make]:
    """Makes one more crawl; all have one clock, as all have Redis TIME."""
    with redis_server.client() as client:
        client.flushall()
    clock, benches = ManualClock(), []

    def make(**rules: Any) -> Bench:
        name = f"crawl{len(benches)}&partitions={request.param}"
        benches.append(bench_at(redis_server.address(name), clock, **rules))
        return benches[-1]

    yield make
    for bench in benches:
        assert bench.frontier.audit() == []
        bench.frontier.close()


def some(bench: Bench, number: int = 20) -> None:
    bench.add(*[image(f"{n}") for n in range(number)])


def let_pass(seconds: float, *benches: Bench) -> None:
    """Time, in which all workers beat."""
    while seconds > 0:
        benches[0].clock.advance(min(seconds, 4.0))
        seconds -= 4.0
        for bench in benches:
            for worker in bench.workers:
                worker.beat()
