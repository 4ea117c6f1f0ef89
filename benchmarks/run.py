"""`python -m benchmarks.run`: runs what is asked for and writes benchmarks/RESULTS.md.

Programs take turns (A B C, A B C, …), so that what else the machine does falls on all; medians.
"""

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks import corpus, disk, extras, page, tables
from benchmarks.measure import Cost, measured, quiet_disk
from benchmarks.peers.base import BENCH, ROOT, Peer, Work
from benchmarks.suites import SUITES, Suite
from benchmarks.tally import counts
from benchmarks.webserver import nginx

Run = tuple[Cost, int, int]

EXTRAS: dict[str, Callable[[Path], list[str]]] = {
    "mirror": extras.mirror,
    "memory": extras.memory,
    "startup": extras.startup,
    "frontier": extras.frontier,
}


def main() -> None:
    """The command."""
    options = _options()
    BENCH.mkdir(exist_ok=True)
    out = Path(options.out)
    sections = [
        section
        for suite in SUITES
        if suite.name in options.only
        for section in _suite(suite, options)
    ]
    for name, extra in EXTRAS.items():
        if name in options.only:
            print(name, flush=True)
            sections += extra(out)
    text = tables.document(sections, out, options.repeat, "" if options.as_is else disk.NAME)
    results = Path(options.results)
    results.write_text("\n".join(filter(None, [text, page.parts(results)])))
    print(text)
    shutil.rmtree(out, ignore_errors=True)


def _options() -> argparse.Namespace:
    names = [suite.name for suite in SUITES] + list(EXTRAS)
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--only", nargs="+", default=names, choices=names)
    parser.add_argument("--peers", nargs="+", default=[], help="parts of names; all by default")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--out", default=str(BENCH / "out"), help="e.g. a folder on a tmpfs")
    parser.add_argument("--as-is", action="store_true", help="no new ext4 for each run in --out")
    parser.add_argument("--results", default=str(ROOT / "benchmarks/RESULTS.md"))
    return parser.parse_args()


def _suite(suite: Suite, options: argparse.Namespace) -> list[str]:
    root = suite.root(options.photos)
    peers = [peer for peer in suite.peers if _is_wanted(peer, options.peers)]
    out = Path(options.out)
    with nginx(BENCH / "nginx", {"site": root}) as address:
        urls = corpus.url_list(root, address["site"], BENCH / "urls.txt")
        start = address["site"] + ("index.html" if (root / "index.html").exists() else "")
        rows: dict[str, list[Run]] = {peer.name: [] for peer in peers}
        for number in range(options.repeat):
            for peer in peers:
                with disk.place(out / "run", as_is=options.as_is) as empty:
                    rows[peer.name].append(_once(peer, Work(start, urls, empty)))
                _say(suite, peer, number, rows[peer.name][-1])
    return tables.suite(
        suite, peers, {name: _middle(costs) for name, costs in rows.items()}, Work(start, urls, out)
    )


def _is_wanted(peer: Peer, parts: list[str]) -> bool:
    return peer.is_there() and (not parts or any(part in peer.name for part in parts))


def _once(peer: Peer, work: Work) -> Run:
    """The cost, and how many images were fetched, of how many contents."""
    peer.prepare(work)
    quiet_disk()
    cost = measured(peer.command(work), work.beside("log"))
    return cost, *counts(work.out)


def _middle(runs: list[Run]) -> tables.Row:
    costs = [cost for cost, _, _ in runs]
    return tables.Row(
        wall_s=median(cost.wall_s for cost in costs),
        cpu_s=median(cost.cpu_s for cost in costs),
        largest=int(median(cost.largest for cost in costs)),
        tree=int(median(cost.tree for cost in costs)),
        images=min(images for _, images, _ in runs),
        distinct=min(distinct for _, _, distinct in runs),
        statuses=sorted({cost.status for cost in costs}),
    )


def _say(suite: Suite, peer: Peer, number: int, run: Run) -> None:
    cost, images, _ = run
    print(
        f"{suite.name} #{number + 1} {peer.name}: {cost.wall_s:.2f} s wall, "
        f"{cost.cpu_s:.2f} s CPU, {images} images, status {cost.status}",
        flush=True,
    )


if __name__ == "__main__":
    main()
