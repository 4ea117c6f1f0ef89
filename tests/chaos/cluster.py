"""Crawls in Redis as a fleet meets them, each from a seed whose truth is known.

    python -m tests.chaos.cluster shared --seeds 50
    python -m tests.chaos.cluster moved --seeds 30 --partitions 4
    python -m tests.chaos.cluster killed --seeds 20

`shared`: two crawls of one web with four workers each, in every other pair of seeds with workers
that are killed: smallest gap and most in flight at the hosts they share. `moved`: the manager is
killed and its folder deleted, up to three times, and it is started in another folder; images lie in
folders of far workers or, with odd seeds, in a bucket: the catalog against what the web has.
`killed`: 20 times a worker, the manager or Redis is killed, which syncs what it answers, and dies
in the midst of writing a change.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bird import Flying, bird, flying, records_of
from tests.buckets import ENVIRONMENT, S3Server, s3_server
from tests.random_web import Asked, RandomWeb, Verdict, compare, make, serve
from tests.redis_fixtures import RedisServer

#: Of one host, without and with a delay: what both crawls of a pair are told.
BUDGETS = ((1, 0.0), (2, 0.0), (3, 0.0), (5, 0.0), (4, 0.02), (4, 0.05), (4, 0.1))
#: What is killed, and how often in a run; a killed manager's catalog is free after 8 s.
VICTIMS, KILLS = ("worker",) * 4 + ("redis",) * 3 + ("manager",) * 2, 20
#: No run takes longer, in seconds.
PATIENCE_S = 600


class Divided(RedisServer):
    """A Redis that keeps what it has answered, divided into so many partitions."""

    def __init__(self, folder: Path, partitions: int) -> None:
        super().__init__(folder, "--appendonly", "yes", "--appendfsync", "always")
        self.partitions = partitions

    def at(self, crawl: str) -> str:
        """The address of a crawl."""
        return self.address(f"{crawl}&partitions={self.partitions}")


@contextmanager
def redis(folder: Path, partitions: int) -> Iterator[Divided]:
    """Such a Redis while the block runs."""
    server = Divided(folder / "redis", partitions)
    try:
        yield server.start()
    finally:
        server.kill()


def crawl(web: RandomWeb, engine: str, *more: object) -> tuple[object, ...]:
    """The words of a manager's command."""
    return (
        "crawl", web.start, "--engine", engine, "--json", "--scope", "any", "--allow-private",
        *more,
    )  # fmt: skip


def end_of(run: Flying) -> None:
    """Wait for it; it has to end well."""
    assert run.process.wait(PATIENCE_S) == 0, run.ended().err[-1_000:]


# Two crawls.


def shared(folder: Path, seed: int, partitions: int) -> str:
    """Two crawls with four workers each; what was seen at the hosts of both."""
    dice = random.Random(seed)
    per_host, delay_s = dice.choice(BUDGETS)
    budget = ("--workers", 4, "--per-host", per_host, "--delay", delay_s)
    world, kills = make(seed, hosts=3, pages=20, images=60), 3 if seed % 4 >= 2 else 0
    with ExitStack() as stack:
        web = stack.enter_context(serve(world, pause_s=0.002 if delay_s else 0.02))
        at = stack.enter_context(redis(folder, partitions)).at
        outs = [folder / name for name in "ab"]
        runs = [
            stack.enter_context(flying(*crawl(web, at(out.name), "-o", out, *budget)))
            for out in outs
        ]
        kill_some(runs, dice, kills)
        for run in runs:
            end_of(run)
        verdicts = [compare(web, records_of(out), requests(web)) for out in outs]
    for one in verdicts:
        one.assert_whole(per_host, delay_s, faults=True)
    return _said(verdicts[0], per_host, delay_s, kills)


def kill_some(runs: list[Flying], dice: random.Random, number: int) -> None:
    """kill -9 of workers here and there."""
    for _ in range(number):
        time.sleep(dice.uniform(0.3, 1.5))
        kill_one_of(runs, dice)


def kill_one_of(runs: list[Flying], dice: random.Random) -> None:
    """kill -9 of a worker, if there is one."""
    workers = dice.choice(runs).workers()
    if workers:
        os.kill(dice.choice(workers), signal.SIGKILL)


def requests(web: RandomWeb) -> list[Asked]:
    """All that count for a host's rule: both crawls ask for its robots.txt before they know it."""
    rules = web.world.delays_s
    return [one for one in web.log if one.host not in rules or not one.key.endswith("/robots.txt")]


def _said(verdict: Verdict, per_host: int, delay_s: float, kills: int) -> str:
    rules_s = {host: verdict.rules_s.get(host, delay_s) for host in verdict.smallest_gap_s}
    spaced = {host for host, rule_s in rules_s.items() if rule_s}
    over_s = min((verdict.smallest_gap_s[host] - rules_s[host] for host in spaced), default=0.0)
    alone = max((verdict.most_in_flight[host] for host in spaced), default=0)
    assert alone <= 1, f"{alone} in flight at a host with a delay"
    return (
        f"{kills} kills; budget {per_host}, most in flight {verdict.in_flight}; delay {delay_s:g} s"
        f" and robots.txt's, smallest gap {1e3 * over_s:.2f} ms above it, in flight there {alone}"
    )


# A manager that moves.


