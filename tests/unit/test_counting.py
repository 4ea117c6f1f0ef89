"""Progress of what is counted: rate and time to go, and no line of what is soon over."""

from bowerbird.cli.counting import LINE_EVERY_S, CountLines


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_line_now_and_then_says_rate_and_time_to_go(capsys):
    clock = Clock()
    lines = CountLines("records", clock)

    lines.tell(100, 10_000)
    assert capsys.readouterr().err == ""  # soon over, as far as can be told

    clock.now += LINE_EVERY_S * 2
    lines.tell(2_000, 10_000)
    lines.tell(2_001, 10_000)
    assert capsys.readouterr().err == "2,000 of 10,000 records · 200/s · ETA 40 s\n"


def test_nothing_done_yet_has_no_time_to_go(capsys):
    clock = Clock()
    lines = CountLines("records", clock)
    clock.now += LINE_EVERY_S
    lines.tell(0, 10)
    assert capsys.readouterr().err == "0 of 10 records · 0/s\n"
