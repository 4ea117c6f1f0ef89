"""`QueueManager` in place of the tutorials' `BaseManager` subclass, whoever is at the other end."""

import multiprocessing
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.managers import BaseManager, RemoteError
from pathlib import Path
from typing import Any

import pytest

from bowerbird.errors import (
    AuthenticationError,
    BowerbirdError,
    ConnectionLostError,
    NotPlainError,
    RemoteCallError,
    UsageError,
)
from bowerbird.queues import QueueManager
from bowerbird.queues.objects.waiting import Got, put_back
from bowerbird.queues.oldstyle.values import Kind

KEY = "痛点就是起点".encode()


class Board:
    """Something that is no queue."""

    def __init__(self) -> None:
        self.notes: dict[str, Any] = {}

    def pin(self, name: str, note: Any) -> int:
        self.notes[name] = note
        return len(self.notes)

    def read(self, name: str) -> Any:
        return self.notes[name]

    def odd(self) -> Any:
        return self

    def fail(self) -> None:
        raise subprocess.SubprocessError("no traceback for strangers")


class Served:
    """A started manager, and the objects behind it."""

    def __init__(self) -> None:
        class Manager(QueueManager):
            pass

        self.tasks: queue.Queue[Any] = queue.Queue()
        self.results: queue.Queue[Any] = queue.Queue(2)
        self.board = Board()
        Manager.register("get_task_queue", callable=lambda: self.tasks)
        Manager.register("get_result_queue", callable=lambda: self.results)
        Manager.register("get_board", callable=lambda: self.board)
        Manager.register("elsewhere")
        self.manager = Manager(address=("127.0.0.1", 0), authkey=KEY)
        self.manager.start()

    @property
    def address(self) -> Any:
        return self.manager.address


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.manager.shutdown()


NAMES = ("get_task_queue", "get_result_queue", "get_board")


def ours(address: Any, key: bytes = KEY) -> QueueManager:
    class Client(QueueManager):
        pass

    for name in NAMES:
        Client.register(name)
    client = Client(address, key)
    client.connect()
    return client


def stock(address: Any, key: bytes = KEY) -> Any:
    class Client(BaseManager):
        pass

    for name in NAMES:
        Client.register(name)
    client = Client(address, key)
    client.connect()
    return client


@pytest.fixture(params=[ours, stock, None], ids=["ours", "stock", "own"])
def manager(request: pytest.FixtureRequest, served: Served) -> Any:
    """A client of ours, one of the standard library, the manager itself: all see the same."""
    return request.param(served.address) if request.param else served.manager


def until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 20.0
    while not condition():
        assert time.monotonic() < deadline_s, "it never came to be"
        time.sleep(0.005)


def test_a_queue_is_like_a_local_one(manager: Any, served: Served) -> None:
    tasks, results = manager.get_task_queue(), manager.get_result_queue()
    value = ["ImageUrl_0", 1, 0.5, None, b"\xff", (1, {"a": [True]})]
    tasks.put(value)
    assert not tasks.empty()
    assert tasks.qsize() == 1
    assert tasks.get(True, timeout=5) == value
    assert tasks.empty()
    with pytest.raises(queue.Empty):
        tasks.get(timeout=0.05)
    with pytest.raises(queue.Empty):
        tasks.get_nowait()
    results.put(1)
    results.put_nowait(2)
    assert results.full()
    with pytest.raises(queue.Full):
        results.put(3, timeout=0.05)
    with pytest.raises(queue.Full):
        results.put_nowait(3)
    assert [served.results.get(), served.results.get()] == [1, 2]


def test_join_waits_until_all_is_done(manager: Any, served: Served) -> None:
    tasks = manager.get_task_queue()
    tasks.put(1)
    with ThreadPoolExecutor(1) as pool:
        joined = pool.submit(manager.get_task_queue().join)
        tasks.get()
        assert not joined.done()
        tasks.task_done()
        joined.result(20.0)
    with pytest.raises((ValueError, RemoteCallError), match="too many times"):
        tasks.task_done()


def test_other_objects_have_their_methods(manager: Any, served: Served) -> None:
    board = manager.get_board()
    assert board.pin("a", {"b": 1}) == 1
    assert board.read("a") == {"b": 1}
    with pytest.raises((KeyError, RemoteCallError), match="c"):
        board.read("c")
    with pytest.raises(AttributeError):
        board.burn()


def test_what_is_not_plain_is_refused_clearly(served: Served) -> None:
    theirs, own, client = stock(served.address), served.manager, ours(served.address)
    with pytest.raises(RemoteError, match="plain values"):
        theirs.get_task_queue().put(Board())
    with pytest.raises(RemoteError, match="plain values"):
        theirs.get_board().odd()
    for manager in (own, client):
        with pytest.raises(NotPlainError):
            manager.get_task_queue().put(Board())
    assert served.tasks.empty()
    with pytest.raises(RemoteCallError) as caught:
        client.get_board().fail()
    assert "no traceback" not in str(caught.value)


