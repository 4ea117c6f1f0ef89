"""Rows 1, 3, 9, 17 and 40: one process after the other is killed or frozen, by dice from a seed."""

import random
from contextlib import ExitStack
from pathlib import Path

from tests.chaos.disks import NoDiskError, disk
from tests.chaos.nemesis import storm
from tests.chaos.scene import scene, urls_for
from tests.chaos.toll import Toll
from tests.redis_fixtures import RedisServer, need_redis

#: Row 40. What takes longest is rarest.
MIX = (
    *("kill worker",) * 4, *("kill far worker",) * 2, *("freeze worker",) * 4,
    "freeze worker beyond its lease", *("kill manager",) * 3, *("kill manager and workers",) * 2,
    *("freeze manager",) * 2,
)  # fmt: skip
FULL_DISK = ("fill disk",) * 3


def kill_workers(folder: Path, seed: int, faults: int) -> Toll:
    """Local and far workers, with kill -9 while they fetch."""
    return _storm(folder, "1", seed, faults, ("kill worker", "kill far worker"))


def zombies(folder: Path, seed: int, faults: int) -> Toll:
    """Workers frozen beyond their lease, then thawed with results in hand."""
    return _storm(folder, "3", seed, faults, ("freeze worker beyond its lease",))


def kill_managers(folder: Path, seed: int, faults: int) -> Toll:
    """Managers, alone or with all their workers, with kill -9 under load."""
    return _storm(folder, "9", seed, faults, ("kill manager", "kill manager and workers"))


def kill_redis(folder: Path, seed: int, faults: int) -> Toll:
    """A frontier in Redis: the server with kill -9, and now and then a worker or manager."""
    need_redis()
    options = ("--appendonly", "yes", "--appendfsync", "everysec")
    server = RedisServer(folder / "redis", *options).start()
    try:
        names = (*("kill redis",) * 3, "kill worker", "kill manager and workers")
        return _storm(folder, "17", seed, faults, names, server)
    finally:
        server.kill()


def all_together(folder: Path, seed: int, faults: int) -> Toll:
    """A random mix; where a disk can be mounted it also fills up."""
    with ExitStack() as stack:
        try:
            out = stack.enter_context(disk(folder, 24)).at / "out"
        except NoDiskError:
            return _storm(folder, "40", seed, faults, MIX)
        return _storm(folder, "40", seed, faults, (*MIX, *FULL_DISK), out=out)


def _storm(
    folder: Path, row: str, seed: int, faults: int, names: tuple[str, ...],
    redis: RedisServer | None = None, out: Path | None = None,
) -> Toll:  # fmt: skip
    dice = random.Random(seed)
    with scene(folder, seed, urls_for(faults), redis=redis, out=out) as crawl:
        crawl.join("far")
        storm(crawl, dice, faults, names)
        return crawl.drain(row, seed)
