"""The Redis back end sits the contract, before a real server."""

from collections import Counter
from itertools import count

import pytest

from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.rules import Rules
from bowerbird.testing import ManualClock
from tests.contracts.bench import Bench, image, urls
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
