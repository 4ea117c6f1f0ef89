"""The server in a crowd: floods, lost descriptors, restarts and lines gone stale."""

import errno
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from tests.queue_fixtures import KEY, House, Open, Stub, next_frame, opened, rest_of

from bowerbird.errors import CertificateError, ConnectionLostError
from bowerbird.queues import ClientTls, Connection, Door, Server, ServerTls, TcpAddress, dial
from bowerbird.queues.certificate import make_certificate
from bowerbird.queues.entrance import PAUSE_S, Entrance
from bowerbird.queues.handshake import CHALLENGE, FAILURE
from bowerbird.queues.keepalive import UNACKNOWLEDGED_S
from bowerbird.queues.messages import Reply, Request, framed, read_reply
from bowerbird.queues.wire import FrameReader, frame

__all__ = ["opened"]

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="no openssl program to make a certificate with"
)
many_addresses = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere only one address of 127/8 is this machine's"
)

HALF_A_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
GARBAGE = (b"", b"\0\0\0\x10half", b"\0", HALF_A_HELLO)

Flood = Callable[..., None]


def addresses(count: int) -> Iterator[str]:
    """Different ones of 127/8, all of which are this machine."""
    for number in range(count):
        yield f"127.{1 + number // 62_500}.{number // 250 % 250}.{1 + number % 250}"


@pytest.fixture
def flood() -> Iterator[Flood]:
    """Opens idle or broken connections from many addresses and leaves them open."""
    with ExitStack() as taken:

        def pour(house: House, count: int, garbage: Sequence[bytes] = GARBAGE) -> None:
            for number, source in enumerate(addresses(count)):
                sock = taken.enter_context(house.socket_from(source))
                sock.sendall(garbage[number % len(garbage)])

        yield pour


