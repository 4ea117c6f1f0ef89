"""Queue servers with a stub behind them, friends and strangers; for the tests of the queues."""

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

import pytest

from bowerbird.errors import RemoteCallError
from bowerbird.queues import (
    Address,
    ClientTls,
    Connection,
    Door,
    Limits,
    Server,
    ServerTls,
    TcpAddress,
    TlsAddress,
    UnixAddress,
    new_socket_path,
)
from bowerbird.queues.certificate import make_certificate
from bowerbird.queues.handshake import client_handshake
from bowerbird.queues.messages import Reply, failure
from bowerbird.queues.server import Call
from bowerbird.queues.wire import FrameReader, frame

KEY = b"the key of these tests"


class Stub:
    """Echoes; holds what it is asked to hold; notes who left."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.held: SimpleQueue[Call] = SimpleQueue()
        self.left: SimpleQueue[int] = SimpleQueue()
        self.asked_count = 0

    def asked(self, call: Call) -> None:
        self.asked_count += 1
        request = call.request
        if request.method == "hold":
            self.held.put(call)
        elif request.method == "fail":
            self.reply(call, failure(request.id, RemoteCallError("as asked")))
        elif request.method == "blow":
            self.reply(call, Reply(request.id, "", bytes(int(request.payload))))
        elif request.method == "who":
            self.reply(call, Reply(request.id, "", repr(tuple(call.caller)).encode()))
        else:
            self.reply(call, Reply(request.id, "", request.payload))

    def reply(self, call: Call, reply: Reply) -> None:
        self.server.reply_many([(call.connection, reply)])

    def closed(self, connection: int) -> None:
        self.left.put(connection)


class House:
    """A server with its stub, and ways in."""

    def __init__(self, server: Server, stub: Stub, tls: ClientTls | None = None) -> None:
        self.server, self.stub, self.address, self.tls = server, stub, server.addresses[0], tls

    @contextmanager
    def client(self, key: bytes = KEY, timeout_s: float = 20.0) -> Iterator[Connection]:
        connection = Connection(self.address, key, timeout_s, self.tls)
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def stranger(self, source: str = "127.0.0.1") -> Iterator[socket.socket]:
        """A bare socket that has said nothing yet; over a network from this address."""
        with self.socket_from(source) as sock:
            yield sock

    def socket_from(self, source: str = "127.0.0.1") -> socket.socket:
        """See `stranger`; to be closed by the caller."""
        if not isinstance(self.address, UnixAddress):
            place = self.address.host, self.address.port
            return socket.create_connection(place, 20.0, (source, 0))
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(20.0)
        sock.connect(self.address.path)
        return sock

    @contextmanager
    def insider(self, source: str = "127.0.0.1") -> Iterator[socket.socket]:
        """A bare socket past the handshake."""
        with self.stranger(source) as sock:
            reader, handshake = FrameReader(), client_handshake(KEY)
            while not handshake.done:
                handshake.receive(next_frame(sock, reader))
                for message in handshake.take():
                    sock.sendall(frame(message))
            yield sock

    def assert_well(self) -> None:
        with self.client() as connection:
            assert connection.call("echo", b"well") == b"well"


Open = Callable[..., House]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens a server: on a Unix socket, or a port of loopback, or that with TLS."""
    servers: list[Server] = []

    def make(
        tcp: bool = False, tls: ServerTls | None = None, trust: ClientTls | None = None,
        port: int = 0, **limits: float,
    ) -> House:  # fmt: skip
        address: Address = UnixAddress(str(new_socket_path()))
        if tls or tcp:
            address = (TlsAddress if tls else TcpAddress)("127.0.0.1", port)
        server = Server([Door(address, KEY, tls)], Limits(**limits))  # type: ignore[arg-type]
        stub = Stub(server)
        server.start(stub)
        servers.append(server)
        return House(server, stub, trust)

    yield make
    for server in servers:
        server.close()


def next_frame(sock: socket.socket, reader: FrameReader) -> bytes:
    while (body := reader.next()) is None:
        data = sock.recv(65_536)
        if not data:
            raise EOFError
        reader.feed(data)
    return body


def rest_of(sock: socket.socket) -> bytes:
    """All that comes until the other end closes."""
    data = b""
    try:
        while more := sock.recv(65_536):
            data += more
    except ConnectionResetError:
        pass
    return data


# Certificates.


class Pair(NamedTuple):
    """A certificate that was made for a test."""

    cert: str
    key: str
    fingerprint: str

    def shown(self, client_ca: str = "") -> ServerTls:
        return ServerTls(self.cert, self.key, client_ca)


Make = Callable[..., Pair]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl program to make certificates with")
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def ours(folder: Path) -> Pair:
    return made(folder, "ours")


def made(folder: Path, name: str, *names: str) -> Pair:
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    return Pair(str(cert), str(key), make_certificate(cert, key, names))


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
