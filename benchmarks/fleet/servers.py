"""`python -m benchmarks.fleet.servers stock|sqlite TASKS`: what clients are measured against.

Says its address on standard output, serves until standard input ends.
"""

import multiprocessing.process
import queue
import sys
import tempfile
import threading
from multiprocessing.managers import BaseManager
from pathlib import Path

from benchmarks.fleet.cycles import KEY
from benchmarks.frontier import CHUNK
from benchmarks.frontier import tasks as made_tasks
from bowerbird.frontier.rules import Rules
from bowerbird.frontier.service import FrontierService
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.queues import Door, Server, TcpAddress

HOSTS = 1_000


def stock(number: int) -> None:
    """A manager of the standard library with a full task queue."""
    queues: dict[str, queue.Queue[str]] = {
        "get_task_queue": queue.Queue(),
        "get_result_queue": queue.Queue(),
    }
    for task in made_tasks(number, HOSTS):
        queues["get_task_queue"].put(task.url)
    for name, one in queues.items():
        BaseManager.register(name, callable=lambda one=one: one)
    # The server asks the process for the key as well, where it is not started by `start`.
    multiprocessing.process.current_process().authkey = KEY
    server = BaseManager(("127.0.0.1", 0), KEY).get_server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _say_and_wait(f"127.0.0.1:{server.address[1]}")


def sqlite(number: int) -> None:
    """Our frontier in a database, with that many images of 1,000 hosts."""
    with tempfile.TemporaryDirectory() as folder:
        frontier = SqliteFrontier(Path(folder) / "crawl.db", Rules(obey_robots=False))
        _fill(frontier, number)
        server = Server([Door(TcpAddress("127.0.0.1", 0), KEY)])
        service = FrontierService(frontier, server)
        service.start()
        _say_and_wait(str(server.addresses[0]))
        service.stop()
        frontier.close()


def _fill(frontier: SqliteFrontier, number: int) -> None:
    chunk = []
    for task in made_tasks(number, HOSTS):
        chunk.append(task)
        if len(chunk) == CHUNK:
            frontier.add(chunk)
            chunk = []
    frontier.add(chunk, seeds_complete=True)


def _say_and_wait(address: str) -> None:
    print(address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    {"stock": stock, "sqlite": sqlite}[sys.argv[1]](int(sys.argv[2]))
