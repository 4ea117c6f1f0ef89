"""The server and its client over real sockets, with friends and with strangers."""

import socket
import stat
import struct
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.queue_fixtures import KEY, Open, Stub, next_frame, opened, rest_of

from bowerbird.errors import (
    AuthenticationError,
    BowerbirdError,
    ConnectionLostError,
    ProtocolError,
    RemoteCallError,
    UsageError,
)
from bowerbird.queues import (
    Connection,
    Door,
    Server,
    TcpAddress,
    UnixAddress,
    new_socket_path,
)
from bowerbird.queues.handshake import CHALLENGE, FAILURE
from bowerbird.queues.messages import MAGIC, Reply, Request, framed, read_reply
from bowerbird.queues.wire import FrameReader, frame

__all__ = ["opened"]


# Friends.


@pytest.mark.parametrize("tcp", [False, True])
def test_each_of_many_threads_gets_its_own_answer(opened: Open, tcp: bool) -> None:
    house = opened(tcp=tcp)

    def talk(number: int) -> bool:
        sent = [b"%d/%d" % (number, turn) * (turn + 1) for turn in range(50)]
        return [connection.call("echo", payload) for payload in sent] == sent

    with house.client() as connection, ThreadPoolExecutor(8) as pool:
        assert all(pool.map(talk, range(16)))


def test_megabytes_travel_both_ways_beside_small_calls(opened: Open) -> None:
    house = opened()
    big = bytes(range(256)) * (60 << 10)  # 15 MiB
    with house.client() as connection, ThreadPoolExecutor(2) as pool:
        large = pool.submit(connection.call, "echo", big)
        assert connection.call("echo", b"small") == b"small"
        assert large.result() == big


def test_an_error_of_the_other_end_is_raised_and_harms_nothing(opened: Open) -> None:
    with opened().client() as connection:
        with pytest.raises(RemoteCallError, match="as asked"):
            connection.call("fail")
        assert connection.call("echo", b"on") == b"on"


def test_an_answer_too_large_for_a_frame_is_an_error_not_a_hang(opened: Open) -> None:
    with opened().client() as connection:
        with pytest.raises(ProtocolError, match="at most"):
            connection.call("blow", b"%d" % (17 << 20))
        assert connection.call("echo", b"on") == b"on"


def test_a_request_too_large_for_a_frame_is_refused_here(opened: Open) -> None:
    with opened().client() as connection:
        with pytest.raises(ProtocolError, match="at most"):
            connection.call("echo", bytes(17 << 20))
        assert connection.call("echo", b"on") == b"on"


def test_a_late_answer_is_never_taken_for_that_of_another_call(opened: Open) -> None:
    house = opened()
    with house.client() as connection:
        with pytest.raises(ConnectionLostError, match="in time"):
            connection.call("hold", b"late", timeout_s=0.05)
        late = house.stub.held.get(timeout=20)
        house.stub.reply(late, Reply(late.request.id, "", b"late"))
        assert connection.call("echo", b"next") == b"next"


def test_a_waiting_call_ends_when_its_connection_is_closed_here(opened: Open) -> None:
    house = opened()
    with house.client() as connection, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(connection.call, "hold")
        house.stub.held.get(timeout=20)
        connection.close()
        with pytest.raises(ConnectionLostError):
            waiting.result(20)
        with pytest.raises(ConnectionLostError, match="closed"):
            connection.call("echo")


def test_a_waiting_call_ends_when_the_server_closes(opened: Open) -> None:
    house = opened()
    with house.client() as connection, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(connection.call, "hold")
        house.stub.held.get(timeout=20)
        house.server.close()
        with pytest.raises(ConnectionLostError):
            waiting.result(20)


def test_what_was_answered_goes_out_before_the_server_closes(opened: Open) -> None:
    house = opened()
    with house.client() as connection, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(connection.call, "hold")
        held = house.stub.held.get(timeout=20)
        house.stub.reply(held, Reply(held.request.id, "", bytes(8 << 20)))
        house.server.close()
        assert len(waiting.result(20)) == 8 << 20


