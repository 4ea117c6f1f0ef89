"""The rows of the matrix that are run here: name -> function of folder, seed and number of faults.

What a machine does not allow raises `UnableError`, with the reason.
"""

from collections.abc import Callable
from pathlib import Path

from tests.chaos import clocks, crashes, power, shortage, storms, torn
from tests.chaos.toll import Toll

Row = Callable[[Path, int, int], Toll]

ROWS: dict[str, Row] = {
    "1": storms.kill_workers,
    "2": crashes.storing,
    "3": storms.zombies,
    "5": shortage.no_memory,
    "6": shortage.no_descriptors,
    "9": storms.kill_managers,
    "10": crashes.committing,
    "11": power.normal,
    "11 durable": power.durable,
    "11 far": power.far,
    "11 images": power.images,
    "11 torn": torn.normal,
    "11 torn durable": torn.durable,
    "17 always": storms.redis_always,
    "17 everysec": storms.redis_everysec,
    "18 always": power.redis_always,
    "18 everysec": power.redis_everysec,
    "24": storms.cut_lines,
    "25": storms.reset_lines,
    "26": storms.narrow_lines,
    "34": shortage.full_disk,
    "35 EIO": crashes.failing_syncs,
    "35 inodes": shortage.no_inodes,
    "35 read-only": shortage.read_only,
    "38": clocks.wall_clock,
    "39": clocks.monotonic_clock,
    "40": storms.all_together,
}

#: Faults in one run: those that take long are fewer.
FAULTS = dict.fromkeys(ROWS, 10) | {
    "3": 3, "6": 5, "11 far": 4, "11 torn": 100, "11 torn durable": 100, "24": 5, "26": 5,
    "35 EIO": 6,
}  # fmt: skip
