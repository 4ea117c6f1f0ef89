"""The frontier of another process sits the contract: over a Unix socket, before both back ends."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from bowerbird.frontier.local import LocalFrontier
from bowerbird.frontier.memory import MemoryFrontier
from bowerbird.frontier.remote import RemoteFrontier
from bowerbird.frontier.service import FrontierService
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.queues import Door, Server, UnixAddress, new_authkey, new_socket_path
from bowerbird.testing import ManualClock
from tests.contracts.frontier import FrontierContract, Opened


@pytest.fixture
def served(clock: ManualClock) -> Iterator[Callable[[LocalFrontier], RemoteFrontier]]:
    """Serves frontiers and gives clients for them."""
    lives: list[tuple[FrontierService, LocalFrontier]] = []

    def serve(frontier: LocalFrontier) -> RemoteFrontier:
        address, authkey = UnixAddress(str(new_socket_path())), new_authkey()
        service = FrontierService(frontier, Server([Door(address, authkey)]), clock=clock)
        service.start()
        lives.append((service, frontier))
        return RemoteFrontier(address, authkey)

    yield serve
    for service, frontier in lives:
        service.stop()
        frontier.close()


Serve = Callable[[LocalFrontier], RemoteFrontier]


class TestRemoteMemoryFrontier(FrontierContract):
    @pytest.fixture
    def opened(self, clock: ManualClock, served: Serve) -> Opened:
        return lambda rules: served(MemoryFrontier(rules, clock))


class TestRemoteSqliteFrontier(FrontierContract):
    @pytest.fixture
    def opened(self, clock: ManualClock, served: Serve, tmp_path: Path) -> Opened:
        numbers = count()
        return lambda rules: served(SqliteFrontier(tmp_path / f"{next(numbers)}.db", rules, clock))
