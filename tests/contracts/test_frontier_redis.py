"""The Redis back end sits the contract, before a real server."""

from itertools import count

import pytest

from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.rules import Rules
from bowerbird.testing import ManualClock
from tests.contracts.frontier import FrontierContract, Opened
from tests.redis_fixtures import RedisServer, redis_server

__all__ = ["redis_server"]


class TestRedisFrontier(FrontierContract):
    @pytest.fixture
    def opened(self, clock: ManualClock, redis_server: RedisServer) -> Opened:
        with redis_server.client() as client:
            client.flushall()
        numbers = count()

        def opened(rules: Rules) -> RedisFrontier:
            return RedisFrontier(redis_server.address(f"c{next(numbers)}"), rules, clock)

        return opened
