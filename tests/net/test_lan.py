"""The network of the tests is what it says: else every test on it would prove nothing."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bird import wait_for
from tests.net.lan import Host, Lan

#: Patience with a packet that must not come, in seconds; one that comes needs 0.1 ms.
SHORT_S = 0.3


@pytest.fixture
def pair(lan: Lan) -> tuple[Host, Host]:
    return lan.host("a"), lan.host("b", {"peer.test": "10.77.0.1"})


Ends = tuple[socket.socket, socket.socket]


@pytest.fixture
def ends(pair: tuple[Host, Host]) -> Iterator[Ends]:
    """Both ends of a connection from b to a."""
    with pair[0].entered():
        server = socket.create_server((pair[0].address, 0))
    with server, pair[1].entered():
        calling = socket.create_connection(server.getsockname(), 10)
        answering, _ = server.accept()
    with answering, calling:
        calling.settimeout(SHORT_S)
        answering.settimeout(SHORT_S)
        yield answering, calling


def arrives(sender: socket.socket, receiver: socket.socket) -> bool:
    sender.sendall(b"x")
    try:
        return receiver.recv(1) == b"x"
    except TimeoutError:
        return False


def test_hosts_reach_each_other_and_the_machine_sees_none_of_them(ends):
    answering, calling = ends
    seen = [name for _, name in socket.if_nameindex()]

    assert arrives(calling, answering)
    assert arrives(answering, calling)
    assert not [name for name in seen if name.startswith(("bridge", "port"))]


def test_a_pulled_cable_carries_nothing_and_what_was_sent_arrives_later(pair, ends):
    answering, calling = ends
    pair[1].unplug()
    lost = arrives(calling, answering)
    pair[1].plug()
    answering.settimeout(30)

    assert not lost
    assert answering.recv(1) == b"x", "TCP sends it again"


def test_a_deaf_host_speaks_and_a_mute_one_hears(pair, ends):
    answering, calling = ends
    pair[1].deafen()
    heard = arrives(calling, answering), arrives(answering, calling)
    pair[1].heal()
    calling.settimeout(60)  # TCP sends it again, ever later
    late = calling.recv(1)
    calling.settimeout(SHORT_S)
    pair[1].mute()
    spoken = arrives(answering, calling), arrives(calling, answering)

    assert heard == (True, False)
    assert late == b"x"
    assert spoken == (True, False)


def test_connections_can_be_reset(pair, ends):
    answering, calling = ends
    pair[1].reset_connections(answering.getsockname()[1])

    with pytest.raises(OSError):
        calling.sendall(b"x")
    answering.settimeout(10)
    with pytest.raises(ConnectionResetError):
        answering.recv(1)


def test_programs_run_there_and_resolve_the_names_they_were_given(pair):
    script = "import socket; print(socket.gethostbyname('peer.test'))"
    ran = pair[1].popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)

    assert ran.communicate(timeout=30)[0].strip() == pair[0].address


def test_one_host_takes_thousands_of_addresses(pair):
    pair[0].take_all()
    with pair[0].entered():
        server = socket.create_server(("0.0.0.0", 0))

    with server, pair[1].entered():
        calling = socket.create_connection(("10.77.200.9", server.getsockname()[1]), 10)

        with calling, server.accept()[0]:
            assert calling.getpeername()[0] == "10.77.200.9"


def test_nothing_is_left_behind_even_what_still_runs(lan):
    host = lan.host("a")
    sleeping = host.popen(["sleep", "600"])
    wait_for("it has gone there", lambda: sleeping.pid in host.pids())
    lan.close()

    assert sleeping.wait(30) == -9
    assert not list(Path("/run/netns").glob(f"{lan._prefix}*"))
