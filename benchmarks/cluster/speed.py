"""Adds, and leases with their finishes, in batches of 64 to 200, by sessions that obey their slots.

Clients are processes of their own, as many as there are processors: a client and Redis take turns
on one. The rates are of the clock; the processor time of Redis says what a quiet machine could do.
The small case takes a quarter of a second and varies by a fifth, and a machine's pace changes from
minute to minute: both are run several times in turn, and the medians of their rates are told.
"""

import random
import subprocess
import sys
import time
from dataclasses import astuple, dataclass
from statistics import median

from benchmarks.cluster.server import Server, served
from benchmarks.frontier import tasks
from benchmarks.tables import table
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.rules import Rules
from bowerbird.model import Outcome, State, Task, Verb, WorkerInfo

CHUNK, SMALLEST, LARGEST = 1_000, 64, 200
#: (tasks, hosts): the second is the first, a hundred times.
SMALL, LARGE = (10_000, 1_000), (1_000_000, 100_000)
#: The large case is run so often; the small one so often before each and after the last.
LARGE_RUNS, SMALL_RUNS = 3, 4
ADDS, CYCLES, SHARE = (60_000, 120_000), (40_000, 80_000), (0.80, 0.95)


@dataclass(frozen=True, slots=True)
class Rates:
    """Per second of the clock, and per second of the server's processor time."""

    adds: float
    adds_cpu: float
    cycles: float
    cycles_cpu: float


def measure(size: tuple[int, int], cycles: int, clients: int) -> Rates:
    """Both, in an empty Redis."""
    number, hosts = size
    with served() as server:
        frontier = RedisFrontier(server.address("speed"), Rules(obey_robots=False))
        adds = _timed(server, "add", number, hosts, clients)
        frontier.add([], seeds_complete=True)
        leases = _timed(server, "lease", min(cycles, number), hosts, clients)
        frontier.close()
    return Rates(*adds, *leases)


def _timed(server: Server, what: str, number: int, hosts: int, clients: int) -> tuple[float, float]:
    """Let clients do their shares; they begin together, when all have said that they are ready."""
    command = [
        sys.executable, "-m", "benchmarks.cluster.speed", what, server.address("speed"),
        str(number), str(hosts), str(clients),
    ]  # fmt: skip
    pipes = [
        subprocess.Popen(
            [*command, str(one)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for one in range(clients)
    ]
    for pipe in pipes:
        assert pipe.stdout
        pipe.stdout.readline()
    began_s, cpu_s = time.perf_counter(), server.cpu_s()
    for pipe in pipes:
        assert pipe.stdin
        pipe.stdin.write("go\n")
        pipe.stdin.flush()
    done = sum(int(pipe.stdout.readline()) for pipe in pipes if pipe.stdout)
    took_s, took_cpu_s = time.perf_counter() - began_s, server.cpu_s() - cpu_s
    for pipe in pipes:  # its own end is none of Redis's
        pipe.communicate()
    return done / took_s, done / took_cpu_s


def in_turn(cycles: int, large: tuple[int, int], clients: int) -> tuple[Rates, Rates]:
    """The small case and the large one."""
    small, big = list[Rates](), list[Rates]()
    for _ in range(LARGE_RUNS):
        small += [measure(SMALL, cycles, clients) for _ in range(SMALL_RUNS)]
        big.append(measure(large, cycles, clients))
    small += [measure(SMALL, cycles, clients) for _ in range(SMALL_RUNS)]
    return middle(small), middle(big)


def middle(runs: list[Rates]) -> Rates:
    """The median of each rate."""
    return Rates(*map(median, zip(*map(astuple, runs), strict=True)))


# In a client's process.


def add(frontier: RedisFrontier, source: list[Task]) -> int:
    """How many were new."""
    return sum(
        frontier.add(source[start : start + CHUNK]) for start in range(0, len(source), CHUNK)
    )


def lease(frontier: RedisFrontier, session: str, number: int) -> int:
    """Lease and finish; how many were accepted."""
    dice, done = random.Random(session), 0
    while done < number:
        reply = frontier.lease(session, dice.randint(SMALLEST, LARGEST))
        if reply.state is State.ENDED:
            break
        outcomes = [
            Outcome(token=one.token, verb=Verb.DONE, status=200, answered=True)
            for one in reply.leases
        ]
        gifts = {grant.host: grant.slots for grant in reply.grants}
        done += sum(frontier.finish(session, outcomes, gifts).accepted)
    return done


def client(what: str, address: str, number: int, hosts: int, clients: int, own: int) -> None:
    """One process's share."""
    frontier = RedisFrontier(address)
    source = list(tasks(number, hosts))[own::clients] if what == "add" else []
    info = WorkerInfo(name=f"measuring-{own}", local=False)
    session = frontier.attach(info, hard_end_s=3_600.0).session if what == "lease" else ""
    print("ready", flush=True)
    sys.stdin.readline()
    done = add(frontier, source) if what == "add" else lease(frontier, session, number // clients)
    print(done, flush=True)


# The page.


def section(clients: int, cycles: int, large: tuple[int, int] = LARGE) -> str:
    """The table."""
    small, big = in_turn(cycles, large, clients)
    shares = [big.adds / small.adds, big.cycles / small.cycles]
    head = ["", "a second", "of Redis's CPU", "must", "aim", ""]
    return table(head, [
        _line("adds, empty", small.adds, small.adds_cpu, ADDS),
        _line(f"adds, to {large[0]:,} tasks of {large[1]:,} hosts", big.adds, big.adds_cpu, ADDS),
        _line("lease + finish, 10,000 of 1,000", small.cycles, small.cycles_cpu, CYCLES),
        _line(f"lease + finish, {large[0]:,} of {large[1]:,}", big.cycles, big.cycles_cpu, CYCLES),
        _share("adds, large as share of small", shares[0]),
        _share("lease + finish, large as share of small", shares[1]),
    ])  # fmt: skip


def _line(name: str, rate: float, cpu: float, limits: tuple[int, int]) -> list[str]:
    mark = "✓" if rate >= limits[0] else "✗"
    return [name, f"{rate:,.0f}", f"{cpu:,.0f}", *(f"{one:,}" for one in limits), mark]


def _share(name: str, share: float) -> list[str]:
    mark = "✓" if share >= SHARE[0] else "✗"
    return [name, f"{share:.0%}", "", *(f"{one:.0%}" for one in SHARE), mark]


if __name__ == "__main__":
    client(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
