"""The Redis frontier against the one in memory, through whatever happens to both."""

from itertools import count
from typing import Any

from hypothesis.stateful import run_state_machine_as_test
from tests.contracts.machine import LIKE_BOTH, Both
from tests.redis_fixtures import RedisServer, redis_server

from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.rules import Rules

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