def moved(folder: Path, seed: int, partitions: int) -> str:
    """A manager is killed, its folder deleted, another one started elsewhere; what is in the
    catalog in the end."""
    dice, world = random.Random(seed), make(seed, hosts=8, pages=80, images=240)
    with ExitStack() as stack:
        web = stack.enter_context(serve(world, pause_s=0.05))
        engine = stack.enter_context(redis(folder, partitions)).at("birds")
        store = _bucket(stack.enter_context(s3_server())) if seed % 2 else None
        fleet = [] if store else _fleet(stack, folder, engine, "w1", "w2")

        def manager(name: str) -> tuple[object, ...]:
            at = folder / name
            where = (
                ("-o", store, "--state", at, "--workers", 2)
                if store
                else ("-o", at, "--workers", 0)
            )
            return crawl(web, engine, *where, "--delay", 0)

        kills = kill_managers(web, manager, folder, dice)
        with flying(*manager("last")) as last:
            end_of(last)
        for one in fleet:
            end_of(one)
        verdict = compare(web, records_of(folder / "last"))
        verdict.assert_whole(faults=True)
        _assert_same(engine, folder / "last")
    where = "a bucket" if store else "folders of far workers"
    return f"{kills} managers killed, images in {where}: {verdict.recorded} of {verdict.accepted}"


def _bucket(s3: S3Server) -> str:
    os.environ.update(ENVIRONMENT)
    return f"s3://{s3.make_bucket()}/photos?endpoint={s3.endpoint}"


def _fleet(stack: ExitStack, folder: Path, engine: str, *names: str) -> list[Flying]:
    """Workers as of other machines."""
    options = ("--workers", 1, "--allow-private", "--json")
    return [
        stack.enter_context(flying("worker", engine, "-o", folder / name, *options))
        for name in names
    ]


def kill_managers(
    web: RandomWeb, manager: Callable[[str], tuple[object, ...]], folder: Path, dice: random.Random
) -> int:
    """Up to three, each after some requests, and with it all it has written; answers how many."""
    for kills in range(dice.randint(1, 3)):
        with flying(*manager(f"m{kills}")) as one:
            wanted = len(web.log) + dice.randint(20, 150)
            while len(web.log) < wanted:
                if one.process.poll() is not None:
                    return kills
                time.sleep(0.005)
            one.kill_group()
        shutil.rmtree(folder / f"m{kills}", ignore_errors=True)
    return kills + 1


def _assert_same(engine: str, folder: Path) -> None:
    """The catalog without any folder is that of the last one, and its images are whole."""
    found = [bird("export", place, "-f", "jsonl").out.splitlines() for place in (engine, folder)]
    assert sorted(found[0]) == sorted(found[1])
    assert bird("verify", engine).status == 0


# Kills.


def killed(folder: Path, seed: int, partitions: int) -> str:
    """A manager with two workers, a far one and Redis, of which now this and now that is killed;
    what is recorded in the end."""
    dice, world = random.Random(seed), make(seed, hosts=8, pages=120, images=480)
    kills = [dice.choice(VICTIMS) for _ in range(KILLS)]
    with ExitStack() as stack:
        web = stack.enter_context(serve(world, pause_s=0.05))
        server = stack.enter_context(redis(folder, partitions))
        engine, out = server.at("birds"), folder / "out"
        fleet = _fleet(stack, folder, engine, "far")

        def manager() -> Flying:
            command = crawl(web, engine, "-o", out, "--workers", 2, "--delay", 0)
            return stack.enter_context(flying(*command))

        running = manager()
        for kill in kills:
            _wait_for_some(web, dice.randint(10, 30))
            if kill == "redis":
                server.kill()
                server.tear(dice)
                server.start()
            elif kill == "manager":
                running.kill_group() if running.process.poll() is None else None
                running = manager()
            else:
                kill_one_of([*fleet, running], dice)
        _end_at_last(running, manager)
        verdict = compare(web, records_of(out))
        verdict.assert_whole(faults=True)
    told = ", ".join(f"{number} {name}" for name, number in Counter(kills).items())
    return f"killed: {told}; {verdict.recorded} of {verdict.accepted} recorded, none twice"


def _wait_for_some(web: RandomWeb, number: int) -> None:
    """So many requests more, or as many as come in three seconds."""
    wanted, until_s = len(web.log) + number, time.monotonic() + 3.0
    while len(web.log) < wanted and time.monotonic() < until_s:
        time.sleep(0.005)


def _end_at_last(running: Flying, manager: Callable[[], Flying]) -> None:
    """One that met no Redis as it started is started again."""
    if running.process.wait(PATIENCE_S):
        end_of(manager())


# The command.

KINDS = {"shared": shared, "moved": moved, "killed": killed}


def main() -> int:
    """The command; 1 where a promise was broken."""
    options = _options()
    broken = [
        seed
        for seed in range(options.first, options.first + options.seeds)
        if not _holds(options.what, seed, options.partitions)
    ]
    print(f"{options.seeds - len(broken)} of {options.seeds} seeds held, broken: {broken}")
    return min(1, len(broken))


def _holds(what: str, seed: int, partitions: int) -> bool:
    began_s = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="cluster-") as folder:
            said = KINDS[what](Path(folder), seed, partitions)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        print(f"seed {seed}: BROKEN: {error}", flush=True)
        return False
    print(f"seed {seed}: {said} ({time.monotonic() - began_s:.0f} s)", flush=True)
    return True


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.cluster", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("what", choices=KINDS)
    parser.add_argument("--seeds", type=int, default=10, help="so many, beginning with --first")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--partitions", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
