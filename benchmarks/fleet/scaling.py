"""1, 2, 4, 8 workers, each on a host of its own: the rate of n against n times that of one.

The web server logs each request. The rate is that of the middle of a run, from the request at 10 %
of them to that at 90 %, so that neither the start of n Pythons on one machine nor the last few
images count. The manager's CPU time is counted from the moment when all seeds are in and the first
worker starts.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.net.fleet import Fleet, judge
from tests.net.lan import Host, Lan, local_network

from benchmarks.fleet.process import Watch, cpu_s
from benchmarks.tables import table

#: What the measurement prescribes.
CONCURRENCY, PER_HOST, DELAY_S = 8, 64, 0.05
MUST, AIM = 0.9, 0.97
CPU_MUST_US, CPU_AIM_US = 150, 60
#: Part of the requests at either end that does not count.
MARGIN = 0.1


@dataclass(frozen=True, slots=True)
class Run:
    """One crawl by some workers."""

    workers: int
    images: int
    rate: float  #: requests a second in the middle of it
    manager_us: float  #: the manager's CPU time for an image, in microseconds
    web_share: float  #: of one core, that the web server took
    whole: bool  #: every image has its record and its file


def sections(counts: list[int], images_each: int, hosts: int) -> dict[str, str]:
    """Both tables: rates, and what the manager's part costs."""
    runs = [_run(count, images_each * count, hosts) for count in counts]
    return {
        "Workers on hosts of their own": _rates(runs),
        "The manager's CPU time for a task served to a far worker": _costs(runs),
    }


def _rates(runs: list[Run]) -> str:
    one = runs[0].rate / runs[0].workers
    head = ["workers", "images/s", "÷ (n × one)", f"must ≥ {MUST}", f"aim ≥ {AIM}",
            "images", "all whole", "web server's core"]  # fmt: skip
    return table(head, [_rate_line(run, run.rate / (run.workers * one)) for run in runs])


def _rate_line(run: Run, share: float) -> list[str]:
    marks = ["✓" if share >= limit else "✗" for limit in (MUST, AIM)]
    whole = "yes" if run.whole else "NO"
    return [str(run.workers), f"{run.rate:,.0f}", f"{share:.3f}", *marks, f"{run.images:,}",
            whole, f"{run.web_share:.0%}"]  # fmt: skip


def _costs(runs: list[Run]) -> str:
    said = f"A wake-up of a process that does nothing costs {_wakeup_us():.0f} µs here and now."
    return f"{_cost_table(runs)}\n{said}\n"


def _wakeup_us(times: int = 200) -> float:
    """What the machine takes for itself: most of the manager's time goes into being woken."""
    before_s = time.process_time()
    for _ in range(times):
        time.sleep(0.01)
    return 1e6 * (time.process_time() - before_s) / times


def _cost_table(runs: list[Run]) -> str:
    head = ["workers", "µs a task", f"must ≤ {CPU_MUST_US}", f"aim ≤ {CPU_AIM_US}"]
    return table(head, [_cost_line(run) for run in runs])


def _cost_line(run: Run) -> list[str]:
    marks = ["✓" if run.manager_us <= limit else "✗" for limit in (CPU_MUST_US, CPU_AIM_US)]
    return [str(run.workers), f"{run.manager_us:.0f}", *marks]


def _run(workers: int, images: int, hosts: int) -> Run:
    names = [f"h{number:04}.test" for number in range(hosts)]
    with tempfile.TemporaryDirectory() as folder, local_network() as lan:
        web = lan.host("web")
        log = Path(folder) / "requests"
        fleet = Fleet(lan, Path(folder))
        known = dict.fromkeys(names, web.address)
        with _web(web, log) as served:
            urls = [f"http://{names[n % hosts]}/{n}.png" for n in range(images)]
            spent_s = _crawl(fleet, lan, workers, urls, known)
            web_s = cpu_s(served.pid)
        moments = sorted(float(line.split()[0]) for line in log.read_text().splitlines())
        verdict = judge(fleet.out, set(urls))
        whole = not (verdict.lost or verdict.twice or verdict.damaged or verdict.faults)
    run = Run(
        workers, images, _middle_rate(moments), 1e6 * spent_s / images,
        web_s / (moments[-1] - moments[0]), whole,
    )  # fmt: skip
    print(run, flush=True)
    return run


def _crawl(fleet: Fleet, lan: Lan, workers: int, urls: list[str], names: dict[str, str]) -> float:
    """CPU seconds of the manager from the first worker on."""
    manager = fleet.download(
        urls, "--delay", 0, "--per-host", PER_HOST, "--concurrency", CONCURRENCY
    )
    while not _seeded(fleet):
        time.sleep(0.1)
    hosts = [lan.host(f"worker{n + 1}", names) for n in range(workers)]
    before_s = cpu_s(manager.pid)
    try:
        with Watch(manager.pid) as watch:
            for host in hosts:
                fleet.join(host)
            if manager.process.wait():
                raise SystemExit(manager.said)
    finally:
        fleet.close()
    return watch.looks[-1].cpu_s - before_s


def _seeded(fleet: Fleet) -> bool:
    """Asked through the manager's private socket."""
    return (fleet.out / ".bowerbird/address").exists() and fleet.stats().seeds_complete


def _middle_rate(moments: list[float]) -> float:
    first = int(len(moments) * MARGIN)
    last = len(moments) - 1 - first
    return (last - first) / (moments[last] - moments[first])


@contextmanager
def _web(host: Host, log: Path) -> Iterator[subprocess.Popen[str]]:
    words = ["-m", "benchmarks.fleet.loadweb", host.address, 80, DELAY_S, log]
    process = host.popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield process
        finally:
            process.terminate()
