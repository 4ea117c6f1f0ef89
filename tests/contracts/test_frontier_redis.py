"""The Redis back end sits the contract, before a real server."""

from collections import Counter
from collections.abc import Callable
from itertools import count

import pytest

from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.rules import Rules
from bowerbird.model import Verb
from bowerbird.testing import ManualClock
from tests.contracts.bench import Bench, image, outcome, urls
from tests.contracts.frontier import FrontierContract, Opened
from tests.redis_cluster import address_of, redis_cluster
from tests.redis_fixtures import RedisServer, redis_server

__all__ = ["redis_cluster", "redis_server"]


class TestRedisFrontier(FrontierContract):
    partitions = 1

    @pytest.fixture
    def opened(self, clock: ManualClock, redis_server: RedisServer) -> Opened:
        with redis_server.client() as client:
            client.flushall()
        numbers = count()

        def opened(rules: Rules) -> RedisFrontier:
            address = redis_server.address(f"c{next(numbers)}&partitions={self.partitions}")
            return RedisFrontier(address, rules, clock)

        return opened

    @pytest.mark.parametrize("back_s", [3_600.0, 315e6])
    def test_a_clock_that_is_set_back_stalls_no_host_with_a_delay(
        self, make: Callable[..., Bench], back_s: float
    ) -> None:
        bench = make(Rules(obey_robots=False, delay_s=1.0))
        bench.clock.advance(1e9)
        bench.add(image("1"), image("2"))
        worker = bench.worker()
        worker.done(worker.lease(1))
        worker.give_surplus()
        bench.clock.advance(-back_s)
        worker.lease()
        bench.wait(3.0)
        worker.lease()
        worker.beat()
        assert worker.slots["a.test"] == 1

    def test_what_is_set_aside_waits_an_hour_at_most_if_the_clock_is_set_back(
        self, make: Callable[..., Bench]
    ) -> None:
        bench = make(Rules(obey_robots=False))
        bench.clock.advance(1e9)
        bench.add(image("1", "held.test"), image("2", "held.test"), image("1", "late.test"))
        worker = bench.worker()
        for lease in worker.lease():
            held = {"hold_s": 5.0} if "held" in lease.task.url else {}
            worker.finish(outcome(lease, Verb.RETRY, reason="http-503", in_s=5.0, **held))
        worker.lease()
        bench.clock.advance(-315e6)
        (late,) = worker.lease()
        assert late.task.url == "http://late.test/1"
        worker.done([late])
        bench.wait(3_610.0)
        assert len(worker.lease()) == 2


class TestRedisFrontierInPartitions(TestRedisFrontier):
    partitions = 4

    def test_no_host_has_more_than_its_turn_while_others_wait(self, bench: Bench) -> None:
        """Hosts take turns in their own partition, partitions share what is asked for."""
        for host in "abc":
            bench.add(*[image(f"{n}", host=f"{host}.test") for n in range(50)])

        leased = Counter(url[7] for url in urls(bench.worker().lease(48)))
        assert sum(leased.values()) == 48
        assert min(leased.values()) >= 8


class TestRedisFrontierOnCluster(TestRedisFrontierInPartitions):
    """In short: without what takes long and has been shown on one Redis."""

    test_a_hundred_thousand_tasks_over_a_thousand_hosts_each_once = None
    test_a_page_with_a_hundred_thousand_links_goes_in_by_chunks = None
    test_a_fleet_never_has_more_slots_out_nor_starts_sooner = None
    test_an_origin_whose_robots_txt_moved_to_a_host_that_is_given_up_is_closed = None

    @pytest.fixture
    def opened(self, clock: ManualClock, redis_cluster: list[RedisServer]) -> Opened:
        for node in redis_cluster:
            node.client().flushall()
        numbers = count()

        def opened(rules: Rules) -> RedisFrontier:
            crawl = f"c{next(numbers)}"
            return RedisFrontier(address_of(redis_cluster, self.partitions, crawl), rules, clock)

        return opened
