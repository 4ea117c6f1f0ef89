"""The exam that every frontier sits. A back end's own test module names a factory:

    class TestMine(FrontierContract):
        @pytest.fixture
        def opened(self, clock):
            return lambda rules: ...      # a new frontier with these rules and this clock

Every test ends with the frontier's own audit.
"""

from collections.abc import Callable, Iterator

import pytest

from bowerbird.frontier.base import Frontier
from bowerbird.frontier.rules import Rules
from bowerbird.testing import ManualClock
from tests.contracts.bench import PLAIN, Bench
from tests.contracts.frontier_hosts import HostRules
from tests.contracts.frontier_limits import LimitRules
from tests.contracts.frontier_robots import RobotsRules
from tests.contracts.frontier_sessions import SessionRules
from tests.contracts.frontier_slots import SlotRules
from tests.contracts.frontier_tasks import TaskRules

Opened = Callable[[Rules], Frontier]


class FrontierContract(TaskRules, SlotRules, HostRules, SessionRules, RobotsRules, LimitRules):
    """All of it."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def make(self, opened: Opened, clock: ManualClock) -> Iterator[Callable[..., Bench]]:
        benches: list[Bench] = []

        def make(rules: Rules = PLAIN) -> Bench:
            benches.append(Bench(opened(rules), clock))
            return benches[-1]

        yield make
        for bench in benches:
            assert bench.frontier.audit() == []
            bench.frontier.close()

    @pytest.fixture
    def bench(self, make: Callable[..., Bench]) -> Bench:
        return make()