def test_answers_may_come_in_another_order_than_requests(opened: Open) -> None:
    house = opened()
    with house.insider() as sock:
        sock.sendall(framed(Request(1, "hold")) + framed(Request(2, "echo", b"two")))
        reader = FrameReader()
        assert read_reply(next_frame(sock, reader)) == Reply(2, "", b"two")
        house.stub.reply(house.stub.held.get(timeout=20), Reply(1, "", b"one"))
        assert read_reply(next_frame(sock, reader)) == Reply(1, "", b"one")


def test_a_client_that_vanishes_in_mid_call_is_noticed(opened: Open) -> None:
    house = opened()
    with house.insider() as sock:
        sock.sendall(framed(Request(1, "hold")))
        held = house.stub.held.get(timeout=20)
    assert house.stub.left.get(timeout=20) == held.connection
    house.stub.reply(held, Reply(1, "", b"to nobody"))
    house.assert_well()


# The socket itself.


def test_the_socket_is_private_and_gone_afterwards(opened: Open) -> None:
    house = opened()
    assert isinstance(house.address, UnixAddress)
    path = Path(house.address.path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    house.server.close()
    assert not path.exists()


@pytest.mark.parametrize("tcp", [False, True])
def test_an_address_in_use_is_said_and_left_to_its_owner(opened: Open, tcp: bool) -> None:
    house = opened(tcp=tcp)
    server = Server([Door(house.address, KEY)])
    with pytest.raises(UsageError, match="Cannot listen"):
        server.start(Stub(server))
    house.assert_well()


def test_where_nobody_listens_the_message_names_the_place() -> None:
    address = UnixAddress(str(new_socket_path()))
    with pytest.raises(ConnectionLostError, match=address.path):
        Connection(address, KEY).open()


def test_something_else_that_answers_there_is_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = TcpAddress("127.0.0.1", listener.getsockname()[1])

        def greet() -> None:
            with listener.accept()[0] as sock:
                sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                sock.recv(100)

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(ProtocolError, match="no queue"):
            Connection(address, KEY, 20.0).open()
        thread.join()


def test_a_worker_pays_for_no_asyncio() -> None:
    code = (
        "import sys, bowerbird.frontier.remote, bowerbird.queues.server;"
        "print({'asyncio', 'concurrent.futures', 'dataclasses', 'ssl'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


# Strangers.


def test_a_wrong_key_is_refused_on_both_sides_and_told_nothing_more(opened: Open) -> None:
    house = opened()
    with house.client(key=b"wrong") as connection, pytest.raises(AuthenticationError, match="key"):
        connection.open()
    with house.stranger() as sock:
        sock.sendall(frame(b"x" * 16))
        data = rest_of(sock)
        assert CHALLENGE in data
        assert data.endswith(frame(FAILURE))
    house.assert_well()


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        struct.pack("!i", 2**31 - 1),
        struct.pack("!iQ", -1, 2**40),
        struct.pack("!i", -2),
        struct.pack("!i", 257) + bytes(257),
        bytes(range(256)) * 400,
        bytes(framed(Request(1, "echo", b"let me in"))),
    ],
)
def test_whoever_says_something_else_is_dropped(opened: Open, said: bytes) -> None:
    house = opened()
    with house.stranger() as sock:
        sock.sendall(said)
        rest_of(sock)  # ends: it was closed
    house.assert_well()
    assert house.stub.asked_count == 1


@pytest.mark.parametrize("said", [b"", b"\0\0", struct.pack("!i", 16) + b"half an ans"])
def test_silence_before_the_handshake_is_over_has_an_end(opened: Open, said: bytes) -> None:
    house = opened(handshake_s=0.05)
    with house.stranger() as sock:
        sock.sendall(said)
        assert CHALLENGE in rest_of(sock)


def test_silence_after_the_handshake_is_no_fault(opened: Open) -> None:
    house = opened(handshake_s=0.5)
    with house.insider() as quiet:
        with house.stranger() as sock:
            rest_of(sock)  # the deadline of the one that came later has passed
        quiet.sendall(framed(Request(5, "echo", b"still here")))
        assert read_reply(next_frame(quiet, FrameReader())).payload == b"still here"


