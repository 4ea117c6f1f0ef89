"""Tasks that do nothing, through RQ, Celery and Dramatiq and through us, on the same Redis.

Each queue is filled first; then one worker process empties it. The time runs from the first task
taken to the last, so that starting costs nobody anything. RQ's worker is the one that does not
fork for each job; Celery's and Dramatiq's run their tasks in one process.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks.cluster import speed
from benchmarks.cluster.server import Server, served
from benchmarks.frontier import tasks
from benchmarks.peers.base import BENCH, PEER_PYTHON, ROOT
from benchmarks.tables import table
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.rules import Rules
from bowerbird.model import WorkerInfo

MUST, AIM = 10.0, 30.0
#: Theirs are so much slower that fewer are enough for a rate.
THEIR_SHARE = 10
LONGEST_S = 300.0


@dataclass(frozen=True, slots=True)
class Queue:
    """A competitor: its module here, its list in Redis, its worker."""

    name: str
    key: str
    worker: tuple[str, ...]


_HERE = "benchmarks.cluster.queues"
QUEUES = [
    Queue("rq", "rq:queue:default",
          ("rq.cli", "worker", "--url", "{url}", "--worker-class", "rq.SimpleWorker", "--quiet")),
    Queue("celery", "celery",
          ("celery", "-A", f"{_HERE}.celery_tasks", "worker", "--pool", "solo", "--loglevel",
           "ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat")),
    Queue("dramatiq", "dramatiq:default",
          ("dramatiq", f"{_HERE}.dramatiq_tasks", "--processes", "1", "--threads", "8")),
]  # fmt: skip


def theirs(queue: Queue, server: Server, number: int) -> float:
    """Tasks a second of one of them."""
    url = f"redis://127.0.0.1:{server.port}/1"
    environment = {**os.environ, "BROKER": url, "PYTHONPATH": str(ROOT)}
    python = [str(PEER_PYTHON), "-m"]
    fill = [*python, f"{_HERE}.{queue.name}_tasks", url, str(number)]
    subprocess.run(fill, check=True, env=environment, cwd=ROOT)
    worker = [*python, *(part.format(url=url) for part in queue.worker)]
    with (
        (BENCH / f"{queue.name}.log").open("w") as log,
        subprocess.Popen(
            worker, env=environment, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
        ) as process,
    ):
        try:
            return _emptied(lambda: _length(server, queue.key), number)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # its own children too


def _length(server: Server, key: str) -> int:
    answers = server.client.pipeline().select(1).llen(key).select(0).execute()
    return int(answers[1])


def _emptied(left: Callable[[], int], number: int) -> float:
    """Tasks a second, from the first one taken to the last."""
    end_s = time.monotonic() + LONGEST_S
    while (first := left()) == number:
        assert time.monotonic() < end_s, "no worker came"
        time.sleep(0.002)
    began_s = time.perf_counter()
    while left():
        assert time.monotonic() < end_s, "the queue is not emptied"
        time.sleep(0.002)
    return first / (time.perf_counter() - began_s)


def ours(server: Server, number: int) -> float:
    """Leases and finishes a second, of one session."""
    frontier = RedisFrontier(server.address("peers"), Rules(obey_robots=False))
    speed.add(frontier, list(tasks(number, max(1, number // 10))))
    frontier.add([], seeds_complete=True)
    info = WorkerInfo(name="measuring", local=False)
    session = frontier.attach(info, hard_end_s=3_600.0).session
    began_s = time.perf_counter()
    done = speed.lease(frontier, session, number)
    rate = done / (time.perf_counter() - began_s)
    frontier.close()
    return rate


def section(number: int, repeat: int) -> str:
    """The table: medians of runs in turn, each in an empty Redis."""
    rates: dict[str, list[float]] = {"Bowerbird, lease + finish": []}
    rates |= {queue.name: [] for queue in QUEUES}
    for _ in range(repeat):
        with served() as server:
            rates["Bowerbird, lease + finish"].append(ours(server, number))
            for queue in QUEUES:
                rates[queue.name].append(theirs(queue, server, number // THEIR_SHARE))
    mine, *others = (median(values) for values in rates.values())
    lines = [["Bowerbird, lease + finish", f"{mine:,.0f}", "", "", "", ""]]
    lines += [_line(queue, mine, rate) for queue, rate in zip(QUEUES, others, strict=True)]
    return table(["tasks that do nothing", "a second", "we ×", "must", "aim", ""], lines)


def _line(queue: Queue, mine: float, rate: float) -> list[str]:
    ratio = mine / rate
    mark = "✓" if ratio >= MUST else "✗"
    return [
        f"{queue.name} {_version(queue.name)}", f"{rate:,.0f}", f"{ratio:.1f}", f"{MUST:g}",
        f"{AIM:g}", mark,
    ]  # fmt: skip


def _version(package: str) -> str:
    code = f"from importlib.metadata import version; print(version({package!r}))"
    asked = subprocess.run([str(PEER_PYTHON), "-c", code], capture_output=True, text=True)
    return asked.stdout.strip() or "(not installed)"


if __name__ == "__main__":
    print(section(int(sys.argv[1]), 1))
