"""`/metrics`, in Prometheus's text format 0.0.4: conventional names, base units, `_total` for what
only rises.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bowerbird._version import __version__
from bowerbird.app.status import Status
from bowerbird.app.watch import Moment
from bowerbird.manager.progress import failures, left_out
from bowerbird.model import State, WorkerRow, plain_counters
from bowerbird.web.site import Site

MEDIA = "text/plain; version=0.0.4; charset=utf-8"
#: Workers that have series of their own; each life of a process is a new one.
WORKERS = 200

Labels = Mapping[str, str]
Sample = tuple[Labels, float]


class Metrics:
    """Counts as Prometheus wants them. A counter never falls, though some of ours may: images that
    are to be fetched anew are taken off, and that is no start from zero.
    """

    def __init__(self) -> None:
        self._highest: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}

    def text(self, moment: Moment) -> str:
        """All metrics."""
        return "\n".join(self._lines(moment)) + "\n"

    def _lines(self, moment: Moment) -> Iterator[str]:
        up = float(moment.status is not None and not moment.trouble)
        yield from _gauge("bowerbird_up", "Whether the crawl could be asked.", [({}, up)])
        build = [({"version": __version__}, 1.0)]
        yield from _gauge("bowerbird_build_info", "The version of this dashboard.", build)
        if moment.status is not None:
            yield from self._counters(moment.status)
            yield from _gauges(moment.status)
            yield from self._workers(moment.status.workers)
        yield from self._process()

    def _counters(self, status: Status) -> Iterator[str]:
        stats = status.stats
        yield from self._counter("bowerbird_images_total", "Images stored.", [({}, stats.records)])
        yield from self._counter(
            "bowerbird_image_bytes_total", "Bytes of images stored.", [({}, stats.bytes)]
        )
        yield from self._counter(
            "bowerbird_tasks_done_total", "Tasks done, by kind.", _by("kind", stats.done)
        )
        yield from self._counter(
            "bowerbird_events_total",
            "What workers counted, by name.",
            _by("event", plain_counters(stats.counters)),
        )

    def _workers(self, workers: Iterable[WorkerRow]) -> Iterator[str]:
        rows = sorted(workers, key=lambda row: -row.leased)[:WORKERS]
        named = [({"worker": row.worker.name}, row) for row in rows]
        yield from self._counter(
            "bowerbird_worker_tasks_finished_total", "Tasks a worker has finished.",
            [(labels, row.finished) for labels, row in named],
        )  # fmt: skip
        yield from _gauge(
            "bowerbird_worker_tasks_leased", "Tasks a worker has.",
            [(labels, row.leased) for labels, row in named],
        )  # fmt: skip
        yield from _gauge(
            "bowerbird_worker_silence_seconds", "Time since a worker's last sign of life.",
            [(labels, round(row.last_seen_s, 3)) for labels, row in named],
        )  # fmt: skip

    def _process(self) -> Iterator[str]:
        used = time.process_time()
        yield from self._counter(
            "process_cpu_seconds_total", "CPU time of the dashboard itself.", [({}, used)]
        )
        if resident := _resident():
            yield from _gauge(
                "process_resident_memory_bytes", "Memory of the dashboard.", [({}, resident)]
            )

    def _counter(self, name: str, text: str, samples: Iterable[Sample]) -> Iterator[str]:
        high = [(labels, self._high(name, labels, value)) for labels, value in samples]
        return _family(name, "counter", text, high)

    def _high(self, name: str, labels: Labels, value: float) -> float:
        key = name, tuple(labels.items())
        self._highest[key] = value = max(value, self._highest.get(key, 0.0))
        return value


def _gauges(status: Status) -> Iterator[str]:
    stats = status.stats
    yield from _gauge(
        "bowerbird_running", "Whether somebody works at the crawl.", [({}, status.running)]
    )
    states = [({"state": str(state)}, float(stats.state is state)) for state in State]
    yield from _gauge("bowerbird_state", "1 for the state of the crawl.", states)
    yield from _gauge(
        "bowerbird_tasks_waiting", "Tasks that wait, by kind.", _by("kind", stats.waiting)
    )
    yield from _gauge("bowerbird_tasks_leased", "Tasks with workers.", [({}, stats.leased)])
    yield from _gauge(
        "bowerbird_tasks_failed", "Tasks that have failed, by reason; fewer after a retry.",
        _by("reason", failures(stats)),
    )  # fmt: skip
    yield from _gauge(
        "bowerbird_tasks_left_out", "Tasks that a wish of yours or the site's left out, by reason.",
        _by("reason", left_out(stats)),
    )  # fmt: skip
    yield from _gauge("bowerbird_hosts", "Hosts met.", [({}, stats.hosts)])
    yield from _gauge(
        "bowerbird_hosts_answered", "Hosts that have answered.", [({}, stats.hosts_answered)]
    )
    yield from _gauge("bowerbird_workers", "Workers attached.", [({}, len(status.workers))])
    yield from _gauge(
        "bowerbird_backlog_bytes", "Results in Redis that wait for a manager.",
        [({}, status.backlog)],
    )  # fmt: skip
    yield from _gauge(
        "bowerbird_backlog_limit_bytes", "How many may wait before workers do.",
        [({}, status.backlog_most)],
    )  # fmt: skip


def _by(label: str, counts: Mapping[str, int]) -> list[Sample]:
    return [({label: name}, count) for name, count in sorted(counts.items())]


def _gauge(name: str, text: str, samples: Iterable[Sample]) -> Iterator[str]:
    return _family(name, "gauge", text, samples)


def _family(name: str, kind: str, text: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        yield f"{name}{{{shown}}} {value:.17g}" if shown else f"{name} {value:.17g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _resident() -> int:
    """Bytes of memory of this process; 0 where that is not known."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def routes(site: Site) -> list[BaseRoute]:
    """The one path."""
    metrics = Metrics()

    async def show(_: Request) -> Response:
        return Response(metrics.text(site.watch.moment), media_type=MEDIA)

    return [Route("/metrics", show)]