def test_strangers_push_out_the_oldest_stranger_and_no_friend(opened: Open) -> None:
    house = opened(unauthenticated=3)
    with house.insider() as friend, house.stranger() as oldest:
        others = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        assert isinstance(house.address, UnixAddress)
        for sock in others:
            sock.connect(house.address.path)
        assert CHALLENGE in rest_of(oldest)  # ends: it was dropped
        house.assert_well()  # pushes out one more, and becomes a friend
        friend.sendall(framed(Request(1, "echo", b"here")))
        assert read_reply(next_frame(friend, FrameReader())).payload == b"here"
        for sock in others:
            sock.close()


def test_a_crowd_of_strangers_costs_no_threads(opened: Open) -> None:
    house = opened()
    house.assert_well()
    before = threading.active_count()
    crowd = []
    assert isinstance(house.address, UnixAddress)
    for _ in range(400):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(house.address.path)
        crowd.append(sock)
    house.assert_well()
    assert threading.active_count() == before
    for sock in crowd:
        sock.close()
    house.assert_well()


# Friends gone bad.


@pytest.mark.parametrize(
    "said",
    [
        struct.pack("!i", 2**31 - 1),
        struct.pack("!iQ", -1, 2**40),
        frame(b""),
        frame(b"\x80\x04N."),
        frame(b"\xb1 not msgpack"),
        frame(CHALLENGE + b"{sha256}" + bytes(40)),
    ],
)
def test_nonsense_after_the_handshake_ends_that_connection_alone(opened: Open, said: bytes) -> None:
    house = opened()
    with house.insider() as sock:
        sock.sendall(said)
        assert rest_of(sock) == b""
    house.stub.left.get(timeout=20)
    house.assert_well()


def test_a_bowerbird_of_another_version_is_told_so_on_either_side(opened: Open) -> None:
    house = opened()
    with house.insider() as newer:
        newer.sendall(frame(bytes((MAGIC + 1,)) + b"what only a later version understands"))
        told = next_frame(newer, FrameReader())
        assert rest_of(newer) == b""
    assert told[0] == MAGIC
    with pytest.raises(ProtocolError, match="same version on both machines"):
        read_reply(bytes((MAGIC + 1,)) + told[1:])
    house.assert_well()


def test_a_client_that_asks_and_does_not_read_is_not_read_from(opened: Open) -> None:
    house = opened(in_flight=4, write_high=64 << 10)
    count, size = 60, 256 << 10
    with house.insider() as sock:
        sock.sendall(b"".join(framed(Request(i, "blow", b"%d" % size)) for i in range(count)))
        for _ in range(5):  # each is a turn of the loop for the greedy one as well
            house.assert_well()
        assert house.stub.asked_count - 5 < 12  # of its 60
        reader = FrameReader()
        ids = [read_reply(next_frame(sock, reader)).id for _ in range(count)]
    assert ids == list(range(count))


def test_unanswered_requests_of_one_connection_are_bounded(opened: Open) -> None:
    house = opened(in_flight=4)
    with house.insider() as sock:
        sock.sendall(b"".join(framed(Request(i, "hold")) for i in range(10)))
        house.assert_well()
        seen, reader = [], FrameReader()
        for _ in range(10):
            assert house.stub.held.qsize() <= 4
            held = house.stub.held.get(timeout=20)
            house.stub.reply(held, Reply(held.request.id))
            seen.append(read_reply(next_frame(sock, reader)).id)
    assert seen == list(range(10))


def test_a_reader_far_too_slow_is_dropped(opened: Open) -> None:
    house = opened(write_most=1 << 20, in_flight=64)
    with house.insider() as sock:
        sock.sendall(framed(Request(1, "blow", b"%d" % (4 << 20))))
        house.stub.left.get(timeout=20)
    house.assert_well()


def test_every_error_of_the_client_is_one_of_ours(opened: Open) -> None:
    house = opened()
    with house.client() as connection:
        connection.open()
        house.server.close()
        for _ in range(3):
            with pytest.raises(BowerbirdError):
                connection.call("echo")
