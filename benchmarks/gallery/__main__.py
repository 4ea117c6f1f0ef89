"""Looks at a gallery of a million images in a real browser, and prints what that cost as JSON.

    python -m benchmarks.gallery [FOLDER] [--images 1000000] [--screens 40]

FOLDER is made if it is not there (some minutes) and kept, so that the next run is quick; without
it a temporary one is used. The dashboard is a process of its own, as `bowerbird dashboard` is.
"""

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import urlopen

from benchmarks.gallery.made import make_crawl

#: Scrolls to a place; answers when all that is seen there was known, and when drawn, in ms.
SCREEN = """
([share]) => new Promise((resolve) => {
  const box = document.getElementById("scroller");
  const began = performance.now();
  let known = 0;
  box.scrollTop = share * (box.scrollHeight - box.clientHeight);
  const look = () => {
    const edge = box.getBoundingClientRect();
    const seen = [...box.querySelectorAll(".cell")].filter((one) => {
      const at = one.getBoundingClientRect();
      return at.bottom > edge.top && at.top < edge.bottom;
    });
    const now = performance.now() - began;
    const all = seen.every((one) => one.getAttribute("aria-label") !== "loading");
    if (!known && seen.length && all) known = now;
    if (known && seen.every((one) => one.classList.contains("drawn"))) resolve([known, now]);
    else if (now > 20000) resolve([known || now, now]);
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(() => requestAnimationFrame(look));
})
"""
#: Filters and orders, each asked for twice: the second time it is at hand.
QUERIES = (
    "", "sort=largest", "sort=host", "words=moon", "words=photograph&sort=heaviest",
    "types=png,webp&min_side=600", "host=site-00",
)  # fmt: skip


@contextmanager
def dashboard(folder: Path) -> Iterator[tuple[str, int]]:
    """A dashboard of a folder: its address, and the number of its process."""
    command = [sys.executable, "-m", "bowerbird", "dashboard", str(folder), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        found = re.search(r"https?://[\w.:]+", process.stdout.readline())
        assert found is not None
        yield found[0], process.pid
    finally:
        process.terminate()
        process.wait(30)


def memory(process: int) -> dict[str, float]:
    """What a process has and had in memory, in MB."""
    text = Path(f"/proc/{process}/status").read_text()
    named = {"now": "VmRSS", "most": "VmHWM"}
    return {
        name: round(int(re.findall(rf"{key}:\s+(\d+)", text)[0]) / 1024, 1)
        for name, key in named.items()
    }


def ask(address: str, query: str) -> Any:
    """An answer of the gallery's API."""
    with urlopen(f"{address}/api/v1/gallery{query}") as answer:
        return json.load(answer)


def asked_ms(address: str, query: str) -> float:
    """How long an answer took."""
    began = time.perf_counter()
    ask(address, query)
    return round((time.perf_counter() - began) * 1_000, 1)


def taken_in(address: str) -> float:
    """Wait until the index has all; seconds. Nothing is left to do where it was made before."""
    began = time.perf_counter()
    while ask(address, "?upto=0")["behind"]:
        time.sleep(0.2)
    return round(time.perf_counter() - began, 1)


def questions(address: str, images: int) -> dict[str, list[float]]:
    """Milliseconds of each query: at first, again, and of a stretch in its middle."""
    found = {}
    for query in QUERIES:
        first, again = (asked_ms(address, f"?{query}&upto={images}") for _ in range(2))
        start = ask(address, f"?{query}&upto={images}")["found"] // 2
        middle = asked_ms(address, f"/images?{query}&upto={images}&start={start}&count=120")
        found[query or "all"] = [first, again, middle]
    return found


def looked(address: str, screens: int) -> dict[str, Any]:
    """Milliseconds that a person waits for the first screen, and for others anywhere."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": 1_440, "height": 900}).new_page()
        began = time.perf_counter()
        page.goto(f"{address}/gallery")
        page.locator(".cell.drawn").nth(20).wait_for(timeout=60_000)
        first = (time.perf_counter() - began) * 1_000
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        dice = random.Random(5)
        places = [dice.random() for _ in range(screens)]
        told = [page.evaluate(SCREEN, [place]) for place in places]
        again = [page.evaluate(SCREEN, [place]) for place in places[:10]]
        elements = page.locator("*").count()
        browser.close()
    return {
        "first paint": round(paint), "first pictures": round(first), "elements": elements,
        "a screen known": spread([one[0] for one in told]),
        "a screen drawn": spread([one[1] for one in told]),
        "a screen drawn again": spread([one[1] for one in again]),
    }  # fmt: skip


def spread(values: list[float]) -> dict[str, float]:
    """Median and nine tenths, in milliseconds."""
    ordered = sorted(values)
    return {"median": round(median(ordered)), "p90": round(ordered[len(ordered) * 9 // 10])}


def measured(folder: Path, images: int, screens: int) -> dict[str, Any]:
    """All of it."""
    if not (folder / "crawl.db").exists():
        make_crawl(folder, images)
    with dashboard(folder) as (address, _):
        indexing_s = taken_in(address)
    with dashboard(folder) as (address, process):
        time.sleep(2.0)  # as a person does who has just read the address
        result: dict[str, Any] = {"taking all in, s": indexing_s, "at rest, MB": memory(process)}
        result["browser, ms"] = looked(address, screens)
        result["looked at, MB"] = memory(process)
        result["questions, ms"] = questions(address, ask(address, "?upto=0")["images"])
        result["after all questions, MB"] = memory(process)
    return result


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--screens", type=int, default=40)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bowerbird-bench-") as scratch:
        folder = chosen.folder or Path(scratch) / "crawl"
        result = measured(folder, chosen.images, chosen.screens)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
