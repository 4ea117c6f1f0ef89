"""Rows 38 and 39: clocks that jump while a crawl goes on, and one that begins anew."""

import random
import time
from pathlib import Path

from tests.chaos.scene import need_program, scene, slip_in, urls_for
from tests.chaos.toll import Toll

HOUR_S, YEAR_S, DAY_S = 3_600, 31_536_000, 86_400
LEAPS_S = (HOUR_S, -HOUR_S, 10 * YEAR_S, -10 * YEAR_S, 0)


def wall_clock(folder: Path, seed: int, faults: int) -> Toll:
    """The wall clock of manager and workers leaps by hours and years, back too."""
    dice = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    clock = folder / "clock"
    clock.write_text("0")
    with scene(folder, seed, urls_for(faults), prepare=slip_in("leaping-clock", clock)) as crawl:
        crawl.join("far")
        for _ in range(faults):
            crawl.wait_for_requests(30)
            leap_s = dice.choice(LEAPS_S)
            _set(clock, leap_s)
            crawl.fault(f"wall clock {leap_s:+d} s")
            time.sleep(dice.random())
        return crawl.drain("38", seed)


def _set(clock: Path, leap_s: int) -> None:
    """Nobody reads half of it."""
    new = clock.with_suffix(".new")
    new.write_text(str(leap_s))
    new.replace(clock)


def monotonic_clock(folder: Path, seed: int, faults: int) -> Toll:
    """Each run of the manager has another monotonic clock, as after a restart of the machine."""
    dice = random.Random(seed)
    need_program("unshare")
    with scene(folder, seed, urls_for(faults)) as crawl:
        for _ in range(faults):
            crawl.wait_for_requests(dice.randint(20, 60))
            crawl.manager.kill()
            ahead_s = dice.choice((0, HOUR_S, DAY_S, YEAR_S))
            crawl.fault(f"monotonic clock {ahead_s:+d} s")
            words = ("unshare", "--time", "--fork", "--monotonic", ahead_s, "--boottime", ahead_s)
            crawl.start(*(words if ahead_s else ()))
        return crawl.drain("39", seed)
