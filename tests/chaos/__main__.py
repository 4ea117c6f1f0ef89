"""`make chaos`: the rows of the fault matrix, each with several seeds; docs/reliability.md's table.

    make chaos                         all of it, hours
    make chaos ROWS=1,11 SEEDS=3       rows 1, 11 and "11 durable", seeds 1 to 3
    make chaos ROWS=40 FIRST=7 SEEDS=1 what seed 7 did, again

Needs root for most. A row that the machine does not allow is told with the reason. A promise that
was broken is told with its seed, and the status is 1.
"""

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from tests.chaos import page
from tests.chaos.disks import UnableError
from tests.chaos.rows import FAULTS, ROWS
from tests.chaos.toll import Toll

PAGE = Path(__file__).parents[2] / "docs/reliability.md"


def main() -> int:
    """The command; 1 where a promise was broken."""
    options = _options()
    broken = 0
    for row in [row for row in ROWS if not options.rows or {row, row.split()[0]} & options.rows]:
        tolls: list[Toll] = []
        for toll in _runs(row, range(options.first, options.first + options.seeds), options.faults):
            tolls.append(toll)
            broken += bool(toll.complaints)
            if options.page:  # after each run: hours may be cut short
                page.put(PAGE, tolls)
    print(f"{broken} runs in which a promise was broken")
    return min(1, broken)


def _runs(row: str, seeds: range, faults: int) -> Iterator[Toll]:
    for seed in seeds:
        try:
            with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
                toll = ROWS[row](Path(folder), seed, faults or FAULTS[row])
        except UnableError as error:
            print(f"row {row}: not on this machine: {error}", flush=True)
            return
        except Exception as error:  # one run that breaks off is told, and the next ones are run
            traceback.print_exc()
            toll = Toll(row, seed, failed=f"{type(error).__name__}: {error}"[:300])
        _tell(toll)
        yield toll


def _tell(toll: Toll) -> None:
    at = time.strftime("%H:%M:%S")
    said = "; ".join(toll.complaints) or "all promises kept"
    print(f"{at} row {toll.row}, seed {toll.seed}, {len(toll.faults)} faults: {said}")
    print(f"    {'; '.join(toll.faults)}", flush=True)
    if toll.forgiven:
        print(f"    {toll.forgiven} lost where that is allowed, at most {toll.oldest_s:.1f} s old")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--rows", type=lambda text: set(text.split(",")), default=set())
    parser.add_argument("--seeds", type=int, default=20, help="so many, beginning with --first")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--faults", type=int, default=0, help="in a run; 0: as the row has it")
    parser.add_argument("--page", action="store_true", help="write docs/reliability.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
