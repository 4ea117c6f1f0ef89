"""`python -m benchmarks.fleet`: measurements of several machines, into benchmarks/RESULTS.md.

Needs root, for the network namespaces of `scaling` and `faults`. Each part replaces its own section
of the page and leaves the rest as it is.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from benchmarks import page, queues, tables
from benchmarks.fleet import cycles, faults, matrix, scaling, strangers
from benchmarks.peers.base import BENCH, ROOT

HEAD = """Made by `python -m benchmarks.fleet`. All hosts are network namespaces of one machine,
joined by a bridge: workers, manager and web server share its processors.
"""

Sections = dict[str, str]


def _cycles(options: argparse.Namespace) -> Sections:
    return {"Task cycles through TCP": cycles.section(options.tasks, options.repeat)}


def _queues(options: argparse.Namespace) -> Sections:
    return {"Named queues through TCP": queues.section(options.tasks, options.repeat)}


def _scaling(options: argparse.Namespace) -> Sections:
    return scaling.sections(options.workers, options.images, options.hosts)


def _faults(options: argparse.Namespace) -> Sections:
    text = faults.section(options.seeds, options.faults, options.longest)
    return {"Random faults of workers, manager and cables": text}


def _strangers(options: argparse.Namespace) -> Sections:
    return {"Strangers at the door": strangers.section(options.strangers)}


def _matrix(_: argparse.Namespace) -> Sections:
    return {"Stock clients and managers": matrix.section()}


PARTS: dict[str, Callable[[argparse.Namespace], Sections]] = {
    "cycles": _cycles,
    "queues": _queues,
    "scaling": _scaling,
    "faults": _faults,
    "strangers": _strangers,
    "matrix": _matrix,
}


def main() -> None:
    """The command."""
    options = _options()
    BENCH.mkdir(exist_ok=True)
    for name in options.only:
        sections = PARTS[name](options)
        page.put(Path(options.results), page.FLEET, _head(), sections)
        for title, body in sections.items():
            print(f"## {title}\n\n{body}")


def _head() -> str:
    return f"{HEAD}\n{tables.machine(BENCH)}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--only", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--results", default=str(ROOT / "benchmarks/RESULTS.md"))
    add = parser.add_argument_group("cycles and queues").add_argument
    add("--tasks", type=int, default=200_000)
    add("--repeat", type=int, default=3)
    add = parser.add_argument_group("scaling").add_argument
    add("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    add("--images", type=int, default=3_000, help="for each worker")
    add("--hosts", type=int, default=1_000)
    add = parser.add_argument_group("faults").add_argument
    add("--seeds", type=int, nargs="+", default=[1, 2, 3])
    add("--faults", type=int, default=20)
    add("--longest", type=float, default=12.0, help="seconds that a fault lasts at most")
    add = parser.add_argument_group("strangers").add_argument
    add("--strangers", type=int, nargs="+", default=[10_000, 50_000])
    options = parser.parse_args()
    if os.geteuid() != 0 and {"scaling", "faults"} & set(options.only):
        parser.error("scaling and faults make network namespaces, which needs root")
    return options


if __name__ == "__main__":
    main()
