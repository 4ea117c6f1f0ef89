"""The Redis frontier against the one in memory, and with clients that come and go."""

from itertools import count
from typing import Any

from hypothesis.stateful import run_state_machine_as_test
from tests.contracts.machine import LIKE_BOTH, Both
from tests.contracts.resumed import Resumed
from tests.redis_fixtures import RedisServer, redis_server

from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.rules import Rules
from bowerbird.testing import ManualClock

__all__ = ["redis_server"]


def test_redis_does_as_memory_does(redis_server: RedisServer) -> None:
    numbers = count()

    class BothRedis(Both):
        exact, hosts = False, "a"
        robots = "User-agent: *\nCrawl-delay: 1"

        def other(self, rules: Rules) -> Any:
            with redis_server.client() as client:
                client.flushall()  # crawls of one Redis share their hosts
            return RedisFrontier(redis_server.address(f"c{next(numbers)}"), rules, self.clock)

    run_state_machine_as_test(BothRedis, settings=LIKE_BOTH)


def test_a_crawl_whose_manager_goes_at_any_moment_comes_to_its_end(
    redis_server: RedisServer,
) -> None:
    numbers = count()

    class ResumedRedis(Resumed):
        def __init__(self) -> None:
            super().__init__()
            self.crawl = f"r{next(numbers)}"
            with redis_server.client() as client:
                client.flushall()

        def opened(self, rules: Rules) -> Any:
            return RedisFrontier(redis_server.address(self.crawl), rules, self.clock)

        def later(self, away_s: float) -> ManualClock:
            self.clock.advance(away_s)  # that of Redis goes on
            return self.clock

    run_state_machine_as_test(ResumedRedis, settings=LIKE_BOTH)