def resident() -> int:
    """Bytes of this process that lie in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4_096


@many_addresses
def test_a_flood_from_everywhere_costs_neither_threads_nor_memory_nor_friends(
    opened: Open, flood: Flood
) -> None:
    house = opened(tcp=True, unauthenticated=100)
    with house.client() as friend:
        friend.call("echo")
        threads = threading.active_count()
        flood(house, 400)
        assert friend.call("echo", b"on") == b"on"
        before = resident()
        flood(house, 1_600)
        assert friend.call("echo", b"on") == b"on"
        house.assert_well()  # someone of a known address
        with house.insider("127.200.0.1") as newcomer:  # someone who was never here
            newcomer.sendall(framed(Request(1, "echo", b"new")))
            assert read_reply(next_frame(newcomer, FrameReader())).payload == b"new"
        assert threading.active_count() == threads
        assert resident() - before < 8 << 20  # with the 1,600 sockets of this end
    assert len(house.server._peers) <= 101


@many_addresses
@needs_openssl
def test_a_flood_of_half_tls_handshakes_leaves_nothing_behind(
    opened: Open, flood: Flood, tmp_path: Path
) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make_certificate(cert, key)
    trust = ClientTls(str(cert))
    house = opened(tls=ServerTls(str(cert), str(key)), trust=trust, unauthenticated=100)
    flood(house, 200, [HALF_A_HELLO])
    house.assert_well()
    before = resident()
    flood(house, 1_500, [HALF_A_HELLO])
    house.assert_well()
    assert resident() - before < 12 << 20  # 18 MB and more if what is dropped waited


@many_addresses
def test_one_address_that_floods_pushes_out_its_own(opened: Open, flood: Flood) -> None:
    house = opened(tcp=True, unauthenticated=20, unauthenticated_each=20)
    with house.stranger("127.9.9.9") as slow, ExitStack() as taken:
        first = next_frame(slow, FrameReader())
        own = [taken.enter_context(house.socket_from("127.8.8.8")) for _ in range(100)]
        assert CHALLENGE in rest_of(own[0])  # ends: it was dropped
        house.assert_well()
        slow.settimeout(0.05)
        with pytest.raises(TimeoutError):
            slow.recv(1)  # it is still there
    assert first.startswith(CHALLENGE)


@many_addresses
def test_an_address_that_had_the_key_is_not_locked_out_by_its_crowd_of_strangers(
    opened: Open, flood: Flood
) -> None:
    house = opened(tcp=True, unauthenticated=10)
    house.assert_well()  # 127.0.0.1 is known from here on
    with house.stranger() as slow:
        first = next_frame(slow, FrameReader())
        flood(house, 200)
        house.assert_well()
        slow.settimeout(0.05)
        with pytest.raises(TimeoutError):
            slow.recv(1)
    assert first.startswith(CHALLENGE)


class Loop:
    """What an entrance asks of a loop, noted."""

    def __init__(self) -> None:
        self.readers = 0
        self.later: list[tuple[float, Callable[[], None]]] = []

    def add_reader(self, _listener: object, _callback: Callable[[], None]) -> None:
        self.readers += 1

    def remove_reader(self, _listener: object) -> None:
        self.readers -= 1

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> None:
        self.later.append((delay_s, callback))

    def time(self) -> float:
        return 0.0


class Full:
    """A listener of a process that has no descriptor left."""

    def accept(self) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    def setblocking(self, _flag: bool) -> None:
        pass

    def fileno(self) -> int:
        return 9


def test_without_descriptors_accepting_rests_and_a_stranger_goes() -> None:
    loop, spared = Loop(), []
    entrance = Entrance(Full(), loop, print, lambda: spared.append(1))  # type: ignore[arg-type]
    entrance._accept()
    assert loop.readers == 0  # a listener that is watched would wake the loop for ever
    ((delay_s, again),) = loop.later
    assert delay_s == PAUSE_S
    again()
    assert loop.readers == 1
    assert spared == [1]


SERVER = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))
from bowerbird.queues import Door, Limits, Server, TcpAddress
from tests.queue_fixtures import KEY, Stub
server = Server([Door(TcpAddress("127.0.0.1", 0), KEY)], Limits(handshake_s=60))
server.start(Stub(server))
print(server.addresses[0].port, flush=True)
sys.stdin.read()
server.close()
"""


def test_a_server_out_of_descriptors_serves_those_it_has_and_the_next_when_one_goes() -> None:
    command = [sys.executable, "-W", "ignore", "-c", SERVER]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process,
        ExitStack() as taken,
    ):
        assert process.stdout is not None
        address = TcpAddress("127.0.0.1", int(process.stdout.readline()))
        friends: list[Connection] = []

        def come_all() -> None:
            while len(friends) < 100:
                friend = taken.enter_context(closing(Connection(address, KEY, 20.0)))
                friend.call("echo", timeout_s=1.0 if len(friends) > 20 else None)
                friends.append(friend)

        with pytest.raises(ConnectionLostError):
            come_all()
        assert 20 < len(friends) < 48
        assert friends[0].call("echo", b"served") == b"served"
        friends.pop().close()
        late = taken.enter_context(closing(Connection(address, KEY, 20.0)))
        assert late.call("echo", b"in") == b"in"
        process.stdin.close()  # type: ignore[union-attr]
    assert process.returncode == 0


# Those who know no key and let others speak.


def test_the_server_answers_no_challenge_before_its_own_is_answered(opened: Open) -> None:
    house = opened()
    with house.stranger() as one, house.stranger() as other:
        challenge = next_frame(one, FrameReader())
        next_frame(other, FrameReader())
        other.sendall(frame(challenge))  # reflected: would the server itself know the answer?
        assert rest_of(other) == frame(FAILURE)


def relayed(house: House, listener: socket.socket) -> bytes:
    """Sit between a client and a server, let them shake hands, then ask in the client's name."""
    with house.stranger() as inside, listener.accept()[0] as victim:
        victim.settimeout(20.0)
        readers = {inside: FrameReader(), victim: FrameReader()}
        for source, target in ((inside, victim), (victim, inside)) * 3:
            target.sendall(frame(next_frame(source, readers[source])))
        inside.sendall(framed(Request(1, "echo", b"in the name of another")))
        return read_reply(next_frame(inside, readers[inside])).payload


