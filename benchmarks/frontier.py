"""How fast the SQLite frontier is, and how little memory it holds: prints JSON.

    python benchmarks/frontier.py [--small]

adds in chunks of 1,000; lease + finish in batches of 64 to 200 by two sessions that obey their
slots, several calls to a transaction, as the manager makes them.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

from bowerbird.frontier.rules import Rules
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.model import Kind, Outcome, State, Task, Verb, WorkerInfo

#: Calls in one transaction: what two busy workers send while one is being committed.
GROUP = 4
CHUNK = 1_000


def tasks(number: int, hosts: int) -> Any:
    """Images spread over hosts, as the pages of many sites name them."""
    for n in range(number):
        host = n % hosts
        yield Task(
            url=f"https://www.host-{host}.example/images/2024/photograph-{n:08d}.jpg",
            kind=Kind.IMAGE,
            depth=1,
            referrer=f"https://www.host-{host}.example/gallery/{n // hosts}.html",
        )


#: (per second of the clock, per second of this process's CPU time): the second is fair on a busy
#: machine.
Rates = tuple[float, float]


def measure_adds(frontier: SqliteFrontier, number: int, hosts: int) -> Rates:
    """Tasks added in a second."""
    source = tasks(number, hosts)
    chunks = iter(lambda: list(islice(source, CHUNK)), [])
    spent = cpu = 0.0
    for chunk in chunks:
        began, cpu_began = time.perf_counter(), time.process_time()
        with frontier.batch():
            frontier.add(chunk)
        spent += time.perf_counter() - began
        cpu += time.process_time() - cpu_began
    return number / spent, number / cpu


def measure_leases(frontier: SqliteFrontier, number: int) -> Rates:
    """Tasks leased and finished in a second."""
    dice = random.Random(1)
    names = [
        frontier.attach(WorkerInfo(name=f"worker-{n}"), hard_end_s=3_600.0).session for n in (1, 2)
    ]
    done = 0
    began, cpu_began = time.perf_counter(), time.process_time()
    while done < number:
        outcomes: dict[str, list[Outcome]] = {name: [] for name in names}
        gifts: dict[str, dict[str, int]] = {name: {} for name in names}
        with frontier.batch():
            for turn in range(GROUP):
                name = names[turn % 2]
                reply = frontier.lease(name, dice.randint(64, 200))
                outcomes[name] += [
                    Outcome(token=one.token, verb=Verb.DONE, status=200, answered=True)
                    for one in reply.leases
                ]
                gifts[name] |= {grant.host: grant.slots for grant in reply.grants}
        with frontier.batch():
            for name in names:
                done += len(outcomes[name])
                frontier.finish(name, outcomes[name], gifts[name])
                frontier.beat(name)
        if reply.state is State.ENDED:
            break
    return done / (time.perf_counter() - began), done / (time.process_time() - cpu_began)


def run(number: int, hosts: int, leased: int) -> dict[str, Any]:
    """Both, in a fresh database."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "crawl.db"
        frontier = SqliteFrontier(path, Rules(obey_robots=False))
        adds = measure_adds(frontier, number, hosts)
        after_adds = peak_mib()
        frontier.add([], seeds_complete=True)
        leases = measure_leases(frontier, min(leased, number))
        faults = frontier.audit() if number <= 100_000 else []
        frontier.close()
        return {
            "tasks": number,
            "hosts": hosts,
            "adds_per_s": round(adds[0]),
            "adds_per_cpu_s": round(adds[1]),
            "lease_finish_per_s": round(leases[0]),
            "lease_finish_per_cpu_s": round(leases[1]),
            "peak_rss_mib": after_adds,
            "peak_rss_mib_after_leases": peak_mib(),
            "database_mib": round(path.stat().st_size / 2**20),
            "faults": faults,
        }


def peak_mib() -> int:
    """Peak memory of this process so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """Each size in a process of its own, so that peaks are its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=3, type=int, metavar=("TASKS", "HOSTS", "LEASED"))
    parser.add_argument("--small", action="store_true", help="10,000 tasks only")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(run(*options.one)))
        return
    sizes = [(10_000, 1_000, 10_000)]
    if not options.small:
        sizes.append((1_000_000, 100_000, 200_000))
    results = []
    for size in sizes:
        command = [sys.executable, __file__, "--one", *map(str, size)]
        results.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
