"""Rows that are no race: completeness of a mirror, memory, start-up, the frontier by itself."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from urllib.parse import unquote, urlsplit

from benchmarks import corpus
from benchmarks.measure import SAMPLE_OFTEN_S, Cost, measured
from benchmarks.peers import bowerbird, wget2
from benchmarks.peers.base import BENCH, Peer, Work
from benchmarks.tables import MIB, table
from benchmarks.tally import counts, images
from benchmarks.webserver import nginx

STARTS = 20
BODIES = 64


def mirror(out: Path) -> list[str]:
    """Every image file that wget2 mirrors must be in our store with `--srcset all`."""
    lines = [_compared(name, root, out) for name, root in _sites().items()]
    head = ["site", "wget2 has", "bowerbird has", "wget2's that we lack", "ours that wget2 lacks"]
    return ["## A mirror's images, compared by URL and content\n", table(head, lines)]


def _sites() -> dict[str, Path]:
    return {"gimp-help-en": corpus.MANUAL, "debian-handbook": corpus.HANDBOOK}


def _compared(name: str, root: Path, out: Path) -> list[str]:
    with nginx(BENCH / "nginx", {"site": root}) as address:
        start = address["site"] + ("index.html" if (root / "index.html").exists() else "")
        theirs, ours = _mirrored(start, out), _stored(start, out)
    counts = [len(theirs), len(ours), len(theirs - ours), len(ours - theirs)]
    return [name, *(f"{count:,}" for count in counts)]


def _mirrored(start: str, out: Path) -> set[tuple[str, str]]:
    """(path, sha256) of each image file that wget2 leaves below its folder of the host."""
    work = _fetched(wget2.WGET2_MIRROR, start, out)
    named = [(path.relative_to(work.out).as_posix(), sha256) for path, sha256 in images(work.out)]
    return {(name.partition("/")[2], sha256) for name, sha256 in named}


def _stored(start: str, out: Path) -> set[tuple[str, str]]:
    """The same of our records, under the path that a mirror would have given each."""
    work = _fetched(bowerbird.CRAWL_ALL, start, out)
    export = [bowerbird.PROGRAM, "export", str(work.out), "-f", "jsonl"]
    lines = subprocess.run(export, capture_output=True, check=True).stdout.splitlines()
    records = [json.loads(line) for line in lines]
    return {(_mirror_path(one["final_url"]), one["sha256"]) for one in records}


def _mirror_path(url: str) -> str:
    parts = urlsplit(url)
    path = unquote(parts.path).replace("//", "/").lstrip("/")  # as file systems have it
    return f"{path}?{parts.query}" if parts.query else path


def _fetched(peer: Peer, start: str, out: Path) -> Work:
    work = _fresh(start, out, "mirror")
    measured(peer.command(work), work.beside("log"))
    return work


def memory(out: Path) -> list[str]:
    """Peaks of our processes: on the photographs, and with 64 bodies of 30 MB at once."""
    lines = _peaks("10,000 photographs", corpus.photos(10_000), bowerbird.DECODE, out)
    lines += _peaks("64 bodies of 30 MB at once", corpus.bodies(BODIES), bowerbird.BODIES, out)
    head = ["work", "process", "peak", "images of the run"]
    return ["## Memory\n", table(head, lines)]


def _peaks(title: str, root: Path, peer: Peer, out: Path) -> list[list[str]]:
    slow = "site" if "bodies" in title else ""
    with nginx(BENCH / "nginx", {"site": root}, slow=slow) as address:
        work = _fresh(address["site"], out, "memory")
        urls = corpus.url_list(root, address["site"], work.beside("urls.txt"))
        work = Work(work.start, urls, work.out)
        cost = measured(peer.command(work), work.beside("log"), SAMPLE_OFTEN_S)
    images, _ = counts(work.out)
    shutil.rmtree(work.out, ignore_errors=True)
    return [[title, role, f"{peak / MIB:.0f} MiB", f"{images:,}"] for role, peak in _roles(cost)]


def _roles(cost: Cost) -> list[tuple[str, int]]:
    """(what it is, peak) of each process but the wrapper, the largest first."""
    ours = {name: peak for name, peak in cost.processes.items() if "bowerbird" in name}
    sized = sorted(ours.items(), key=lambda item: -item[1])
    return [(_role(name), peak) for name, peak in sized]


def _role(name: str) -> str:
    called = name.split()[1]
    return "worker or helper" if "_worker" in name or called.startswith("bowerbird-") else "manager"


def startup(_: Path) -> list[str]:
    """`bowerbird --version`, from the shell's view."""
    log = BENCH / "out-startup"
    costs = [measured([bowerbird.PROGRAM, "--version"], log) for _ in range(STARTS)]
    walls = [cost.wall_s for cost in costs]
    line = [f"`bowerbird --version`, median of {STARTS}", f"{median(walls):.3f} s", "≤ 0.2", "0.1"]
    return ["## Start-up\n", table(["command", "wall", "must", "aim"], [line])]


def frontier(_: Path) -> list[str]:
    """The SQLite frontier by itself; benchmarks/frontier.py says what it does."""
    command = [sys.executable, "-m", "benchmarks.frontier"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(answer.stdout)
    lines = [
        [f"{run[key]:,}" if key != "faults" else str(run[key]) for key in run] for run in found
    ]
    head = [key.replace("_", " ") for key in found[0]]
    return ["## The SQLite frontier by itself\n", table(head, lines), _drop(found)]


def _drop(found: list[dict[str, float]]) -> str:
    """How much slower the largest is than the smallest; must: at most 30 %, aim: 10 %."""
    names = {"adds_per_s": "adds", "lease_finish_per_s": "lease + finish"}
    drops = [f"{name} {1 - found[-1][key] / found[0][key]:.0%}" for key, name in names.items()]
    return f"Slower with the largest number of tasks: {', '.join(drops)}.\n"


def _fresh(start: str, out: Path, name: str) -> Work:
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return Work(start, out / "none.txt", folder)
