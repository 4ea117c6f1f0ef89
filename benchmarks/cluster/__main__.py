"""`python -m benchmarks.cluster`: measurements of the Redis engine, as Markdown.

Each part is printed under its heading; with --results it is put into that page as well, in place
of its own section there.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks import page, tables
from benchmarks.cluster import memory, peers, speed
from benchmarks.peers.base import BENCH

HEAD = "Made by `python -m benchmarks.cluster --results benchmarks/RESULTS.md`."


def _speed(options: argparse.Namespace) -> str:
    return speed.section(options.clients, options.tasks, tuple(options.large))


def _memory(options: argparse.Namespace) -> str:
    return memory.section(tuple(options.urls))


def _peers(options: argparse.Namespace) -> str:
    return peers.section(options.tasks, options.repeat)


PARTS: dict[str, tuple[str, Callable[[argparse.Namespace], str]]] = {
    "speed": ("Adds, leases and finishes", _speed),
    "memory": ("Memory of Redis", _memory),
    "peers": ("Against other queues on the same Redis", _peers),
}


def main() -> None:
    """The command."""
    options = _options()
    BENCH.mkdir(exist_ok=True)
    for name in options.only:
        title, measure = PARTS[name]
        text = measure(options)
        print(f"## {title}\n\n{text}\n", flush=True)
        if options.results:
            head = f"{HEAD}\n\n{tables.machine(BENCH)}"
            page.put(Path(options.results), page.REDIS, head, {title: text})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    add = parser.add_argument
    add("--only", nargs="+", default=list(PARTS), choices=PARTS)
    add("--results", default="", help="a page to put it into, such as benchmarks/RESULTS.md")
    add("--tasks", type=int, default=200_000, help="leased and finished in speed, and in peers")
    add("--repeat", type=int, default=3, help="of peers")
    add("--clients", type=int, default=2, help="processes, of speed")
    add("--large", type=int, nargs=2, default=speed.LARGE, metavar=("TASKS", "HOSTS"))
    add("--urls", type=int, nargs="+", default=list(memory.SIZES), help="of memory")
    return parser.parse_args()


if __name__ == "__main__":
    main()