def test_whoever_sits_between_two_ends_gets_in_without_tls_as_documented(opened: Open) -> None:
    house = opened()
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        relay = pool.submit(relayed, house, listener)
        with closing(Connection(TcpAddress(*listener.getsockname()), KEY, 20.0)) as connection:
            connection.open()
            assert relay.result(20) == b"in the name of another"


@needs_openssl
def test_with_tls_whoever_sits_between_is_told_nothing(opened: Open, tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    other, other_key = tmp_path / "other.pem", tmp_path / "other.key"
    make_certificate(cert, key)
    make_certificate(other, other_key)
    between = opened(tls=ServerTls(str(other), str(other_key)), trust=ClientTls(str(cert)))
    with between.client() as connection, pytest.raises(CertificateError):
        connection.open()
    assert between.stub.asked_count == 0


# Restarts.


def test_after_a_restart_on_the_same_port_idle_lines_are_left_and_calls_go_on(
    opened: Open,
) -> None:
    house = opened(tcp=True)
    with house.client() as connection:
        with ThreadPoolExecutor(3) as pool:
            waiting = [pool.submit(connection.call, "hold") for _ in range(3)]
            for _ in waiting:
                call = house.stub.held.get(timeout=20)
                house.stub.reply(call, Reply(call.request.id))
            for one in waiting:
                one.result(20)
        house.server.close()
        assert isinstance(house.address, TcpAddress)
        again = opened(tcp=True, port=house.address.port)
        for _ in range(4):
            assert connection.call("echo", b"on") == b"on"
        assert again.stub.asked_count == 4


def test_a_call_whose_answer_was_lost_is_not_sent_again(opened: Open) -> None:
    house = opened(tcp=True)
    assert isinstance(house.address, TcpAddress)
    with house.client() as connection, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(connection.call, "hold")
        house.stub.held.get(timeout=20)
        house.server.close()
        again = opened(tcp=True, port=house.address.port)
        with pytest.raises(ConnectionLostError):
            waiting.result(20)
        assert connection.call("echo", b"on") == b"on"
        assert again.stub.asked_count == 1


# Silence.


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux has it")
def test_both_ends_watch_whether_the_other_is_still_there(opened: Open) -> None:
    house = opened(tcp=True)
    with house.client() as connection:
        connection.call("echo")
        (peer,) = house.server._peers.values()
        (line,) = connection._lines._all
        for sock in (peer._transport.get_extra_info("socket"), line._socket):
            timeout_ms = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            assert timeout_ms == UNACKNOWLEDGED_S * 1_000
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_all_addresses_of_a_machine_are_listened_at_by_two_colons() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    server = Server([Door(TcpAddress("::", 0), KEY)])
    server.start(Stub(server))
    (address,) = server.addresses
    assert isinstance(address, TcpAddress)
    peers = []
    for host in ("127.0.0.1", "::1"):
        with closing(Connection(TcpAddress(host, address.port), KEY, 20.0)) as connection:
            peers.append(eval(connection.call("who"))[0].rpartition(":")[0])
    server.close()
    assert peers == ["127.0.0.1", "[::1]"]


def test_a_name_server_that_is_silent_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def silent(*_arguments: object) -> list[object]:
        if not release.is_set() and threading.current_thread().name == "resolve":
            release.wait(20)
        raise socket.gaierror(socket.EAI_NONAME, "not a number")

    monkeypatch.setattr(dial, "_resolved", silent)
    with (
        closing(Connection(TcpAddress("silent.example", 1), KEY)) as connection,
        pytest.raises(ConnectionLostError, match=r"silent\.example"),
    ):
        connection.call("echo", timeout_s=0.1)
    release.set()
