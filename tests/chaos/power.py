"""Rows 11 and 18: the machine goes down, and what was not synced is gone."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import apsw

from tests.bird import went_down
from tests.chaos.disks import Disk, disk
from tests.chaos.scene import Scene, scene, urls_for, with_late_writes
from tests.chaos.toll import Toll
from tests.redis_fixtures import RedisServer, need_redis


def durable(folder: Path, seed: int, faults: int) -> Toll:
    """With --durable: nothing that was answered is lost, not even a power cut later."""
    return _cuts(folder, seed, faults, is_durable=True)


def normal(folder: Path, seed: int, faults: int) -> Toll:
    """Without: what was answered last may be lost, and nothing is ever broken."""
    return _cuts(folder, seed, faults, is_durable=False)


def redis_always(folder: Path, seed: int, faults: int) -> Toll:
    """Redis on the disk whose power is cut, with a sync before each answer."""
    return _redis_cuts(folder, seed, faults, "always")


def redis_everysec(folder: Path, seed: int, faults: int) -> Toll:
    """Redis on the disk whose power is cut, with a sync each second."""
    return _redis_cuts(folder, seed, faults, "everysec", with_late_writes)


def _cuts(folder: Path, seed: int, faults: int, *, is_durable: bool) -> Toll:
    dice = random.Random(seed)
    options = ("--durable",) if is_durable else ()
    with (
        disk(folder, 64) as small,
        scene(folder, seed, urls_for(faults), options, out=small.at / "out") as crawl,
    ):
        for _ in range(faults):
            _wait(crawl, dice)
            cut_power(crawl, small)
            if not is_durable:
                _another_boot(crawl)
            crawl.start()
        toll = crawl.drain("11 durable" if is_durable else "11", seed)
        return toll if is_durable else _forgiven(toll, crawl)


def _redis_cuts(
    folder: Path, seed: int, faults: int, how: str,
    prepare: Callable[[Scene], None] = lambda _: None,
) -> Toll:  # fmt: skip
    need_redis()
    dice = random.Random(seed)
    options = ("--appendonly", "yes", "--appendfsync", how)
    with disk(folder, 64) as small:
        server = RedisServer(small.at / "redis", *options).start()
        try:
            with scene(folder, seed, urls_for(faults), redis=server, prepare=prepare) as crawl:
                for _ in range(faults):
                    _wait(crawl, dice)
                    small.cut_power()
                    server.kill()  # until now it may have answered from memory
                    crawl.fault("power cut of Redis")
                    small.unmount()
                    small.mount()
                    server.start()
                return crawl.drain(f"18 {how}", seed)
        finally:
            server.kill()


def _wait(crawl: Scene, dice: random.Random) -> None:
    crawl.wait_for_requests(dice.randint(5, 100))
    crawl.wait_for_promises()
    time.sleep(dice.random())


def cut_power(crawl: Scene, small: Disk) -> None:
    """The machine of manager and workers goes down, and its disk is put in again."""
    small.cut_power()
    crawl.fault("power cut")
    crawl.manager.kill()
    small.unmount()
    small.mount()


def _another_boot(crawl: Scene) -> None:
    """This machine was not really started anew. A database that was never written knows no boot."""
    database = crawl.out / "crawl.db"
    if database.exists() and _has_tables(database):
        went_down(crawl.out)


def _has_tables(database: Path) -> bool:
    connection = apsw.Connection(str(database))
    try:
        return bool(connection.pragma("user_version"))
    finally:
        connection.close()


def _forgiven(toll: Toll, crawl: Scene) -> Toll:
    """What was answered before a cut may be gone: it is counted apart."""
    last_cut_s = crawl.faults_s[-1]
    before = {url for url, at_s in crawl.ledger.accepted.items() if at_s <= last_cut_s}
    toll.forgiven = len(toll.lost & before) + len(toll.undone)
    toll.lost, toll.undone = toll.lost - before, set()
    return toll
