"""All hosts of a crawl in Redis, as a person searches and sorts them: not the busiest alone."""

from itertools import count
from typing import Any

import pytest
from tests.contracts.bench import PLAIN, Bench, image, outcome
from tests.redis_fixtures import RedisServer, redis_server

from bowerbird.app.browsing import EngineBrowser
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.model import HostQuery, Verb
from bowerbird.testing import ManualClock

__all__ = ["redis_server"]

HOSTS = 520
_numbers = count()


@pytest.fixture(params=[1, 3])
def bench(request: pytest.FixtureRequest, redis_server: RedisServer) -> Bench:
    with redis_server.client() as client:
        client.flushall()
    clock = ManualClock()
    address = redis_server.address(f"h{next(_numbers)}&partitions={request.param}")
    bench = Bench(RedisFrontier(address, PLAIN, clock), clock)
    bench.add(*(image(f"{m}.jpg", f"h{n:03}.test") for n in range(HOSTS) for m in (1, 2)))
    return bench


def asked(bench: Bench, **query: Any) -> Any:
    """What is found, by who has not looked before."""
    frontier: Any = bench.frontier
    frontier.survey = type(frontier.survey)(frontier.partitions, frontier._division)
    return EngineBrowser(None, frontier).hosts(HostQuery(**query))  # type: ignore[arg-type]


def names(page: Any) -> list[str]:
    return [row.host for row in page.rows]


def test_a_host_beyond_the_busiest_is_found_and_turned_to(bench: Bench) -> None:
    bench.add(*(image(f"{n}.jpg", "busy.test") for n in range(40)))
    first = asked(bench, limit=3)
    assert (first.matching, first.whole) == (HOSTS + 1, True)
    assert (names(first)[0], first.rows[0].waiting) == ("busy.test", 40)
    assert names(asked(bench, search="H51", sort="host")) == [f"h51{n}.test" for n in range(10)]
    assert names(asked(bench, sort="host", offset=HOSTS, limit=5)) == ["h519.test"]
    assert names(asked(bench, sort="host", reverse=True, limit=1)) == ["h519.test"]
    assert asked(bench, reverse=True, limit=1).rows[0].waiting == 2
    assert asked(bench, search="nothing").matching == 0


def test_how_many_wait_is_told_exactly_though_most_adds_leave_the_stand_alone(
    redis_server: RedisServer,
) -> None:
    clock = ManualClock()
    stands = set()
    with redis_server.client() as client:
        client.flushall()  # another test's partitions would be this one's
        address = redis_server.address(f"h{next(_numbers)}")
        bench = Bench(RedisFrontier(address, PLAIN, clock), clock)
        keys = bench.frontier.keys  # type: ignore[attr-defined]
        for n in range(20):
            bench.add(image(f"{n}.jpg", "a.test"))
            assert [row.waiting for row in bench.frontier.hosts()] == [n + 1]
            stands.add(client.get(keys.of("stand:a.test")))
        assert len(stands) == 2  # written with the 1st and the 16th
        assert bench.frontier.audit() == []
        client.ltrim(keys.of("q:1:http://a.test"), 0, 14)
    assert "its host's stand" in bench.frontier.audit()[0]


def test_hosts_are_sorted_by_what_only_they_themselves_know(bench: Bench) -> None:
    worker = bench.worker()
    lease = next(one for one in bench.frontier.lease(worker.session, 9).leases)
    bench.frontier.finish(worker.session, [outcome(lease, Verb.DEAD, reason="http-404")])
    page = asked(bench, sort="failed", limit=2)
    assert [row.dead for row in page.rows] == [1, 0]
    assert page.matching == HOSTS
    assert asked(bench, state="down").matching == 0
