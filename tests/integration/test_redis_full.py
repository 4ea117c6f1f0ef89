"""A Redis whose memory is full refuses a call, or the rest of one: what was carried out before is
not done again, and no lease is left with a worker that does not know of it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.contracts.bench import Bench, image, outcome, urls
from tests.redis_crawls import bench_at
from tests.redis_fixtures import RedisServer, redis_server

from bowerbird.errors import ConnectionLostError, StorageFullError
from bowerbird.frontier.redis.address import parse_redis
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.redis.partition import Partition
from bowerbird.frontier.redis.working import WorkingFrontier
from bowerbird.model import Robots, WorkerInfo
from bowerbird.testing import ManualClock

__all__ = ["redis_server"]

FULL, ENOUGH = "1mb", 0
TEXT = "User-agent: *\nDisallow: /no/\n"


@pytest.fixture
def server(redis_server: RedisServer) -> Iterator[RedisServer]:
    with redis_server.client() as client:
        client.flushall()
    yield redis_server
    with redis_server.client() as client:
        client.config_set("maxmemory", ENOUGH)


def full_from_second(monkeypatch: Any, kind: type, name: str, server: RedisServer) -> None:
    """Redis is full from the second call of a method on."""
    method: Callable[..., Any] = getattr(kind, name)
    calls: list[None] = []

    def called(*given: Any, **named: Any) -> Any:
        calls.append(None)
        if len(calls) == 2:
            with server.client() as client:
                client.config_set("maxmemory", FULL)
        return method(*given, **named)

    monkeypatch.setattr(kind, name, called)


def test_slots_that_were_given_back_are_not_given_back_again(
    server: RedisServer, monkeypatch: Any
) -> None:
    clock = ManualClock()
    bench = bench_at(server.address("x"), clock, per_host=4)
    bench.add(*[image(f"{n}") for n in range(8)], complete=False)
    worker = WorkingFrontier(parse_redis(server.address("x")), clock)
    session = worker.attach(WorkerInfo(name="w")).session
    worker.lease(session, 0)
    full_from_second(monkeypatch, RedisFrontier, "lease", server)

    worker.lease(session, 0, 0.5, {"a.test": 2})  # raises no StorageFullError: do it again
    with server.client() as client:
        assert client.config_get("maxmemory") != {"maxmemory": "0"}
    worker.close()


def test_a_full_redis_that_has_kept_nothing_says_so(server: RedisServer) -> None:
    bench = bench_at(server.address("x"), ManualClock())
    bench.add(image("1"))
    worker = bench.worker()
    with server.client() as client:
        client.config_set("maxmemory", FULL)
        with pytest.raises(StorageFullError):
            worker.lease()
        client.config_set("maxmemory", ENOUGH)
    assert len(worker.lease()) == 1


def test_leases_of_a_call_that_was_cut_short_are_those_that_the_worker_names(
    server: RedisServer, monkeypatch: Any
) -> None:
    bench = judged(server)
    worker = bench.worker("w")

    def refused(*_: Any) -> None:
        raise StorageFullError("no memory left for the refusal")

    with monkeypatch.context() as patch:
        patch.setattr(Partition, "_refused", refused)
        with pytest.raises(ConnectionLostError):
            worker.lease(8)
    assert bench.frontier.stats().leased == 8
    worker.again()
    assert bench.frontier.stats().leased == 0
    assert len(worker.lease(8)) == 4
    assert bench.frontier.audit() == []


def judged(server: RedisServer) -> Bench:
    """A crawl that may not fetch half of its images."""
    bench = bench_at(server.address("x"), ManualClock(), obey_robots=True, user_agent="bird")
    bench.add(*[image(f"{'yes' if n % 2 else 'no'}/{n}") for n in range(8)])
    first = bench.worker()
    (robots,) = first.lease(1)
    assert urls([robots]) == ["http://a.test/robots.txt"]
    first.finish(outcome(robots, robots=Robots(verdict="text", text=TEXT)))
    bench.frontier.detach(first.session)
    bench.workers.remove(first)
    return bench
