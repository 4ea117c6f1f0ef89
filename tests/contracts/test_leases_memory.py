"""Items in memory sit the contract."""

import pytest

from bowerbird.leases import Leases, MemoryItems, Terms
from bowerbird.testing import ManualClock
from tests.contracts.leases import LeasesContract, Open


class TestMemoryLeases(LeasesContract):
    @pytest.fixture
    def opened(self, clock: ManualClock) -> Open:
        def opened(terms: Terms) -> Leases:
            return Leases(MemoryItems(clock), terms, clock)

        return opened
