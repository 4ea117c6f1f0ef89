"""The SQLite back end sits the contract."""

from itertools import count
from pathlib import Path

import pytest

from bowerbird.frontier.rules import Rules
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.testing import ManualClock
from tests.contracts.frontier import FrontierContract, Opened


class TestSqliteFrontier(FrontierContract):
    @pytest.fixture
    def opened(self, clock: ManualClock, tmp_path: Path) -> Opened:
        numbers = count()

        def opened(rules: Rules) -> SqliteFrontier:
            return SqliteFrontier(tmp_path / f"{next(numbers)}.db", rules, clock)

        return opened
