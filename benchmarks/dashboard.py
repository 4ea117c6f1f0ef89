"""What a dashboard costs a crawl: the same download without one, with one, and with one that is
open in five tabs, round after round in turn. `python -m benchmarks.dashboard`
"""

import argparse
import json
import re
import shutil
import statistics
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from benchmarks.corpus import photos
from benchmarks.measure import Cost, measured
from benchmarks.peers.base import BENCH
from benchmarks.webserver import nginx

TABS = 5
#: What a tab asks for beside the stream, and how often, in seconds: the live page's curves and the
#: table of hosts, though no page shows both.
ASKED = (("/api/v1/history?span=600", 2.0), ("/api/v1/hosts?sort=busy&limit=50", 3.0))

#: Tabs that are ready to be opened at an address.
Tabs = Callable[[], AbstractContextManager[Callable[[str], None]]]


@contextmanager
def asking() -> Iterator[Callable[[str], None]]:
    """Five tabs as far as the crawl can tell: their requests, without what a browser draws."""
    ended, threads = threading.Event(), list[threading.Thread]()

    def open_at(address: str) -> None:
        for _ in range(TABS):
            threads.append(threading.Thread(target=_listen, args=(address, ended)))
            for path, every_s in ASKED:
                given = (address + path, every_s, ended)
                threads.append(threading.Thread(target=_ask, args=given))
        for thread in threads:
            thread.start()

    try:
        yield open_at
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _listen(address: str, ended: threading.Event) -> None:
    with suppress(OSError), urllib.request.urlopen(f"{address}/api/v1/stream", timeout=20) as lines:
        for _ in lines:
            if ended.is_set():
                return


def _ask(url: str, every_s: float, ended: threading.Event) -> None:
    while not ended.wait(every_s):
        with suppress(OSError), urllib.request.urlopen(url, timeout=20) as answer:
            answer.read()


@contextmanager
def drawing() -> Iterator[Callable[[str], None]]:
    """Five tabs of a Chromium, all seen, on the same two cores."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )

        def open_at(address: str) -> None:
            for path in ("/", "/hosts", "/workers", "/failures", "/"):
                with suppress(Exception):  # the crawl may have ended meanwhile
                    browser.new_page().goto(address + path)

        try:
            yield open_at
        finally:
            browser.close()


class Case:
    """One way to run the download."""

    def __init__(self, name: str, *, beside: bool, tabs: Tabs | None = None) -> None:
        self.name, self.beside, self.tabs = name, beside, tabs
        self.costs: list[Cost] = []
        self._ready, self._over = threading.Event(), threading.Event()

    def run(self, list_: Path, out: Path) -> Cost:
        """Once."""
        shutil.rmtree(out, ignore_errors=True)
        extra = ["--dashboard", ":0"] if self.beside else []
        command = [
            *(sys.executable, "-m", "bowerbird", "download", str(list_), "-o", str(out)),
            *("--allow-private", "--delay", "0", "--workers", "2", "--per-host", "64", *extra),
        ]
        said = out.parent / "said"
        (said / "said.log").unlink(missing_ok=True)
        self._ready.clear()
        self._over.clear()
        looker = threading.Thread(target=self._look, args=(said / "said.log",))
        looker.start()
        self._ready.wait()
        cost = measured(command, said)
        self._over.set()
        looker.join()
        self.costs.append(cost)
        return cost

    def _look(self, said: Path) -> None:
        """Open the tabs as soon as there is a dashboard; close them after the end."""
        if self.tabs is None:
            self._ready.set()
            return
        with self.tabs() as open_at:
            self._ready.set()
            while not (address := _address(said)) and not self._over.wait(0.05):
                pass
            if address:
                open_at(address)
            self._over.wait()

    def wall_s(self) -> float:
        """The middle of its times."""
        return statistics.median(cost.wall_s for cost in self.costs)

    def memory(self) -> int:
        """Most that the dashboard's process took; 0 where there is none."""
        sizes = [
            size
            for cost in self.costs
            for command, size in cost.processes.items()
            if "_dashboard" in command
        ]
        return max(sizes, default=0)


def _address(said: Path) -> str:
    with suppress(OSError):
        found = re.search(r"Dashboard: (http://[\d.]+:\d+)", said.read_text())
        return found[1] if found else ""
    return ""


def main() -> None:
    """Run and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--browser", action="store_true", help="five tabs of a Chromium as well")
    given = parser.parse_args()
    cases = [
        Case("no dashboard", beside=False),
        Case("dashboard, nobody looks", beside=True),
        Case("dashboard, 5 tabs", beside=True, tabs=asking),
    ]
    if given.browser:
        cases.append(Case("dashboard, 5 tabs of a Chromium", beside=True, tabs=drawing))
    folder, corpus = BENCH / "dashboard", photos(min(given.images, 2_000))
    with nginx(folder / "nginx", {"photos": corpus}) as addresses:
        list_ = _list(corpus, addresses["photos"], given.images, folder / "list.txt")
        for number in range(given.rounds):
            for case in cases[number % len(cases) :] + cases[: number % len(cases)]:
                cost = case.run(list_, folder / "out")
                print(f"{case.name}: {cost.wall_s:.2f} s, CPU {cost.cpu_s:.2f} s", flush=True)
    print(json.dumps(_told(cases), indent=2))


def _list(corpus: Path, address: str, count: int, target: Path) -> Path:
    """As many addresses as are wanted; a query makes others of the same files."""
    names = sorted(path.relative_to(corpus).as_posix() for path in corpus.rglob("*.jpg"))
    lines = (f"{address}{names[n % len(names)]}?{n // len(names)}\n" for n in range(count))
    target.write_text("".join(lines))
    return target


def _told(cases: list[Case]) -> dict[str, dict[str, float]]:
    base = cases[0].wall_s()
    return {
        case.name: {
            "wall_s": round(case.wall_s(), 2),
            "slowdown": round(case.wall_s() / base - 1, 4),
            "cpu_s": round(statistics.median(cost.cpu_s for cost in case.costs), 2),
            "dashboard_mb": round(case.memory() / 1e6, 1),
        }
        for case in cases
    }


if __name__ == "__main__":
    main()
