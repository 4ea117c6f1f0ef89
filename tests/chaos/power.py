"""Rows 11 and 18: the machine goes down, and what was not synced is gone."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import apsw

from tests.bird import wait_for, went_down
from tests.chaos.disks import Disk, disk
from tests.chaos.scene import Scene, scene, urls_for, with_late_writes
from tests.chaos.toll import Toll
from tests.chaos.watch import members, states
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
        for _ in _moments(crawl, dice, faults):
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
                for _ in _moments(crawl, dice, faults):
                    assert server.process
                    halt([server.process.pid])
                    small.cut_power()
                    server.kill()
                    crawl.fault("power cut of Redis")
                    small.unmount()
                    small.mount()
                    server.start()
                return crawl.drain(f"18 {how}", seed)
        finally:
            server.kill()


def _moments(crawl: Scene, dice: random.Random, faults: int) -> Iterator[None]:
    """So many moments; fewer where the crawl ends before."""
    for _ in range(faults):
        wanted = len(crawl.web.log) + dice.randint(5, 100)
        wait_for(
            f"requests: {crawl.faults}",
            lambda wanted=wanted: len(crawl.web.log) >= wanted or not crawl.manager.alive,
        )
        if not crawl.manager.alive:
            return
        crawl.wait_for_promises()
        time.sleep(dice.random())
        yield


def cut_power(crawl: Scene, small: Disk) -> None:
    """The machine of manager and workers goes down, and its disk is put in again."""
    halt(members({crawl.manager.pid}))
    small.cut_power()
    crawl.fault("power cut")
    crawl.manager.kill()
    small.unmount()
    small.mount()


def halt(pids: Iterable[int]) -> None:
    """Nobody answers any more: a sync that is under way when ext4 is shut down says that all is
    well, and nothing is on the disk. Who is inside one gets no further."""
    stopped = list(pids)
    for pid in stopped:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    wait_for("a halt", lambda: all(state in "TtDZX" for state in states(stopped)))


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