def test_a_blocked_get_takes_what_the_owner_puts_directly(served: Served) -> None:
    tasks = stock(served.address).get_task_queue()
    with ThreadPoolExecutor(1) as pool:
        got = pool.submit(tasks.get, True, 20)
        served.tasks.put("direct")
        assert got.result() == "direct"


def test_a_blocked_put_finds_the_room_that_the_owner_makes(served: Served) -> None:
    results = ours(served.address).get_result_queue()
    results.put(1)
    results.put(2)
    with ThreadPoolExecutor(1) as pool:
        put = pool.submit(results.put, 3, True, 20)
        assert [served.results.get(timeout=20) for _ in range(3)] == [1, 2, 3]
        put.result()


def test_blocked_clients_take_no_threads_and_are_served_in_turn(served: Served) -> None:
    clients = [ours(served.address).get_task_queue() for _ in range(12)]
    before = threading.active_count()
    with ThreadPoolExecutor(12) as pool:
        gets = [pool.submit(client.get) for client in clients]
        for n in range(12):
            served.manager.get_task_queue().put(n)
        assert sorted(get.result(20.0) for get in gets) == list(range(12))
        assert threading.active_count() <= before + 12


BLOCKED = """
import sys
from multiprocessing.managers import BaseManager
BaseManager.register("get_task_queue")
manager = BaseManager(("127.0.0.1", int(sys.argv[1])), bytes.fromhex(sys.argv[2]))
manager.connect()
tasks = manager.get_task_queue()
tasks.qsize()
print("here", flush=True)
tasks.get()
"""


def die_in_get(port: int, waits: Callable[[], bool]) -> None:
    """A stock client that is killed once it waits for an item."""
    command = [sys.executable, "-c", BLOCKED, str(port), KEY.hex()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == b"here\n"
        until(waits)
        victim.kill()


def test_a_client_killed_in_get_takes_nothing_with_it(served: Served) -> None:
    service = served.manager._service
    assert service is not None
    for n in range(3):
        die_in_get(served.address[1], lambda: service._desk.waits)
        served.tasks.put(n)
        assert ours(served.address).get_task_queue().get(timeout=20) == n


def test_the_standard_librarys_server_loses_it() -> None:
    """The contrast, which is why there is this class: a thread of the dead client's takes it."""

    class Stock(BaseManager):
        pass

    tasks: queue.Queue[str] = queue.Queue()
    Stock.register("get_task_queue", callable=lambda: tasks)
    server = Stock(("127.0.0.1", 0), KEY).get_server()
    server.stop_event = threading.Event()  # as serve_forever has it
    accepting = threading.Thread(target=server.accepter, daemon=True)
    accepting.start()
    die_in_get(server.address[1], lambda: bool(tasks.not_empty._waiters))  # type: ignore[attr-defined]
    tasks.put("ImageUrl_0")
    until(tasks.empty)  # nobody is there who could have taken it
    client = ours(server.address).get_task_queue()
    with pytest.raises(queue.Empty):
        client.get(timeout=0.2)
    server.listener.close()


def test_ours_connects_to_a_stock_manager() -> None:
    context = multiprocessing.get_context("fork")

    class Stock(BaseManager):
        pass

    tasks: queue.Queue[Any] = queue.Queue(1)
    Stock.register("get_task_queue", callable=lambda: tasks)
    with Stock(("127.0.0.1", 0), KEY, ctx=context) as theirs:
        client = ours(theirs.address).get_task_queue()
        client.put("a")
        with pytest.raises(queue.Full):
            client.put("b", timeout=0.05)
        assert theirs.get_task_queue().get(timeout=5) == "a"  # type: ignore[attr-defined]
        with pytest.raises(queue.Empty):
            client.get_nowait()


def test_keys_must_be_the_same(served: Served) -> None:
    with pytest.raises(AuthenticationError):
        ours(served.address, b"guess")
    with pytest.raises(multiprocessing.AuthenticationError):
        stock(served.address, b"guess")


def test_nobody_shuts_it_down_from_afar(served: Served) -> None:
    client = ours(served.address)
    client.shutdown()
    tasks = stock(served.address).get_task_queue()
    with tasks._Client(served.address, authkey=KEY) as raw:
        raw.send((None, "shutdown", (), {}))
        kind, text = raw.recv()
    assert kind == "#TRACEBACK"
    assert "shut" in text
    tasks.put(1)
    assert served.tasks.get(timeout=5) == 1


def test_a_proxy_outlives_a_restart_of_its_manager(served: Served) -> None:
    tasks = ours(served.address).get_task_queue()
    tasks.put(1)
    address = served.address
    served.manager.shutdown()
    with pytest.raises(ConnectionLostError):
        tasks.put(2)
    again = type(served.manager)(address, KEY)
    with again:
        tasks.put(3)
        assert tasks.get() == 1
        assert tasks.get() == 3


def test_misuse_is_told() -> None:
    class Manager(QueueManager):
        pass

    Manager.register("get_nothing")
    with pytest.raises(UsageError, match="address"):
        Manager(address=("127.0.0.1",))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="neither started nor connected"):
        Manager(("127.0.0.1", 0), KEY).get_nothing()
    with pytest.raises(UsageError, match="already"):
        Manager.register("start")
    with pytest.raises(UsageError, match="name"):
        Manager.register("two words")
    with pytest.raises(AttributeError):
        Manager(("127.0.0.1", 0), KEY).get_something()
    with Manager(("127.0.0.1", 0), KEY) as manager:
        with pytest.raises(BowerbirdError, match="get_nothing"):
            manager.get_nothing()
        with pytest.raises(UsageError, match="already"):
            manager.start()
    assert "get_nothing" not in QueueManager._registry


