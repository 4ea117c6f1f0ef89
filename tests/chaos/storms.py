"""Rows 1, 3, 9, 17, 24 to 26, 40: processes are killed or frozen, lines cut, by a seed's dice."""

import random
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.chaos.disks import NoDiskError, disk
from tests.chaos.nemesis import storm
from tests.chaos.scene import Scene, scene, urls_for, with_late_writes
from tests.chaos.toll import Toll
from tests.redis_fixtures import RedisServer, need_redis

#: Row 40. What takes longest is rarest.
MIX = (
    *("kill worker",) * 4, *("kill far worker",) * 2, *("freeze worker",) * 4,
    "freeze worker beyond its lease", *("kill manager",) * 3, *("kill manager and workers",) * 2,
    *("freeze manager",) * 2, "cut the line", "deaf manager", "mute manager", "half-closed line",
    "reset line", "far and narrow line",
)  # fmt: skip
FULL_DISK = ("fill disk",) * 3


def kill_workers(folder: Path, seed: int, faults: int) -> Toll:
    """Local and far workers, with kill -9 while they fetch."""
    return _storm(folder, "1", seed, faults, ("kill worker", "kill far worker"))


def zombies(folder: Path, seed: int, faults: int) -> Toll:
    """Workers frozen beyond their lease, then thawed with results in hand."""
    return _storm(folder, "3", seed, faults, ("freeze worker beyond its lease",), longest_s=8.0)


def kill_managers(folder: Path, seed: int, faults: int) -> Toll:
    """Managers, alone or with all their workers, with kill -9 under load."""
    return _storm(folder, "9", seed, faults, ("kill manager", "kill manager and workers"))


def cut_lines(folder: Path, seed: int, faults: int) -> Toll:
    """The far worker's line carries nothing, one way or both, beyond its lease too; or is closed by
    halves."""
    names = ("cut the line", "deaf manager", "mute manager", "half-closed line")
    return _storm(folder, "24", seed, faults, names, longest_s=12.0)


def reset_lines(folder: Path, seed: int, faults: int) -> Toll:
    """All connections of the far worker end with a RST, again and again."""
    return _storm(folder, "25", seed, faults, ("reset line",))


def narrow_lines(folder: Path, seed: int, faults: int) -> Toll:
    """The far worker is 300 ms away, at 10 kB/s."""
    return _storm(folder, "26", seed, faults, ("far and narrow line",), longest_s=6.0)


def redis_always(folder: Path, seed: int, faults: int) -> Toll:
    """A frontier in Redis: the server with kill -9, and now and then a worker or manager."""
    return _redis_storm(folder, seed, faults, "always")


def redis_everysec(folder: Path, seed: int, faults: int) -> Toll:
    """The same with a sync each second. While one takes its time Redis answers before it has even
    written, so kill -9 may take what a power cut would."""
    return _redis_storm(folder, seed, faults, "everysec", prepare=with_late_writes)


def _redis_storm(
    folder: Path, seed: int, faults: int, how: str,
    prepare: Callable[[Scene], None] = lambda _: None,
) -> Toll:  # fmt: skip
    need_redis()
    server = RedisServer(folder / "redis", "--appendonly", "yes", "--appendfsync", how).start()
    try:
        names = (*("kill redis",) * 3, "kill worker", "kill manager and workers")
        return _storm(folder, f"17 {how}", seed, faults, names, server, prepare=prepare)
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
    redis: RedisServer | None = None, out: Path | None = None, longest_s: float = 2.0,
    prepare: Callable[[Scene], None] = lambda _: None,
) -> Toll:  # fmt: skip
    dice = random.Random(seed)
    urls = urls_for(int(faults * max(1.0, longest_s / 2)))
    with scene(folder, seed, urls, redis=redis, out=out, prepare=prepare) as crawl:
        crawl.join("far")
        storm(crawl, dice, faults, names, longest_s)
        return crawl.drain(row, seed)
