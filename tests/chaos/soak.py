"""`make soak HOURS=6`: one crawl after the other under faults, in RabbitMQ's rhythm: 20 s of quiet,
10 to 30 s of fault. Memory, files and threads of the processes that live on have to stay flat.

Every round is a crawl in a new folder, with a manager, two workers of its own and one far away; one
round in three has its frontier in Redis. At the end of a round it is told what it cost, and by how
much each kind of process has grown from the first third of its life to the last. `--record` keeps
what each process took, every ten seconds, as CSV.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from tests.chaos.disks import NoDiskError, disk
from tests.chaos.nemesis import strike
from tests.chaos.scene import Scene, scene
from tests.chaos.toll import Toll
from tests.chaos.watch import Look
from tests.redis_fixtures import RedisServer

QUIET_S, FAULT_S = 20.0, (10.0, 30.0)
#: Rows 1, 3, 9, 24 and 34 of the matrix; a fault of more than 8 s is beyond every lease.
FAULTS = ("kill worker", "freeze worker", "kill manager", "kill far worker", "cut the line")
IN_REDIS, ON_DISK = ("kill redis",), ("fill disk",)
#: What a round leaves between two requests to one host, in seconds: twenty in all are sent a
#: second, and a fault costs some of its time.
DELAY_S, URLS_A_SECOND = 0.5, 12
SHORTEST_S, ROUNDS = 300.0, 12
#: Time between two lines of a process in the record, in seconds.
RECORD_EVERY_S = 10.0
#: What a process may grow by and still be flat: bytes, open files, threads.
GROWTH = (8 << 20, 8, 3)


def main() -> int:
    """The command; 1 where a promise was broken or something grew."""
    options = _options()
    until_s, bad, number = time.monotonic() + options.hours * 3_600, 0, 0
    round_s = max(SHORTEST_S, options.hours * 3_600 / options.rounds)
    while (left_s := until_s - time.monotonic()) > QUIET_S:
        seed = options.first + number
        with tempfile.TemporaryDirectory(prefix="soak-") as folder:
            crawl, is_bad = _round(Path(folder), seed, min(left_s, round_s), number % 3 == 2)
        bad += is_bad
        if options.record:
            _record(options.record, seed, crawl)
        number += 1
    print(f"{number} rounds, {bad} of them with a broken promise or growth")
    return min(1, bad)


def _round(folder: Path, seed: int, seconds: float, in_redis: bool) -> tuple[Scene, bool]:
    with ExitStack() as stack:
        out, names = None, FAULTS
        redis = _redis(stack, folder) if in_redis else None
        if redis:
            names += IN_REDIS
        else:
            out, names = _small_disk(stack, folder, names)
        urls = int(seconds * URLS_A_SECOND)
        crawl = stack.enter_context(
            scene(folder, seed, urls, redis=redis, out=out, prepare=_leisurely)
        )
        crawl.join("far")
        _faults(crawl, random.Random(seed), names, time.monotonic() + seconds)
        toll = crawl.drain("redis" if in_redis else "embedded", seed, patience_s=3_600)
    return crawl, _tell(toll, crawl)


def _leisurely(crawl: Scene) -> None:
    crawl.delay_s = DELAY_S


def _redis(stack: ExitStack, folder: Path) -> RedisServer:
    options = ("--appendonly", "yes", "--appendfsync", "always")
    server = RedisServer(folder / "redis", *options).start()
    stack.callback(server.kill)
    return server


def _small_disk(
    stack: ExitStack, folder: Path, names: tuple[str, ...]
) -> tuple[Path | None, tuple[str, ...]]:
    try:
        return stack.enter_context(disk(folder, 64)).at / "out", (*names, *ON_DISK)
    except NoDiskError as error:
        print(f"without full disks: {error}")
        return None, names


def _faults(crawl: Scene, dice: random.Random, names: Sequence[str], until_s: float) -> None:
    while time.monotonic() + QUIET_S < until_s:
        time.sleep(QUIET_S)
        if not crawl.manager.alive:
            return
        left_s = until_s - time.monotonic()
        strike(crawl, dice.choice(names), dice, min(left_s, dice.uniform(*FAULT_S)))


def _tell(toll: Toll, crawl: Scene) -> bool:
    grown = _growth(crawl)
    print(f"{toll.row}, seed {toll.seed}, {toll.seconds:.0f} s, {len(toll.faults)} faults: "
          f"{'; '.join(toll.complaints) or 'all promises kept'}")  # fmt: skip
    print(f"    {toll.accepted} accepted, {toll.recorded} recorded, {toll.requests} requests, "
          f"smallest gap {toll.gap_s:.4f} s of {toll.rule_s} s")  # fmt: skip
    print(f"    {'; '.join(toll.faults)}")
    for role, (rss, files, threads) in grown.items():
        print(f"    {role}: {rss / 2**20:+.1f} MiB, {files:+.0f} files, {threads:+.0f} threads")
    sys.stdout.flush()
    leaks = [g for g in grown.values() if any(a > b for a, b in zip(g, GROWTH, strict=True))]
    return bool(toll.complaints or leaks)


def _record(path: Path, seed: int, crawl: Scene) -> None:
    """Append seed, role, process, second of the round, bytes of memory, files, threads."""
    with path.open("a") as file:
        for seen in crawl.watch.looks.values():
            next_s = 0.0
            for one in seen:
                if one.at_s >= next_s:
                    next_s = one.at_s + RECORD_EVERY_S
                    at_s = one.at_s - crawl.began_s
                    values = (seed, one.role, one.pid, round(at_s), one.rss, one.files, one.threads)
                    print(*values, sep=",", file=file)


def _growth(crawl: Scene) -> dict[str, tuple[float, float, float]]:
    """Of the process of each role that lived longest: (bytes, files, threads)."""
    found = {}
    for role in ("manager", "worker", "fleet"):
        longest = max(crawl.watch.of(role), key=len, default=[])
        settled = longest[len(longest) // 10 : -5]  # it warms up, and ends
        if len(settled) > 30:
            third = len(settled) // 3
            found[role] = _between(settled[:third], settled[-third:])
    return found


def _between(first: Sequence[Look], last: Sequence[Look]) -> tuple[float, float, float]:
    rss, files, threads = (
        median(getattr(one, name) for one in last) - median(getattr(one, name) for one in first)
        for name in ("rss", "files", "threads")
    )
    return rss, files, threads


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.soak", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="so many, if 5 minutes each")
    parser.add_argument("--record", type=Path, help="append to this file")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
