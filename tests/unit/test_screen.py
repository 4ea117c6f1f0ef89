"""The full-screen view: everything of weight is on it, at any size of terminal."""

import pytest
from rich.console import Console

from bowerbird.app.history import History
from bowerbird.app.status import Status
from bowerbird.app.watch import Moment
from bowerbird.cli.screen import Screenful, chart, resampled, shares
from bowerbird.manager.progress import Meter
from bowerbird.model import HostRow, State, Stats, WorkerInfo, WorkerRow


def moment(trouble: str = "") -> Moment:
    stats = Stats(
        state=State.RUNNING, waiting={"image": 40}, leased=2, done={"image": 57},
        dead={"http-404": 3, "dns-failed": 1}, records=57, bytes=5_000_000, hosts=30,
    )  # fmt: skip
    hosts = [HostRow(host=f"host-{n}.example", waiting=n, delay_s=0.5) for n in range(20)]
    hosts[0] = HostRow(host="[red]evil[/red]\x1b[2J.example", waiting=9, robots="forbid")
    workers = [
        WorkerRow(worker=WorkerInfo(name=f"worker-{n}"), session="s", finished=n) for n in range(9)
    ]
    progress = Meter(0.0).look(stats, 10.0, hosts, workers)
    status = Status(folder="/some/where", running=True, stats=stats, hosts=hosts, workers=workers)
    return Moment(number=1, at_s=100.0, status=status, progress=progress, trouble=trouble)


def drawn(width: int, height: int, of: Moment) -> list[str]:
    history = History()
    for second in range(60):
        history.add(40.0 + second, Stats(state=State.RUNNING, records=second * 5))
    console = Console(width=width, height=height, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    console.print(Screenful(of, history), height=height)
    console.file.close()
    return console.export_text().split("\n")


@pytest.mark.parametrize(("width", "height"), [(100, 40), (80, 24), (200, 60), (60, 14)])
def test_it_fits_whatever_terminal_there_is(width: int, height: int) -> None:
    lines = drawn(width, height, moment())

    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    assert "/some/where" in lines[0]
    assert "57 images" in lines[1]
    assert "q leaves" in lines[-1]


def test_failures_hosts_and_workers_share_the_room() -> None:
    text = "\n".join(drawn(100, 30, moment()))

    for part in ("4 failed", "http-404", "30 hosts", "host-1.example", "9 workers", "worker-8"):
        assert part in text


def test_names_of_strangers_are_text_and_move_no_cursor() -> None:
    text = "\n".join(drawn(120, 50, moment()))

    assert "[red]evil" in text
    assert "\x1b" not in text
    assert "robots.txt forbids" in text


def test_what_is_wrong_is_said_under_what_was_seen_last() -> None:
    lines = drawn(80, 24, moment(trouble="The manager has gone."))

    assert "57 images" in lines[1]
    assert "The manager has gone." in lines[-1]


def test_before_the_first_look_it_says_so() -> None:
    assert "Looking" in drawn(80, 24, Moment())[0]


def test_a_chart_has_its_highest_point_at_its_upper_edge() -> None:
    assert chart([0, 1, 2], 1) == [" ▄█"]
    assert chart([0, 1, 2], 2) == ["  █", " ██"]
    assert chart([], 2) == ["", ""]


def test_points_fall_into_the_columns_of_their_time() -> None:
    assert resampled([90.0, 97.0, 98.5, 99.5], [9.0, 4.0, 2.0, 4.0], 100.0, 3) == [0.0, 4.0, 3.0]


def test_no_table_takes_the_room_of_another() -> None:
    assert shares([50, 2, 50], 30) == [13, 2, 12]
    assert shares([1, 0, 1], 30) == [1, 0, 1]
    assert shares([5, 5, 5], 2) == [0, 0, 0]
