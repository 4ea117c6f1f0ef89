"""`python -m benchmarks.cluster`: measurements of the Redis engine, as Markdown.

Each part is printed under its heading; with --results it is put into that page as well, in place
of what stood there.
"""

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from benchmarks import tables
from benchmarks.cluster import memory, peers, speed
from benchmarks.peers.base import BENCH

#: The heading under which all parts stand.
TITLE = "# The Redis engine"


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
    told = [TITLE, tables.machine(BENCH)]
    for name in options.only:
        title, measure = PARTS[name]
        told.append(f"## {title}\n\n{measure(options)}\n")
        print(told[-1], flush=True)
    if options.results:
        put(Path(options.results), "\n".join(told))


def put(page: Path, part: str) -> None:
    """Put our part into the page: up to the next heading of its kind, or at the end."""
    text = page.read_text() if page.exists() else ""
    mine = re.compile(rf"^{re.escape(TITLE)}$.*?(?=^# |\Z)", re.M | re.S)
    if mine.search(text):
        page.write_text(mine.sub(lambda _: part.rstrip() + "\n\n", text))
    else:
        page.write_text(f"{text.rstrip()}\n\n{part.rstrip()}\n")


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
