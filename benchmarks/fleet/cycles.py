"""Task cycles through TCP: lease and finish in batches of 64, against `get` and `put`.

The other side is a stock `multiprocessing` manager with two queues, as in the tutorials: one item
at a time, since it knows no batches. All servers are processes of their own; they take turns.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing.managers import BaseManager
from statistics import median

from benchmarks.tables import table
from bowerbird.frontier.remote import RemoteFrontier
from bowerbird.model import LeaseReply, Outcome, State, Verb, WorkerInfo

BATCH = 64
KEY = b"the key of this measurement"
#: One item at a time is slow: so many are enough for a rate.
STOCK_SHARE = 10
MUST, AIM = 4.0, 8.0


class StockManager(BaseManager):
    """The tutorials' class."""


for _name in ("get_task_queue", "get_result_queue"):
    StockManager.register(_name)

Measure = Callable[[str, int], float]


def section(tasks: int, repeat: int) -> str:
    """The table of rates, medians of some runs in turn."""
    rates: dict[str, list[float]] = {name: [] for name in MEASURES}
    for _ in range(repeat):
        for name, (server, measure) in MEASURES.items():
            rates[name].append(_once(server, measure, tasks))
            print(f"{name}: {rates[name][-1]:,.0f} a second", flush=True)
    stock = median(rates["stock manager, get + put"])
    lines = [_line(name, median(values), stock) for name, values in rates.items()]
    head = ["one client through TCP", "cycles/s", "× stock", f"must ≥ {MUST:g}", f"aim ≥ {AIM:g}"]
    return table(head, lines)


def _line(name: str, rate: float, stock: float) -> list[str]:
    if name.startswith("stock"):
        return [name, f"{rate:,.0f}", "1", "", ""]
    ratio = rate / stock
    marks = ["✓" if ratio >= limit else "✗" for limit in (MUST, AIM)]
    return [name, f"{rate:,.0f}", f"{ratio:.1f}", *marks]


def _once(server: str, measure: Measure, tasks: int) -> float:
    with _served(server, tasks) as address:
        return measure(address, tasks)


@contextmanager
def _served(server: str, tasks: int) -> Iterator[str]:
    """A server in a process of its own; it says its address and ends with its standard input."""
    command = [sys.executable, "-m", "benchmarks.fleet.servers", server, str(tasks)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout
    with process, process.stdin:
        yield process.stdout.readline().strip()


# The stock manager.


def stock(address: str, tasks: int) -> float:
    """`get` a task, `put` a result, as the tutorials' task process."""
    host, _, port = address.rpartition(":")
    manager = StockManager(address=(host, int(port)), authkey=KEY)
    manager.connect()
    todo, done = manager.get_task_queue(), manager.get_result_queue()  # type: ignore[attr-defined]
    number = tasks // STOCK_SHARE
    began_s = time.perf_counter()
    for _ in range(number):
        done.put(todo.get(timeout=10))
    return number / (time.perf_counter() - began_s)


# Ours.


def sequential(address: str, _tasks: int) -> float:
    """`lease`, then `finish`: one call at a time."""
    frontier, session = _attached(address)
    done, began_s = 0, time.perf_counter()
    while (reply := frontier.lease(session, BATCH)).state is not State.ENDED:
        done += _finish(frontier, session, reply)
    return done / (time.perf_counter() - began_s)


def overlapping(address: str, _tasks: int) -> float:
    """As a worker does: what was leased is handed in while more is leased."""
    frontier, session = _attached(address)
    done, began_s = 0, time.perf_counter()
    with ThreadPoolExecutor(1) as other:
        finishing = other.submit(int)
        while (reply := frontier.lease(session, BATCH)).state is not State.ENDED:
            done += finishing.result()
            finishing = other.submit(partial(_finish, frontier, session, reply))
        done += finishing.result()
    return done / (time.perf_counter() - began_s)


def _attached(address: str) -> tuple[RemoteFrontier, str]:
    frontier = RemoteFrontier(address, KEY)
    info = WorkerInfo(name="measuring", local=False)
    return frontier, frontier.attach(info, hard_end_s=3_600.0).session


def _finish(frontier: RemoteFrontier, session: str, reply: LeaseReply) -> int:
    """Everything is done, every slot is given back; how many were taken."""
    outcomes = [
        Outcome(token=lease.token, verb=Verb.DONE, status=200, answered=True)
        for lease in reply.leases
    ]
    gifts = {grant.host: 0 for grant in reply.grants}
    return sum(frontier.finish(session, outcomes, gifts).accepted)


MEASURES: dict[str, tuple[str, Measure]] = {
    "stock manager, get + put": ("stock", stock),
    "SQLite frontier, lease then finish": ("sqlite", sequential),
    "SQLite frontier, finish while leasing": ("sqlite", overlapping),
}
