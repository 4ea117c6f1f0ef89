"""Named queues through TCP: lease and finish in batches of 64, against `get` and `put`.

    python -m benchmarks.queues [--tasks N] [--repeat N]

The other side is a stock `multiprocessing` manager with two queues, as in the tutorials: one item
at a time, since it knows no batches. All servers are processes of their own; they take turns.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

from benchmarks.fleet import cycles
from benchmarks.frontier import tasks as made_tasks
from benchmarks.tables import table
from bowerbird.queues import NamedQueue, QueueClient, QueueServer

BATCH = 64
HOSTS = 1_000
MUST, AIM = 15.0, 30.0
STOCK = "stock manager, get + put"
#: Measures of the put, which no limit is set for.
PUTS = ("put_many, in memory", "put_many, in a file")

Measure = Callable[[NamedQueue[str], int], float]


def section(tasks: int, repeat: int) -> str:
    """The table of rates, medians of some runs in turn."""
    rates: dict[str, list[float]] = {}
    for _ in range(repeat):
        with _served("benchmarks.fleet.servers", "stock", str(tasks)) as address:
            _note(rates, STOCK, cycles.stock(address, tasks))
        for name, (place, measure) in MEASURES.items():
            with _queue(place) as queue:
                if name not in PUTS:
                    put(queue, tasks)
                _note(rates, name, measure(queue, tasks))
    stock = median(rates[STOCK])
    lines = [_line(name, median(values), stock) for name, values in rates.items()]
    head = ["one client through TCP", "items/s", "× stock", f"must ≥ {MUST:g}", f"aim ≥ {AIM:g}"]
    return table(head, lines)


def _note(rates: dict[str, list[float]], name: str, rate: float) -> None:
    rates.setdefault(name, []).append(rate)
    print(f"{name}: {rate:,.0f} a second", flush=True)


def _line(name: str, rate: float, stock: float) -> list[str]:
    ratio = rate / stock
    limits = (MUST, AIM) if name.endswith("in memory") and name not in PUTS else ()
    marks = ["✓" if ratio >= limit else "✗" for limit in limits] or ["", ""]
    return [name, f"{rate:,.0f}", f"{ratio:.1f}", *marks]


@contextmanager
def _served(*command: str) -> Iterator[str]:
    """A server in a process of its own; it says its address and ends with its standard input."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin
    assert process.stdout
    with process, process.stdin:
        yield process.stdout.readline().strip()


@contextmanager
def _queue(place: str) -> Iterator[NamedQueue[str]]:
    with (
        _served("benchmarks.queues", "--serve", place) as address,
        QueueClient(address, cycles.KEY) as client,
    ):
        yield client.queue("tasks", str, lease_s=600.0)


def put(queue: NamedQueue[str], tasks: int) -> float:
    """All at once; the client cuts them into calls."""
    urls = [task.url for task in made_tasks(tasks, HOSTS)]
    began_s = time.perf_counter()
    queue.put_many(urls)
    return tasks / (time.perf_counter() - began_s)


def two_calls(queue: NamedQueue[str], tasks: int) -> float:
    """`get_many`, then `ack_many`."""
    done, began_s = 0, time.perf_counter()
    while batch := queue.get_many(BATCH, 0):
        assert len(batch.values) == len(batch)
        done += queue.ack_many([batch])
    return _rate(done, tasks, began_s)


def one_call(queue: NamedQueue[str], tasks: int) -> float:
    """`get_many` says what is done and leases the next."""
    done, began_s = 0, time.perf_counter()
    batch = queue.get_many(BATCH, 0)
    while batch:
        done += len(batch.values)
        batch = queue.get_many(BATCH, 0, done=[batch])
    return _rate(done, tasks, began_s)


def loop(queue: NamedQueue[str], tasks: int) -> float:
    """`for item in queue.items(ahead=64)`: an object for each item."""
    done, began_s = 0, time.perf_counter()
    for item in queue.items(0, ahead=BATCH):
        done += bool(item.value)
    return _rate(done, tasks, began_s)


def _rate(done: int, tasks: int, began_s: float) -> float:
    assert done == tasks, f"{done} of {tasks}"
    return done / (time.perf_counter() - began_s)


MEASURES: dict[str, tuple[str, Measure]] = {
    "get_many, then ack_many, in memory": ("memory", two_calls),
    "get_many(done=…), in memory": ("memory", one_call),
    "for item in queue.items(ahead=64), in memory": ("memory", loop),
    "get_many, then ack_many, in a file": ("file", two_calls),
    "get_many(done=…), in a file": ("file", one_call),
    PUTS[0]: ("memory", put),
    PUTS[1]: ("file", put),
}


def serve(place: str) -> None:
    """Serve until standard input ends."""
    with tempfile.TemporaryDirectory() as folder:
        kept = folder if place == "file" else None
        with QueueServer("tcp://127.0.0.1:0", cycles.KEY, kept) as server:
            print(server.address, flush=True)
            sys.stdin.read()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=200_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--serve", choices=["memory", "file"])
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
    else:
        print(section(options.tasks, options.repeat))


if __name__ == "__main__":
    main()
