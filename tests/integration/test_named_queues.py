"""Named queues over real sockets: what programs that use them can see."""

import asyncio
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from queue import Empty, Full

import msgspec
import pytest
from tests.queue_fixtures import made

from bowerbird.errors import (
    AuthenticationError,
    CertificateError,
    ConnectionLostError,
    FolderInUseError,
    ProtocolError,
    RemoteCallError,
    UsageError,
)
from bowerbird.queues import (
    Address,
    AsyncQueueClient,
    ClientTls,
    Connection,
    NamedQueue,
    QueueClient,
    QueueServer,
)

KEY = "痛点就是起点"
ANY_PORT = "tcp://127.0.0.1:0"


class Job(msgspec.Struct):
    url: str
    size: int = 0


@pytest.fixture(params=["memory", "file"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "queues" if request.param == "file" else None


@pytest.fixture
def server(folder: Path | None) -> Iterator[QueueServer]:
    with QueueServer(ANY_PORT, KEY, folder) as server:
        yield server


@pytest.fixture
def client(server: QueueServer) -> Iterator[QueueClient]:
    with QueueClient(server.address, KEY) as client:
        yield client


def until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 20.0
    while not condition():
        assert time.monotonic() < deadline_s, "it never came to be"
        time.sleep(0.01)


def test_values_come_as_they_were_put(client: QueueClient) -> None:
    queue = client.queue("values")
    values = [None, True, -1, 2**64 - 1, 0.5, "ü", b"\xff", [1, [2]], {"a": {"b": []}}]
    queue.put_many(values)

    with queue.get_many(100, 0) as batch:
        assert batch.values == values
    assert queue.counts().unfinished == 0


def test_structs_come_as_their_type(client: QueueClient) -> None:
    queue = client.queue("jobs", Job)
    queue.put(Job("https://example.org/"))

    assert queue.get(0).value == Job("https://example.org/")


def test_a_value_of_another_type_is_a_dead_letter_and_hurts_nobody(client: QueueClient) -> None:
    plain = client.queue("jobs")
    plain.put_many([{"url": "a"}, 7, {"url": "b"}])

    batch = client.queue("jobs", Job).get_many(10, 0)
    assert batch.values == [Job("a"), Job("b")]
    assert batch.ack() == 2
    (letter,) = plain.dead()
    assert letter.value == 7
    assert letter.why.startswith("wrong-type")


def test_what_is_no_plain_value_is_refused_before_anything_is_sent(client: QueueClient) -> None:
    queue = client.queue("values")
    with pytest.raises(UsageError, match="cannot travel"):
        queue.put(object())
    with pytest.raises(UsageError, match="at most"):
        queue.put(bytes(16 << 20))
    assert queue.counts().unfinished == 0


def test_any_reason_of_a_failure_is_kept(client: QueueClient) -> None:
    queue = client.queue("values", attempts=1)
    queue.put("x")
    assert queue.get(0).nack("\ud800" + "long " * 10_000) == 1
    assert queue.dead()[0].why.startswith("?long ")


def test_the_largest_value_comes_back(client: QueueClient) -> None:
    queue = client.queue("large")
    value = bytes((15 << 20) - 5)
    queue.put(value)
    with queue.get(0) as item:
        assert item.value == value


def test_a_context_that_fails_has_its_item_given_again(client: QueueClient) -> None:
    queue = client.queue("jobs", retry_s=0.0)
    queue.put("one")
    with pytest.raises(ZeroDivisionError), queue.get(0):
        raise ZeroDivisionError("once")

    with queue.get(0) as item:
        assert (item.value, item.attempts) == ("one", 2)
    with pytest.raises(Empty):
        queue.get(0)


def test_dead_letters_can_be_looked_at_and_requeued(client: QueueClient) -> None:
    queue = client.queue("jobs", attempts=1)
    queue.put_many(["a", "b"])
    for _ in range(2):
        queue.get(0).nack("no luck")

    letters = queue.dead()
    assert [(one.value, one.why, one.attempts) for one in letters] == [
        ("a", "no luck", 1),
        ("b", "no luck", 1),
    ]
    assert queue.requeue([letters[1].id]) == 1
    assert queue.forget() == 1
    assert queue.get(0).value == "b"


def test_a_loop_finishes_each_item_when_the_next_is_asked_for(client: QueueClient) -> None:
    queue = client.queue("numbers")
    queue.put_many(range(10))
    seen = []
    for item in queue.items(wait_s=0, ahead=4):
        seen.append(item.value)
        if item.value == 3:
            item.bury("odd")

    assert seen == list(range(10))
    counts = queue.counts()
    assert (counts.unfinished, counts.dead) == (0, 1)


def test_a_loop_that_is_left_gives_back_what_it_did_not_do(client: QueueClient) -> None:
    queue = client.queue("numbers")
    queue.put_many(range(10))
    for item in queue.items(ahead=4):
        if item.value == 2:
            break

    assert [item.value for item in queue.items(wait_s=0)] == [2, 3, 4, 5, 6, 7, 8, 9]


def test_a_blocked_get_is_answered_by_a_put(client: QueueClient) -> None:
    queue = client.queue("jobs")
    with ThreadPoolExecutor(4) as pool:
        gets = [pool.submit(queue.get, 20.0) for _ in range(4)]
        queue.put_many("abcd")
        assert sorted(get.result().value for get in gets) == list("abcd")


def test_a_get_ends_when_its_wait_is_over(client: QueueClient) -> None:
    with pytest.raises(Empty):
        client.queue("nothing").get(0.05)


def test_a_full_queue_makes_putters_wait_or_says_so(client: QueueClient) -> None:
    queue = client.queue("narrow", maxsize=3)
    with pytest.raises(Full, match="3 of the values were put"):
        queue.put_many(range(5), wait_s=0)
    with ThreadPoolExecutor(1) as pool:
        rest = pool.submit(queue.put_many, range(3, 9), wait_s=20.0)
        assert [item.value for _, item in zip(range(9), queue, strict=False)] == list(range(9))
        rest.result()


def test_a_lease_that_is_over_goes_to_the_next_and_its_word_comes_too_late(
    client: QueueClient,
) -> None:
    queue = client.queue("jobs")
    queue.put("one")
    slow = queue.get(0, lease_s=0.05)
    quick = queue.get(20.0)

    assert quick.value == "one"
    assert slow.ack() == 0
    assert quick.ack() == 1
    assert quick.ack() == 0


def test_a_client_that_goes_gives_its_items_back(server: QueueServer, client: QueueClient) -> None:
    queue = client.queue("jobs")
    queue.put_many("ab")
    with QueueClient(server.address, KEY) as other:
        assert other.queue("jobs").get_many(2, 0).values == ["a", "b"]

    assert queue.get(20.0).value == "a"


@pytest.mark.parametrize("blocked", [True, False])
def test_a_killed_client_loses_nothing(
    server: QueueServer, client: QueueClient, blocked: bool
) -> None:
    queue = client.queue("jobs")
    if not blocked:
        queue.put("one")
    code = (
        "import sys\nfrom bowerbird.queues import QueueClient\n"
        "queue = QueueClient(sys.argv[1], sys.argv[2]).queue('jobs')\n"
        "print('here', flush=True)\nqueue.get()\nprint('got it', flush=True)\ninput()\n"
    )
    command = [sys.executable, "-c", code, str(server.address), KEY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == b"here\n"
        if not blocked:
            assert victim.stdout.readline() == b"got it\n"
        victim.kill()
        victim.wait()
    if blocked:
        queue.put("one")

    assert queue.get(20.0).value == "one"


def test_threads_share_a_client(client: QueueClient) -> None:
    queue = client.queue("numbers")
    queue.put_many(range(500))

    def work(_: int) -> list[int]:
        return [item.value for item in queue.items(wait_s=0, ahead=7)]

    with ThreadPoolExecutor(6) as pool:
        found = [value for part in pool.map(work, range(6)) for value in part]
    assert sorted(found) == list(range(500))
    assert queue.counts().unfinished == 0


def test_large_values_travel_in_answers_that_fit(client: QueueClient) -> None:
    queue = client.queue("large")
    queue.put_many([bytes(3 << 20)] * 7)
    sizes = []
    while batch := queue.get_many(10, 0):
        sizes.append(len(batch))
        assert batch.ack() == len(batch)
    assert sum(sizes) == 7
    assert max(sizes) == 2


def test_delays_and_priorities(client: QueueClient) -> None:
    queue = client.queue("jobs")
    queue.put("later", in_s=0.2, priority=9)
    queue.put("low", priority=-1)
    queue.put("normal")

    assert [queue.get(20.0).value for _ in range(3)] == ["normal", "low", "later"]
    with pytest.raises(UsageError, match="priority"):
        queue.put("x", priority=1_000)


def test_terms_out_of_range_and_names_are_refused(client: QueueClient) -> None:
    with pytest.raises(UsageError, match="'bad'"):
        client.queue("bad", lease_s=-1.0)
    with pytest.raises(UsageError, match="name"):
        client.queue("")
    with pytest.raises(UsageError, match="wait"):
        client.queue("good").get(float("nan"))


def test_queues_are_listed(client: QueueClient, folder: Path | None) -> None:
    client.queue("b").put(1)
    client.queue("a", lease_s=5.0, durable=False)
    client.queue("a", attempts=7)
    found = client.queues()

    assert list(found) == ["a", "b"]
    assert found["b"].durable is (folder is not None)
    assert found["b"].counts.waiting == 1
    assert (found["a"].terms.lease_s, found["a"].terms.attempts) == (5.0, 7)
    with pytest.raises(UsageError, match=r"memory|no folder"):
        client.queue("a", durable=True)


def test_a_wrong_key_opens_nothing(server: QueueServer) -> None:
    with QueueClient(server.address, b"guess") as stranger, pytest.raises(AuthenticationError):
        stranger.queue("jobs")


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(UsageError, match="empty"):
        QueueServer(ANY_PORT, "")


def test_without_a_folder_nothing_can_be_durable() -> None:
    with (
        QueueServer(ANY_PORT, KEY) as server,
        QueueClient(server.address, KEY) as client,
        pytest.raises(UsageError, match="no folder"),
    ):
        client.queue("jobs", durable=True)


def test_two_servers_do_not_share_a_folder(tmp_path: Path) -> None:
    with QueueServer(ANY_PORT, KEY, tmp_path), pytest.raises(FolderInUseError):
        QueueServer(ANY_PORT, KEY, tmp_path).start()


def test_a_blocked_get_outlives_a_restart_of_the_server(tmp_path: Path) -> None:
    server = QueueServer(ANY_PORT, KEY, tmp_path).start()
    address = server.address
    with QueueClient(address, KEY) as client, ThreadPoolExecutor(1) as pool:
        queue = client.queue("jobs", lease_s=7.0)
        memory = client.queue("fleeting", durable=False, lease_s=8.0)
        get = pool.submit(queue.get, 30.0)
        server.close()
        with QueueServer(address, KEY, tmp_path):
            queue.put("one")
            assert get.result().value == "one"
            memory.put("two")
            assert client.queues()["jobs"].terms.lease_s == 7.0
            assert client.queues()["fleeting"].terms.lease_s == 8.0


def test_a_closed_client_says_so(client: QueueClient) -> None:
    queue = client.queue("jobs")
    with ThreadPoolExecutor(1) as pool:
        get = pool.submit(queue.get)
        until(lambda: client.queues()["jobs"] is not None)
        client.close()
        with pytest.raises(ConnectionLostError):
            get.result(20.0)


SERVER = """
import sys
from bowerbird.queues import QueueServer
server = QueueServer(sys.argv[1], "k", sys.argv[2]).start()
print(server.address, flush=True)
server.serve_forever()
"""


def serving(folder: Path, address: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", SERVER, address, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_what_was_answered_survives_kill_9(tmp_path: Path) -> None:
    address, dice = ANY_PORT, random.Random(7)
    log = Log()
    for life in range(4):
        server = serving(tmp_path, address)
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        killer = threading.Timer(dice.uniform(0.3, 0.6), os.kill, (server.pid, signal.SIGKILL))
        killer.start()
        with QueueClient(address, "k") as client, suppress(ConnectionLostError):
            log.work(client.queue("jobs", attempts=0, lease_s=1.0), life * 100_000)
        killer.join()
        server.communicate()
    with QueueServer(address, "k", tmp_path) as last, QueueClient(last.address, "k") as client:
        left = {item.value for item in client.queue("jobs").items(wait_s=1.5, ahead=500)}
    assert len(log.acked) > 50
    assert not left & log.acked
    assert log.put - log.acked - log.unsure <= left


class Log:
    """What a client knows of its work."""

    def __init__(self) -> None:
        self.put: set[int] = set()
        self.acked: set[int] = set()
        self.unsure: set[int] = set()  # their ack was under way when the server was killed

    def work(self, queue: NamedQueue[int], first: int) -> None:
        for n in range(first, first + 100_000, 10):
            queue.put_many(range(n, n + 10))
            self.put.update(range(n, n + 10))
            batch = queue.get_many(7, 0)
            assert not self.acked & set(batch.values), "it was given after its ack"
            self.unsure.update(batch.values)
            if batch.ack() == len(batch):
                self.acked.update(batch.values)
            self.unsure.difference_update(batch.values)


def test_what_fails_in_the_file_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bowerbird.leases.sqlite import SqliteItems

    real = SqliteItems.add

    def add(self: SqliteItems, items: list[bytes], priority: int, in_s: float) -> None:
        real(self, items, priority, in_s)
        if priority == 13:
            raise ZeroDivisionError

    monkeypatch.setattr(SqliteItems, "add", add)
    with QueueServer(ANY_PORT, KEY, tmp_path) as server, QueueClient(server.address, KEY) as client:
        queue = client.queue("jobs")
        queue.put("held")
        held = queue.get(0)

        def put(n: int) -> bool:
            try:
                queue.put(n, priority=13 if n % 5 == 0 else 0)
            except RemoteCallError:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            went = list(pool.map(put, range(40)))
        assert went == [n % 5 != 0 for n in range(40)]
        assert held.ack() == 1
        assert sorted(item.value for item in queue.items(wait_s=0)) == [
            n for n in range(40) if n % 5
        ]


def test_a_forked_child_does_not_mix_its_answers_with_its_parents(client: QueueClient) -> None:
    queue = client.queue("numbers")
    queue.put_many(range(400))

    def work() -> list[int]:
        return [item.value for item in queue.items(wait_s=0)]

    context = multiprocessing.get_context("fork")
    done = context.Queue()
    children = [context.Process(target=lambda: done.put(work())) for _ in range(2)]
    for child in children:
        child.start()
    found = [*work(), *done.get(timeout=20), *done.get(timeout=20)]
    for child in children:
        child.join()
    assert sorted(found) == list(range(400))


def test_queues_are_served_over_tls(tmp_path: Path) -> None:
    ours = made(tmp_path, "ours", "localhost")
    trust = ClientTls(ca_file=ours.cert)

    async def awaited(address: Address) -> object:
        async with AsyncQueueClient(address, KEY, tls=trust) as client:
            return (await (await client.queue("jobs")).get(20.0)).value

    with (
        QueueServer("tls://localhost:0", KEY, tmp_path, tls=ours.shown()) as server,
        QueueClient(server.address, KEY, tls=trust) as client,
    ):
        client.queue("jobs").put("one")
        assert asyncio.run(awaited(server.address)) == "one"
        with pytest.raises(CertificateError), QueueClient(server.address, KEY) as stranger:
            stranger.queue("jobs")
        with pytest.raises(CertificateError):
            asyncio.run(AsyncQueueClient(server.address, KEY).queues())


@pytest.mark.parametrize(
    "call",
    [
        ("queue.put", b""),
        ("queue.put", b"\xc1"),
        ("queue.put", msgspec.msgpack.encode(["", None, []])),
        ("queue.put", msgspec.msgpack.encode(["q", None, 7])),
        ("queue.put", msgspec.msgpack.encode(["q", [None, -1.0], [1]])),
        ("queue.put", msgspec.msgpack.encode(["q", None, [1], 10**6])),
        ("queue.get", msgspec.msgpack.encode(["q", None, -1])),
        ("queue.get", msgspec.msgpack.encode(["q", None, 1, float("nan")])),
        ("queue.settle", msgspec.msgpack.encode(["q", None, [[b"x", ["x"]]]])),
        ("queue.dead", msgspec.msgpack.encode(["q" * 300])),
        ("attach", b""),
    ],
    ids=lambda call: call[0],
)
def test_calls_that_make_no_sense_are_refused(
    server: QueueServer, client: QueueClient, call: tuple[str, bytes]
) -> None:
    with closing(Connection(server.address, KEY.encode())) as raw:
        with pytest.raises(ProtocolError):
            raw.call(*call)
        raw.call("queue.settle", msgspec.msgpack.encode(["q", None, [[b"x", [2**60, -1]]]]))
    queue = client.queue("q")
    queue.put("well")
    assert queue.get(0).value == "well"
