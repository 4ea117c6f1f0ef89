"""Old-style clients that mean harm, over real sockets."""

import pickle
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.stock.desk import KEY, Desk, ports, served

from bowerbird.queues.handshake import CHALLENGE, client_handshake
from bowerbird.queues.oldstyle.reader import read_reply
from bowerbird.queues.oldstyle.values import Kind
from bowerbird.queues.wire import FrameReader, frame

PUT = (None, "create", ("get_task_queue",), {})


@pytest.fixture
def desk() -> Iterator[Desk]:
    with served() as desk:
        yield desk


class Raw:
    """A socket that knows the handshake and nothing else."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._reader = FrameReader()

    def login(self) -> None:
        handshake = client_handshake(KEY)
        while not handshake.done:
            handshake.receive(self.hear())
            for message in handshake.take():
                self.say(message)

    def say(self, body: bytes) -> None:
        self.socket.sendall(frame(body))

    def ask(self, *request: Any) -> Any:
        self.say(pickle.dumps(request))
        return read_reply(self.hear())

    def hear(self) -> bytes:
        while (body := self._reader.next()) is None:
            data = self.socket.recv(1 << 16)
            if not data:
                raise EOFError
            self._reader.feed(data)
        return body

    def is_dropped(self) -> bool:
        try:
            while self.socket.recv(1 << 16):
                pass
        except ConnectionError:
            pass
        return True


@contextmanager
def raw(desk: Desk, *, login: bool = True) -> Iterator[Raw]:
    with socket.create_connection(("127.0.0.1", ports(desk)[0]), 20) as sock:
        one = Raw(sock)
        if login:
            one.login()
        yield one


def still_serves(desk: Desk) -> None:
    with raw(desk) as one:
        assert one.ask(*PUT)[0] == Kind.RETURN


def test_a_request_before_the_handshake_is_not_answered(desk: Desk) -> None:
    with raw(desk, login=False) as one:
        assert one.hear().startswith(CHALLENGE)
        one.say(pickle.dumps(PUT))

        assert one.hear() == b"#FAILURE#"
        assert one.is_dropped()
    still_serves(desk)


def test_a_second_challenge_after_the_handshake_is_no_request(desk: Desk) -> None:
    with raw(desk) as one:
        one.say(CHALLENGE + b"{sha256}" + b"x" * 40)

        assert one.is_dropped()
    still_serves(desk)


@pytest.mark.parametrize(
    "head",
    [
        struct.pack("!i", -2),
        struct.pack("!i", 0),
        struct.pack("!i", 2**31 - 1),
        struct.pack("!iQ", -1, 1 << 40),
    ],
    ids=["-2", "0", "2^31-1", "2^40"],
)
@pytest.mark.parametrize("login", [False, True])
def test_a_frame_of_impossible_length_ends_the_connection(
    desk: Desk, head: bytes, login: bool
) -> None:
    with raw(desk, login=login) as one:
        one.socket.sendall(head + b"abc")

        assert one.is_dropped()
    still_serves(desk)


def test_requests_are_not_taken_ahead_of_answers(desk: Desk) -> None:
    with raw(desk) as one:
        assert one.ask(None, "accept_connection", ("x",), {})[0] == Kind.RETURN
        one.say(pickle.dumps(("get_task_queue", "get", (), {})))
        one.say(pickle.dumps(("get_task_queue", "get", (), {})))

        assert one.is_dropped()
    still_serves(desk)


def test_a_hostile_pickle_harms_not_even_its_connection(desk: Desk) -> None:
    with raw(desk) as one:
        one.say(b"\x80\x03cos\nsystem\nX\x04\0\0\0true\x85R.")
        kind, told = read_reply(one.hear())

        assert (kind, "os.system" in told) == (Kind.TRACEBACK, True)
        assert one.ask(*PUT)[0] == Kind.RETURN


def test_python_2_pickles_of_the_oldest_protocol_are_served(desk: Desk) -> None:
    with raw(desk) as one:
        one.say(pickle.dumps(PUT, 0))

        assert pickle.loads(one.hear())[0] == "#RETURN"
