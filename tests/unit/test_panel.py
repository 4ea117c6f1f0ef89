"""The live display with workers of other machines: 80 columns, whatever they are called."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from bowerbird._version import __version__
from bowerbird.cli import status
from bowerbird.cli.panel import WORKERS, mood_of_host, panel
from bowerbird.cli.show import Lines
from bowerbird.manager.progress import Progress
from bowerbird.model import OLD_STYLE, HostRow, State, Stats, WorkerInfo, WorkerRow


def worker(number: int, **more: object) -> WorkerRow:
    info = WorkerInfo(
        name=f"[red]a-machine-with-a-long-name-{number}-1234-abcdef",
        version=str(more.pop("version", __version__)),
        address=f"[2001:db8:1234:5678::{number}]:40123" if number % 2 else f"10.0.0.{number}:4",
        local=bool(more.pop("local", False)),
    )
    return WorkerRow(
        worker=info, session=str(number), leased=number, finished=100 * number, attached_s=100.0,
        **more,
    )  # fmt: skip


def progress_with(*workers: WorkerRow, seconds: float = 1.0) -> Progress:
    return Progress(
        stats=Stats(state=State.RUNNING), seconds=seconds, images_per_s=0, bytes_per_s=0,
        tasks_per_s=0, eta_s=None, workers=workers,
    )  # fmt: skip


def shown(*workers: WorkerRow) -> list[str]:
    return panel_text(progress_with(*workers)).splitlines()


def panel_text(progress: Progress) -> str:
    text = io.StringIO()
    Console(file=text, width=80, force_terminal=False).print(panel(progress))
    return text.getvalue()


def test_of_many_workers_the_busiest_are_shown_and_all_are_counted():
    lines = shown(*map(worker, range(60)))
    listed = [line for line in lines if "taken" in line]
    assert [line.split(" taken")[0].split()[-1] for line in listed] == ["59", "58", "57", "56"]
    assert len(listed) == WORKERS
    assert lines[-1].startswith("60 workers")
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("odd", "word"),
    [({"version": "0.0.1"}, "version 0.0.1"), ({"clock_off_s": 75.0}, "clock +1 min 15 s"),
     ({"clock_off_s": -6.0}, "clock -6.00 s"), ({"last_seen_s": 7.0}, "silent 7.00 s")],
)  # fmt: skip
def test_what_is_odd_about_a_worker_is_said_beside_it(odd, word):
    lines = shown(worker(7, **odd))
    assert any(word in line for line in lines)
    assert "1 worker · 1 with a remark" in lines[-1]


def test_a_clock_that_is_off_by_little_is_not_worth_a_word():
    assert shown(worker(7, clock_off_s=4.0))[-1] == "1 worker"


def test_clients_of_the_standard_library_are_of_no_version_and_no_remark():
    assert shown(worker(7, version=OLD_STYLE))[-1] == "1 worker"


def test_a_client_of_the_standard_library_is_one_however_many_tasks_it_has_taken():
    def held(client: int, number: int) -> WorkerRow:
        info = WorkerInfo(
            name=f"old-style-1a2b3c-{client}.{number}", version=OLD_STYLE, address="10.0.0.1:4",
            local=False,
        )  # fmt: skip
        return WorkerRow(worker=info, session=str(number), leased=1, attached_s=9.0)

    lines = shown(held(5, 1), held(5, 2), held(5, 3), held(6, 4), worker(0))
    assert lines[-1] == "3 workers"
    assert [line.split() for line in lines if line.startswith("old-style-1a2b3c-5")] == [
        ["old-style-1a2b3c-5", "10.0.0.1", "3", "taken", "0.0/s"]
    ]


def test_names_are_text_and_no_commands_to_the_display():
    assert any("[red]a-machine" in line for line in shown(worker(8)))


def test_local_workers_alone_take_no_room():
    assert not any("worker" in line for line in shown(worker(1, local=True)))


def test_plain_lines_say_once_what_is_odd_about_a_worker_that_has_joined(capsys):
    lines, odd = Lines(), worker(7, version="0.0.1")
    for seconds in (1.0, 2.0, 100.0):
        lines.tell(progress_with(worker(8), odd, seconds=seconds))
    said = capsys.readouterr().err.splitlines()
    assert sum("version 0.0.1" in line for line in said) == 1
    assert "[2001:db8:1234:5678::7]:40123" in said[0]
    assert "2 workers" in said[-1]


@pytest.mark.parametrize(
    ("state", "hold_s", "words"),
    [
        ("held", 90.0, "held 1 min 30 s (http-429)"),
        ("down", 0.0, "down (http-429)"),
        ("up", 0.0, ""),
    ],
)
def test_why_a_host_is_held_or_down_is_said_on_the_terminal_too(state, hold_s, words) -> None:
    why = "http-429" if words else ""
    row = HostRow(host="a.test", state=state, hold_s=hold_s, why=why)
    assert mood_of_host(row) == words
    assert words in status._host(row)


@pytest.mark.parametrize(
    ("waiting", "word"),
    [({"page": 3, "image": 0}, "stopped"), ({"page": 0}, "ended"), ({}, "ended")],
)
def test_a_crawl_that_was_stopped_before_its_end_is_not_said_to_have_ended(waiting, word) -> None:
    stats = Stats(state=State.ENDED, waiting=waiting)
    progress = replace(progress_with(), stats=stats)
    assert progress.phase == word
    assert word in panel_text(progress)
