"""The frontier of another process sits the contract: over each line, before both back ends."""

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from bowerbird.frontier.local import LocalFrontier
from bowerbird.frontier.memory import MemoryFrontier
from bowerbird.frontier.remote import RemoteFrontier
from bowerbird.frontier.service import FrontierService
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.queues import (
    ClientTls,
    Door,
    Server,
    ServerTls,
    TcpAddress,
    TlsAddress,
    UnixAddress,
    new_authkey,
    new_socket_path,
)
from bowerbird.queues.certificate import make_certificate
from bowerbird.testing import ManualClock
from tests.contracts.frontier import FrontierContract, Opened


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ServerTls, ClientTls]:
    """What the two ends of a TLS line need."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    if shutil.which("openssl") is None:
        pytest.skip("no openssl program to make a certificate with")
    fingerprint = make_certificate(cert, key)
    return ServerTls(str(cert), str(key)), ClientTls(fingerprint=fingerprint)


@pytest.fixture
def line(request: pytest.FixtureRequest) -> tuple[Door, ClientTls | None]:
    """A door of each kind, and what its clients need."""
    authkey = new_authkey()
    if request.param == "unix":
        return Door(UnixAddress(str(new_socket_path())), authkey), None
    if request.param == "tcp":
        return Door(TcpAddress("127.0.0.1", 0), authkey), None
    server, client = request.getfixturevalue("certificate")
    return Door(TlsAddress("127.0.0.1", 0), authkey, server), client


@pytest.fixture
def served(
    clock: ManualClock, line: tuple[Door, ClientTls | None]
) -> Iterator[Callable[[LocalFrontier], RemoteFrontier]]:
    """Serves frontiers and gives clients for them."""
    lives: list[tuple[FrontierService, LocalFrontier]] = []
    door, tls = line

    def serve(frontier: LocalFrontier) -> RemoteFrontier:
        server = Server([door])
        service = FrontierService(frontier, server, clock=clock)
        service.start()
        lives.append((service, frontier))
        return RemoteFrontier(server.addresses[0], door.authkey, tls)

    yield serve
    for service, frontier in lives:
        service.stop()
        frontier.close()


Serve = Callable[[LocalFrontier], RemoteFrontier]


class RemoteContract(FrontierContract):
    """All but what takes for granted that nothing happens between two calls: whoever serves a
    frontier ends silent sessions whenever its own clock says so."""

    test_when_all_were_cut_off_nobody_has_died = None  # type: ignore[assignment]


@pytest.mark.parametrize("line", ["unix"], indirect=True)
class TestRemoteMemoryFrontier(RemoteContract):
    @pytest.fixture
    def opened(self, clock: ManualClock, served: Serve) -> Opened:
        return lambda rules: served(MemoryFrontier(rules, clock))


@pytest.mark.parametrize("line", ["unix", "tcp", "tls"], indirect=True)
class TestRemoteSqliteFrontier(RemoteContract):
    @pytest.fixture
    def opened(self, clock: ManualClock, served: Serve, tmp_path: Path) -> Opened:
        numbers = count()
        return lambda rules: served(SqliteFrontier(tmp_path / f"{next(numbers)}.db", rules, clock))
