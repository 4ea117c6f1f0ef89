"""Crawl and download: the parts of a manager put together, one run from lock to report."""

import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bowerbird.app.folder import Folder, write_private
from bowerbird.app.job import Prepared, prepare, store_job
from bowerbird.clock import SystemClock
from bowerbird.fetch.guard import Guard
from bowerbird.manager.limits import StopRules
from bowerbird.manager.progress import Progress, ended
from bowerbird.manager.report import Report, make_report
from bowerbird.manager.run import Run
from bowerbird.manager.seeds import Seeder, list_tasks, start_tasks
from bowerbird.manager.supervisor import Supervisor
from bowerbird.model import Stats, Task
from bowerbird.settings import Job, Mode, Secrets


@dataclass(slots=True)
class Order:
    """What a person asks for."""

    mode: Mode
    out: str
    start: Iterable[str] = ()  #: start URLs, or the image URLs of a list
    options: Mapping[str, Any] = field(default_factory=dict)
    secrets: Secrets = field(default_factory=Secrets)
    notes: Callable[[], Iterable[str]] = tuple  #: more to be said in the report, at its end
    said: Callable[[str], None] = lambda _: None  #: a line for people
    tell: Callable[[Progress], None] = lambda _: None
    opened: Callable[[Any, Run], None] = lambda *_: None  #: gets engine and run, to watch them
    signals: bool = False  #: Ctrl-C is taken as a wish to stop in order


def carry_out(order: Order) -> Report:
    """Run a crawl or download until it ends, is stopped or interrupted.

    Raises:
        UsageError: the input, an option or the folder cannot be used.
        BowerbirdError: it cannot go on; what was done is kept.
    """
    folder = Folder(order.out)
    folder.create()
    with folder.locked():
        start = order.start if order.mode is Mode.CRAWL else ()
        prepared = prepare(folder, order.mode, start, order.options, order.secrets)
        Guard.of(prepared.job)  # says what is wrong with --allow-range, before anything begins
        for line in _announcement(prepared, folder):
            order.said(line)
        return _run(order, folder, prepared)


def _announcement(prepared: Prepared, folder: Folder) -> list[str]:
    if not prepared.resumed:
        return []
    lines = [f"Going on with the crawl in {folder}."]
    return [*lines, *(f"changed: {change}" for change in prepared.changes)]


def _run(order: Order, folder: Folder, prepared: Prepared) -> Report:
    # 60 ms of imports that a wrong option should not cost.
    from bowerbird.app.engine import opened

    job, clock = prepared.job, SystemClock()
    began_s = clock.now_s()
    with opened(folder, job) as engine:
        store_job(folder, job)
        before = engine.begin()
        for line in engine.recovered:
            order.said(line)
        supervisor = Supervisor(engine.worker_command(), engine.worker_count, clock)
        run = Run(
            desk=engine, supervisor=supervisor, seeder=Seeder(_seeds(order, job), engine.add),
            rules=StopRules(job.settings), clock=clock, folder=folder.path, tell=order.tell,
        )  # fmt: skip
        order.opened(engine, run)
        with _signals(run, wanted=order.signals):
            stats, state = run.work()
        report = make_report(
            stats, before, name=job.name, folder=job.folder, state=state, files=engine.files(),
            seconds=clock.now_s() - began_s, workers_died=supervisor.deaths,
            notes=(*order.notes(), *_notes(engine, job, prepared.resumed, stats, before)),
            wall_s=clock.wall_s(),
        )  # fmt: skip
    write_private(folder.report, report.as_json())
    return report


def _notes(engine: Any, job: Job, resumed: bool, stats: Stats, before: Stats) -> Iterator[str]:
    """What a person should know beside the counts."""
    yield from engine.recovered
    yield from engine.fate_of(job.start_urls)
    if resumed and ended(stats) == ended(before) and not stats.leased:
        yield (
            f"Nothing new: this crawl had ended. `bowerbird retry {job.folder}` tries what failed "
            "once more; a new folder begins anew."
        )


def _seeds(order: Order, job: Job) -> Iterator[Task]:
    if order.mode is Mode.DOWNLOAD:
        return list_tasks(order.start)
    return start_tasks(job.settings, job.start_urls)


@contextmanager
def _signals(run: Run, *, wanted: bool) -> Iterator[None]:
    """Ctrl-C and SIGTERM stop in order; the second one at once."""
    if not wanted:
        yield
        return
    names = [signal.SIGINT, signal.SIGTERM]
    before = [signal.signal(name, lambda *_: _interrupt(run)) for name in names]
    try:
        yield
    finally:
        for name, handler in zip(names, before, strict=True):
            signal.signal(name, handler)


def _interrupt(run: Run) -> None:
    run.interrupt()
    if run.interrupts == 1:
        text = "\nFinishing what is in flight; again to leave at once.\n"
        print(text, file=sys.stderr, end="")  # noqa: T201
