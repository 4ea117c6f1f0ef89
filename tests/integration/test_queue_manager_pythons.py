"""`QueueManager` with clients and managers of every Python found on this machine."""

import queue
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.stock.pythons import VERSIONS, interpreter

from bowerbird.queues import QueueManager

STOCK = Path(__file__).parent.parent / "stock"
KEY = "痛点就是起点".encode()
CHECKS = (
    *("wrong_key", "queues", "empty_and_full", "unknown", "no_shutdown", "values", "large"),
    *("no_objects", "refusal_is_clear", "threads", "forks", "tutorial", "leaves"),
)


class Manager(QueueManager):
    """With the queues of the stock programs."""


class Client(QueueManager):
    """Only connects."""


for name in ("get_task_queue", "get_result_queue"):
    Client.register(name)


@pytest.fixture
def manager() -> Iterator[QueueManager]:
    tasks: queue.Queue[Any] = queue.Queue(3)
    results: queue.Queue[Any] = queue.Queue()
    Manager.register("get_task_queue", callable=lambda: tasks)
    Manager.register("get_result_queue", callable=lambda: results)
    with Manager(("127.0.0.1", 0), KEY) as manager:
        yield manager


@pytest.mark.parametrize("version", VERSIONS)
def test_its_clients_find_what_they_would_find_at_a_stock_manager(
    manager: QueueManager, version: str
) -> None:
    port = str(manager.address[1])
    command = [interpreter(version), str(STOCK / "client.py"), port, KEY.hex(), *CHECKS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout.splitlines() == [f"ok {check}" for check in CHECKS]
    assert done.stderr == ""


@pytest.mark.parametrize("version", VERSIONS)
def test_it_connects_to_its_managers(version: str) -> None:
    command = [interpreter(version), str(STOCK / "manager.py"), KEY.hex()]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            client = Client(("127.0.0.1", int(process.stdout.readline())), KEY)
            client.connect()
            tasks, results = client.get_task_queue(), client.get_result_queue()
            for n in range(3):
                tasks.put(f"ImageUrl_{n}")
            assert tasks.full()
            with pytest.raises(queue.Full):
                tasks.put("one too many", timeout=0.05)
            while not tasks.empty():
                results.put(f"{tasks.get(True, timeout=5)}--->success")
            told = [results.get(timeout=10) for _ in range(3)]
            assert told == [f"ImageUrl_{n}--->success" for n in range(3)]
            with pytest.raises(queue.Empty):
                results.get_nowait()
        finally:
            process.kill()