def test_a_callable_that_wants_arguments_is_refused_in_words() -> None:
    class Manager(QueueManager):
        pass

    Manager.register("get_sum", callable=lambda one, other=2: one + other)
    with pytest.raises(UsageError, match="'get_sum' wants one:"):
        Manager(("127.0.0.1", 0), KEY).start()


def test_a_server_can_be_served_in_the_foreground(served: Served) -> None:
    other = type(served.manager)(("127.0.0.1", 0), KEY)
    with ThreadPoolExecutor(1) as pool:
        served_forever = pool.submit(other.get_server().serve_forever)
        until(lambda: other.address[1] != 0)
        ours(other.address).get_task_queue().put(1)
        other.shutdown()
        served_forever.result(20.0)


TUTORIAL = """
import multiprocessing, queue, sys
from multiprocessing.managers import BaseManager
from bowerbird.queues import QueueManager

KEY = "痛点就是起点".encode()


class Manager(QueueManager):
    pass


class Stock(BaseManager):
    pass


def four_steps(base, address, task_name, result_name):
    class Worker(base):
        pass

    Worker.register(task_name)
    Worker.register(result_name)
    manager = Worker(address=address, authkey=KEY)
    manager.connect()
    work(getattr(manager, task_name)(), getattr(manager, result_name)())


def work(task, result):
    while not task.empty():
        try:
            url = task.get(True, timeout=1)
        except queue.Empty:
            break
        result.put("%s--->success" % url)


def six_steps(task_name, result_name):
    task_queue, result_queue = queue.Queue(10), queue.Queue(10)
    Manager.register(task_name, callable=lambda: task_queue)
    Manager.register(result_name, callable=lambda: result_queue)
    with Manager(address=("127.0.0.1", 0), authkey=KEY) as manager:
        task, result = getattr(manager, task_name)(), getattr(manager, result_name)()
        for n in range(10):
            task.put("ImageUrl_%d" % n)
        far = manager.address, task_name, result_name
        workers = [
            multiprocessing.Process(target=four_steps, args=(Manager, *far)),
            multiprocessing.Process(target=four_steps, args=(Stock, *far)),
            multiprocessing.Process(target=work, args=(task, result)),
        ]
        for worker in workers:
            worker.start()
        print(sorted(result.get(timeout=20) for _ in range(10)))
        for worker in workers:
            worker.join()
            assert worker.exitcode == 0, worker


if __name__ == "__main__":
    multiprocessing.freeze_support()
    multiprocessing.set_start_method(sys.argv[1])
    six_steps("get_task_queue", "get_result_queue")
    six_steps("getTaskQueue", "getResultQueue")
"""


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_the_tutorials_steps_run(method: str, tmp_path: Path) -> None:
    script = tmp_path / "tutorial.py"
    script.write_text(TUTORIAL, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), method],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = str([f"ImageUrl_{n}--->success" for n in range(10)])
    assert done.stdout.split("\n") == [expected, expected, ""]


@pytest.mark.parametrize(
    "kind", [queue.Queue, queue.LifoQueue, queue.PriorityQueue, queue.SimpleQueue]
)
def test_what_reached_nobody_is_the_next_to_be_given(kind: type[Any]) -> None:
    source = kind() if kind is queue.SimpleQueue else kind(2)
    source.put(1)
    source.put(2)
    lost = source.get()
    if kind is not queue.SimpleQueue:
        source.put(3)  # full again: an item that comes back has its place all the same
    reply = Got(1, Kind.RETURN, lost)
    reply.source = source
    put_back(reply)

    found = [source.get(timeout=5) for _ in range(source.qsize())]
    assert sorted(found) == ([1, 2] if kind is queue.SimpleQueue else [1, 2, 3])
    if kind is queue.Queue:
        assert found[0] == lost


def test_an_answer_to_one_who_has_gone_goes_back(served: Served) -> None:
    service = served.manager._service
    assert service is not None
    client = ours(served.address)  # the server has begun when it has answered
    served.tasks.put("one")
    lost = served.tasks.get()
    reply = Got(1, Kind.RETURN, lost)
    reply.source = served.tasks
    service._server.reply_many([(999_999, reply)])

    assert client.get_task_queue().get(timeout=20) == "one"


def test_a_proxy_goes_to_children_only(served: Served) -> None:
    with pytest.raises(TypeError, match="child processes"):
        pickle.dumps(served.manager.get_task_queue())
