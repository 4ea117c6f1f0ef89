"""The memory back end sits the contract."""

import pytest

from bowerbird.frontier.memory import MemoryFrontier
from bowerbird.frontier.rules import Rules
from bowerbird.testing import ManualClock
from tests.contracts.frontier import FrontierContract, Opened


class TestMemoryFrontier(FrontierContract):
    @pytest.fixture
    def opened(self, clock: ManualClock) -> Opened:
        def opened(rules: Rules) -> MemoryFrontier:
            return MemoryFrontier(rules, clock)

        return opened
