"""Counts as people are told them: by `status`, beside the bar, in the report."""

from bowerbird.app.status import Status
from bowerbird.catalog import Totals
from bowerbird.cli.show import line_of, summary
from bowerbird.cli.status import lines_of
from bowerbird.manager.progress import Progress
from bowerbird.manager.report import make_report
from bowerbird.model import HostRow, State, Stats, WorkerInfo, WorkerRow

STATS = Stats(
    state=State.RUNNING, records=1, bytes=99, skipped=26, counters={"pages": 1},
    dead={"http-404": 2, "too-small": 1_290, "robots": 1},
)  # fmt: skip


def status(stats: Stats, *, running: bool = False, **more: object) -> str:
    found = Status(folder="images", running=running, stats=stats, hosts=[], workers=[], **more)
    return "\n".join(lines_of(found))


def test_what_is_left_out_is_no_failure_anywhere():
    progress = Progress(
        stats=STATS, seconds=1, images_per_s=0, bytes_per_s=0, tasks_per_s=0, eta_s=None
    )
    text = status(STATS)

    assert "2 failed" in line_of(progress)
    assert "failed http-404 2\n" in text
    assert "left out too-small 1,290, robots 1\n" in text


def test_what_limits_leave_aside_is_told_by_status_too():
    assert "left aside by --max-pages or --max-images 26" in status(STATS)


def test_a_crawl_at_which_nobody_works_is_not_called_running():
    assert "images: unfinished, nobody is at work" in status(STATS)
    assert "images: running, a manager is at work" in status(STATS, running=True)


def test_tasks_that_wait_at_a_worker_are_not_called_in_flight():
    rows = [
        WorkerRow(worker=WorkerInfo(name="one", local=True, version="1"), session="1", leased=117)
    ]
    found = Status(folder="x", running=True, stats=STATS, hosts=[HostRow(host="h")], workers=rows)

    assert "    one, 1: 117 leased, 0 finished" in "\n".join(lines_of(found))


def test_one_is_not_plural():
    report = make_report(
        STATS, Stats(state=State.RUNNING), name="x", folder="x", seconds=1, state="ended",
        totals=Totals(records=1, bytes=99, files=1, sightings=1, redirections=0, deaths=2),
    )  # fmt: skip
    text = "\n".join(summary(report))

    assert "1 image," in text
    assert "note: 1 URL left out as robots.txt forbids" in text
    assert "1 file in" in text
    assert "1 page " in line_of(
        Progress(stats=STATS, seconds=1, images_per_s=0, bytes_per_s=0, tasks_per_s=0, eta_s=None)
    )
