"""The memory back end sits the contract."""

import pytest

from bowerbird.frontier.memory import MemoryFrontier
from bowerbird.frontier.rules import Rules
from bowerbird.testing import ManualClock
from tests.contracts.bench import Bench
from tests.contracts.frontier import FrontierContract, Opened


class TestMemoryFrontier(FrontierContract):
    @pytest.fixture
    def opened(self, clock: ManualClock) -> Opened:
        def opened(rules: Rules) -> MemoryFrontier:
            return MemoryFrontier(rules, clock)

        return opened

    def test_a_beat_says_how_many_share_a_rate(self, bench: Bench) -> None:
        workers = [bench.worker() for _ in range(3)]
        assert bench.frontier.beat(workers[0].session).sessions == 3
