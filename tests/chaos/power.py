"""Rows 11 and 18: the machine goes down, and what was not synced is gone."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import apsw

from tests.bird import wait_for, went_down
from tests.chaos.disks import Disk, disk
from tests.chaos.scene import Scene, need_program, patient, scene, urls_for, with_late_writes
from tests.chaos.toll import Toll
from tests.chaos.watch import members, states
from tests.redis_fixtures import RedisServer, need_redis


def durable(folder: Path, seed: int, faults: int) -> Toll:
    """With --durable: nothing that was answered is lost, not even a power cut later."""
    return _cuts(folder, seed, faults, is_durable=True)


def normal(folder: Path, seed: int, faults: int) -> Toll:
    """Without: what was answered last may be lost, and nothing is ever broken."""
    return _cuts(folder, seed, faults, is_durable=False)


def far(folder: Path, seed: int, faults: int) -> Toll:
    """Without --durable, and far workers live on: a manager that is back within a second has
    forgotten what they were given last. No host is asked by two of them."""
    need_program("unshare")
    dice = random.Random(seed)
    with (
        disk(folder, 64) as small,
        scene(folder, seed, urls_for(faults), out=small.at / "out", prepare=patient) as crawl,
    ):
        crawl.join("far")
        for _ in range(faults):
            _wait_for_images(crawl.folder / "far", 3)
            crawl.line.line.dead = frozenset(("up", "down"))  # nobody says good-bye
            cut_power(crawl, small)
            _another_boot(crawl)
            crawl.start(*_just_booted())
            time.sleep(dice.uniform(1.0, 4.0))
            crawl.line.line.dead = frozenset()
        return _forgiven(crawl.drain("11 far", seed), crawl)


def images(folder: Path, seed: int, faults: int) -> Toll:
    """Without --durable: records have reached the disk, of their images some parts at most."""
    dice = random.Random(seed)
    with (
        disk(folder, 64) as small,
        scene(folder, seed, urls_for(faults), out=small.at / "out") as crawl,
    ):
        for _ in _moments(crawl, dice, faults):
            whole = {file: file.read_bytes() for file in crawl.out.glob("images/*/*.png")}
            _sync(crawl.out / "crawl.db-wal")
            cut_power(crawl, small)
            crawl.faults[-1] += f", {_tear(whole, dice)} images torn"
            _another_boot(crawl)
            crawl.start()
        return _forgiven(crawl.drain("11 images", seed), crawl)


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
    wait_for("the end of all", lambda: not any(members({crawl.manager.pid})))
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


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _tear(whole: Mapping[Path, bytes], dice: random.Random) -> int:
    """Of what a cut has taken ext4 leaves names of empty files; others leave parts, or zeros."""
    torn = [file for file, body in whole.items() if not _has(file, body)]
    for file in torn:
        body = whole[file]
        left = (b"", body[: dice.randrange(max(1, len(body)))], bytes(len(body)))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(dice.choice(left))
    return len(torn)


def _has(file: Path, body: bytes) -> bool:
    return file.exists() and file.read_bytes() == body


def _wait_for_images(out: Path, number: int) -> None:
    """Until a far worker has stored so many more."""
    there = len(list(out.glob("images/*/*.png")))
    wait_for("far images", lambda: len(list(out.glob("images/*/*.png"))) >= there + number)


def _just_booted() -> tuple[object, ...]:
    """Words of a command that runs the rest of its line as if this machine were up for a moment."""
    up_s = int(time.clock_gettime(time.CLOCK_BOOTTIME))
    return ("unshare", "--time", "--fork", "--monotonic", -up_s, "--boottime", -up_s)


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
