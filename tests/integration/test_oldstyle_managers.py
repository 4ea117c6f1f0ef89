"""Our client against stock managers of every Python found on this machine."""

import queue
import signal
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.stock.pythons import VERSIONS, interpreter

from bowerbird.errors import (
    AuthenticationError,
    ConnectionLostError,
    NotPlainError,
    PlainManagerError,
    RemoteCallError,
)
from bowerbird.queues import Connection, Door, Server, TcpAddress
from bowerbird.queues.messages import Reply
from bowerbird.queues.oldstyle.client import PlainManager, PlainProxy
from bowerbird.queues.oldstyle.values import QUEUE_METHODS
from bowerbird.queues.server import Call

MANAGER = Path(__file__).parent.parent / "stock" / "manager.py"
CLIENT = MANAGER.with_name("client.py")
KEY = "痛点就是起点".encode()


@contextmanager
def stock(version: str) -> Iterator[TcpAddress]:
    pipe = subprocess.PIPE
    command = [interpreter(version), str(MANAGER), KEY.hex()]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            yield TcpAddress("127.0.0.1", int(process.stdout.readline()))
        finally:
            process.kill()


@pytest.fixture(scope="module", params=VERSIONS)
def address(request: pytest.FixtureRequest) -> Iterator[TcpAddress]:
    """Of one manager for all tests of a version."""
    with stock(request.param) as address:
        yield address


@pytest.fixture
def manager(address: TcpAddress) -> Iterator[PlainManager]:
    with PlainManager(address, KEY) as manager:
        yield manager


@pytest.fixture
def tasks(manager: PlainManager) -> Iterator[PlainProxy]:
    proxy = manager.object("get_task_queue")
    yield proxy
    proxy.close()


def test_queues_of_a_plain_manager_are_queues(manager: PlainManager, tasks: PlainProxy) -> None:
    assert set(QUEUE_METHODS) <= set(tasks.exposed)
    tasks.call("put", "http://a.example/1.png")
    tasks.call("put_nowait", "http://a.example/2.png")
    results = manager.object("get_result_queue")

    while not tasks.call("empty"):
        url = tasks.call("get", True, timeout=5)
        results.call("put", f"{url}--->success")

    assert results.call("get") == "http://a.example/1.png--->success"
    assert results.call("get", timeout=5) == "http://a.example/2.png--->success"


def test_empty_and_full_are_those_of_the_standard_library(tasks: PlainProxy) -> None:
    with pytest.raises(queue.Empty):
        tasks.call("get", timeout=0.05)
    for number in range(3):
        tasks.call("put", number)
    with pytest.raises(queue.Full):
        tasks.call("put", 3, False)
    assert [tasks.call("get_nowait") for _ in range(3)] == [0, 1, 2]


def test_plain_values_come_back_as_they_went(tasks: PlainProxy) -> None:
    for value in (
        None,
        1 << 70,
        2.5,
        "",
        "痛",
        b"\xff\x00",
        [1, (2, {"a": True})],
        b"\xfe" * 99_999,
    ):
        tasks.call("put", value)
        assert tasks.call("get") == value


def test_what_a_plain_manager_does_not_have_is_told(
    manager: PlainManager, tasks: PlainProxy
) -> None:
    with pytest.raises(RemoteCallError, match="get_nothing"):
        manager.object("get_nothing")
    with pytest.raises(RemoteCallError, match="nothing"):
        tasks.call("nothing")
    with pytest.raises(RemoteCallError):
        tasks.call("#GETVALUE")
    assert tasks.call("qsize") == 0


def test_answers_of_other_objects_are_values_or_refused(manager: PlainManager) -> None:
    desk = manager.object("desk")

    with pytest.raises(NotPlainError, match="Thing"):
        desk.call("thing")
    with pytest.raises(RemoteCallError, match="ValueError: too bad"):
        desk.call("fail", "too bad")
    numbers = desk.call("numbers")
    assert numbers["list"] == [1, 2.5, -(1 << 70), None, True]
    assert numbers["é"] == (b"\xff", "痛")
    assert desk.call("queue").call("qsize") == 0


def test_threads_share_a_plain_manager(tasks: PlainProxy, manager: PlainManager) -> None:
    results = manager.object("get_result_queue")

    def work(number: int) -> object:
        results.call("put", number)
        return results.call("get", timeout=20)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(work, range(40)), key=str) == sorted(range(40), key=str)


def test_a_wrong_key_is_told_by_a_plain_manager(address: TcpAddress) -> None:
    with PlainManager(address, b"wrong") as manager, pytest.raises(AuthenticationError):
        manager.open()


def test_our_own_client_sees_that_a_manager_is_a_plain_one(address: TcpAddress) -> None:
    with closing(Connection(address, KEY)) as one, pytest.raises(PlainManagerError):
        one.call("job")

    with PlainManager(address, KEY) as manager:  # and has done it no harm
        manager.open()


def test_a_plain_manager_that_goes_away_is_missed() -> None:
    with stock(VERSIONS[-1]) as address, PlainManager(address, KEY) as manager:
        tasks = manager.object("get_task_queue")
        assert tasks.call("qsize") == 0
        going = ThreadPoolExecutor(1).submit(tasks.call, "get")
        while tasks.call("qsize", timeout_s=5.0) != 0:
            pass
    with pytest.raises(ConnectionLostError):
        going.result(timeout=20)


def test_a_manager_of_ours_is_no_plain_one() -> None:
    class Echo:
        def asked(self, call: Call) -> None:
            reply = Reply(call.request.id, "", call.request.payload)
            server.reply_many([(call.connection, reply)])

        def closed(self, connection: int) -> None:
            pass

    server = Server([Door(TcpAddress("127.0.0.1", 0), KEY)])
    with closing(server):
        server.start(Echo())
        with closing(Connection(server.addresses[0], KEY)) as connection:
            assert connection.call("job", b"x") == b"x"
        with (
            PlainManager(server.addresses[0], KEY) as manager,
            pytest.raises(RemoteCallError) as it,
        ):
            manager.open()
        assert "serves no clients of the standard library" in str(it.value)


def test_the_standard_librarys_own_server_loses_what_a_killed_client_waited_for() -> None:
    """The contrast: why a `get` of ours is a lease (see test_oldstyle_clients)."""
    version = VERSIONS[-1]
    with stock(version) as address, PlainManager(address, KEY) as manager:
        tasks = manager.object("get_task_queue")
        command = [interpreter(version), str(CLIENT), str(address.port), KEY.hex(), "blocked"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
            assert client.stdout is not None
            assert client.stdout.readline() == "blocked\n"
            threading.Event().wait(1.0)  # nothing tells when its `get` has come
            client.send_signal(signal.SIGKILL)
        tasks.call("put", "http://a.example/lost.png")

        while tasks.call("qsize"):  # for ever, if the dead one's thread did not take it
            pass
        with pytest.raises(queue.Empty):
            tasks.call("get_nowait")
