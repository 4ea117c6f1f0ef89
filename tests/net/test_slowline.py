"""The bad line of the tests is as bad as it says."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.bird import wait_for
from tests.net.slowline import Line, SlowLine, slow_line

SHORT_S = 0.2


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that says what it hears."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server,), daemon=True).start()
        yield server.getsockname()
        server.shutdown(socket.SHUT_RDWR)


def _accept(server: socket.socket) -> None:
    try:
        while True:
            threading.Thread(target=_echo, args=(server.accept()[0],), daemon=True).start()
    except OSError:
        return


def _echo(end: socket.socket) -> None:
    with end:
        try:
            while data := end.recv(1 << 16):
                end.sendall(data)
        except OSError:
            return


@pytest.fixture
def line(echo: tuple[str, int]) -> Iterator[SlowLine]:
    with slow_line(echo) as proxy:
        yield proxy


@pytest.fixture
def client(line: SlowLine) -> Iterator[socket.socket]:
    with socket.create_connection(line.address, 30) as sock:
        sock.sendall(b"hello")
        assert sock.recv(5) == b"hello"
        yield sock


def answered_after_s(client: socket.socket, size: int) -> float:
    began_s = time.monotonic()
    threading.Thread(target=client.sendall, args=(b"x" * size,), daemon=True).start()
    while size > 0:
        size -= len(client.recv(1 << 20))
    return time.monotonic() - began_s


def test_an_answer_takes_twice_the_latency(line, client):
    line.line = Line(latency_s=0.1)

    assert answered_after_s(client, 5) >= 0.2


def test_latency_does_not_bound_the_rate(line, client):
    line.line = Line(latency_s=0.25)
    many_s = answered_after_s(client, 64 * (16 << 10))

    assert many_s < 64 * 0.25 / 2, "chunks travel together, not one after the other"


def test_a_narrow_line_takes_its_time(line, client):
    line.line = Line(bytes_per_s=200_000)

    assert answered_after_s(client, 100_000) >= 0.4


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_dead_direction_carries_nothing_until_it_lives(line, client, direction):
    line.line = Line(dead=frozenset({direction}))
    client.sendall(b"x")
    client.settimeout(SHORT_S)
    with pytest.raises(TimeoutError):
        client.recv(1)
    line.line = Line()
    client.settimeout(30)

    assert client.recv(1) == b"x"


def test_half_closed_it_still_takes_what_is_said(line, client):
    line.half_close()

    assert client.recv(1) == b""
    client.sendall(b"x")


def test_reset_ends_all_connections(line, client):
    line.reset()

    with pytest.raises(ConnectionResetError):
        client.recv(1)
    wait_for("its end", lambda: line.open == 0)


def test_a_client_that_leaves_is_forgotten(line, client):
    client.close()

    wait_for("its end", lambda: line.open == 0)
    assert line.accepted == 1
