"""The faults that are run here, one function for each row of the matrix: seed and folder in, toll
out. A row that this machine does not allow raises `UnableError` or `NoDiskError` with the reason.
"""

import random
import time
from collections.abc import Callable
from pathlib import Path

from tests.bird import went_down
from tests.chaos.disks import Disk, disk
from tests.chaos.nemesis import storm
from tests.chaos.scene import Scene, scene
from tests.chaos.toll import Toll

#: URLs of a row's web: so many faults, each with some seconds of crawling.
URLS_A_FAULT, URLS_AT_LEAST = 120, 200

Row = Callable[[Path, int, int], Toll]


def urls_for(faults: int) -> int:
    """A web that keeps a crawl busy for so many faults."""
    return URLS_AT_LEAST + URLS_A_FAULT * faults


def kill_workers(folder: Path, seed: int, faults: int) -> Toll:
    """Row 1: local and far workers, with kill -9 while they fetch."""
    return _stormy(folder, "1", seed, faults, ("kill worker", "kill far worker"))


def zombies(folder: Path, seed: int, faults: int) -> Toll:
    """Row 3: workers frozen beyond their lease, then thawed with results in hand."""
    return _stormy(folder, "3", seed, faults, ("freeze worker beyond its lease",))


def kill_managers(folder: Path, seed: int, faults: int) -> Toll:
    """Row 9: managers, alone or with all their workers, with kill -9 under load."""
    return _stormy(folder, "9", seed, faults, ("kill manager", "kill manager and workers"))


def _stormy(folder: Path, row: str, seed: int, faults: int, names: tuple[str, ...]) -> Toll:
    dice = random.Random(seed)
    with scene(folder, seed, urls_for(faults)) as crawl:
        crawl.join("far")
        storm(crawl, dice, faults, names)
        return crawl.drain(row, seed)


def power_cuts_durable(folder: Path, seed: int, faults: int) -> Toll:
    """Row 11 with --durable: nothing that was answered is lost, not even a power cut later."""
    return _power_cuts(folder, seed, faults, durable=True)


def power_cuts_normal(folder: Path, seed: int, faults: int) -> Toll:
    """Row 11 without: what was answered last may be lost, and nothing is ever broken."""
    return _power_cuts(folder, seed, faults, durable=False)


def _power_cuts(folder: Path, seed: int, faults: int, *, durable: bool) -> Toll:
    dice = random.Random(seed)
    options = ("--durable",) if durable else ()
    with (
        disk(folder, 64) as small,
        scene(folder, seed, urls_for(faults), options, out=small.at / "out") as crawl,
    ):
        for _ in range(faults):
            crawl.wait_for_requests(dice.randint(5, 100))
            crawl.wait_for_promises()
            time.sleep(dice.random())
            cut_power(crawl, small)
            if not durable:
                _another_boot(crawl)
            crawl.start()
        toll = crawl.drain("11 durable" if durable else "11", seed)
    return toll if durable else _forgiven(toll, crawl)


def cut_power(crawl: Scene, small: Disk) -> None:
    """The machine of manager and workers goes down, and its disk is put in again."""
    small.cut_power()
    crawl.fault("power cut")
    crawl.manager.kill()
    small.unmount()
    small.mount()


def _another_boot(crawl: Scene) -> None:
    """This machine has not really been started anew; a database that was never written knows no
    boot."""
    database = crawl.out / "crawl.db"
    if database.exists() and _has_tables(database):
        went_down(crawl.out)


def _has_tables(database: Path) -> bool:
    import apsw

    connection = apsw.Connection(str(database))
    try:
        return bool(connection.pragma("user_version"))
    finally:
        connection.close()


def _forgiven(toll: Toll, crawl: Scene) -> Toll:
    """Without --durable, what was answered before a cut may be gone: it is counted apart."""
    last_cut_s = crawl.faults_s[-1]
    before = {url for url, at_s in crawl.ledger.accepted.items() if at_s <= last_cut_s}
    toll.forgiven = len(toll.lost & before) + len(toll.undone)
    toll.lost, toll.undone = toll.lost - before, set()
    return toll


ROWS: dict[str, Row] = {
    "1": kill_workers,
    "3": zombies,
    "9": kill_managers,
    "11": power_cuts_normal,
    "11 durable": power_cuts_durable,
}
