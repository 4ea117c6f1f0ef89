"""What defences cost a crawl that nobody disturbs: `python -m benchmarks.defences`.

A stopwatch in each worker (`stopwatch/sitecustomize.py`) adds up the processor time of the network
guard, the clocks of transfers, crawler traps, and what is looked for in HTML before it is parsed;
it counts its own time as theirs. Counters of bytes and headers are part of reading, and are not in
it; nor is a decoder's own process, which these works do not need.
"""

import os
import shutil
import sys
from pathlib import Path

from benchmarks import corpus
from benchmarks.measure import measured
from benchmarks.peers.base import ROOT
from benchmarks.peers.bowerbird import PROGRAM
from benchmarks.webserver import nginx

WORK = ROOT / ".bench" / "defences"
OPTIONS = ("--allow-range", "127.0.0.0/8", "--delay", "0", "--quiet", "--per-host", "32")
PHOTOS = 10_000
#: In percent.
MUST, AIM = 10, 3


def main() -> int:
    roots = {"manual": corpus.MANUAL, "photos": corpus.photos(PHOTOS)}
    print("| work | CPU s | of it defences | cost | must | aim |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    with nginx(WORK / "nginx", roots) as addresses:
        urls = corpus.url_list(roots["photos"], addresses["photos"], WORK / "urls.txt")
        works = {
            "a manual of 684 pages and 1,963 images": ("crawl", addresses["manual"]),
            "10,000 photographs, headers checked": ("download", str(urls), "--check", "header"),
        }
        most = max(_tell(name, words) for name, words in works.items())
    return int(most > MUST)


def _tell(name: str, words: tuple[str, ...]) -> float:
    cpu_s, spent_s = _spent(words)
    cost = 100 * spent_s / (cpu_s - spent_s)
    print(f"| {name} | {cpu_s:.2f} | {spent_s:.3f} | {cost:.1f} % | ≤ {MUST} % | ≤ {AIM} % |")
    return cost


def _spent(words: tuple[str, ...]) -> tuple[float, float]:
    """Processor seconds of all processes, and of the defences in them."""
    for folder in (out := WORK / "out", notes := WORK / "spent"):
        shutil.rmtree(folder, ignore_errors=True)
    notes.mkdir()
    os.environ |= {"SPENT": str(notes), "PYTHONPATH": str(Path(__file__).parent / "stopwatch")}
    cost = measured([PROGRAM, *words, "-o", str(out), *OPTIONS], WORK)
    assert cost.status == 0, (WORK / "said.log").read_text()
    return cost.cpu_s, sum(int(note.read_text()) for note in notes.iterdir()) / 1e9


if __name__ == "__main__":
    sys.exit(main())
