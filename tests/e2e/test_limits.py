"""Limits of rate, bytes and time hold, are named as the reason, and the same command goes on."""

from pathlib import Path
from random import Random

import pytest

from tests.bird import bird, records_of
from tests.web import PNG, Answer, Answers, Web, images_of, noisy_png, serve


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def gallery(images: int, side: int) -> Answers:
    dice = Random(7)
    shown = "".join(f'<img src="/i{n}.png">' for n in range(images))
    answers: Answers = {"/p0": Answer(f"<title>all</title>{shown}".encode())}
    for n in range(images):
        answers[f"/i{n}.png"] = Answer(noisy_png(dice.randbytes, side), PNG)
    return answers


def crawled(web: Web, out: Path, *more: object) -> tuple[object, ...]:
    return ("crawl", f"{web.url}/p0", "-o", out, "--json", "--delay", "0", *more)


def test_the_rate_is_kept_by_all_workers_together(out):
    rate, burst_s = 400_000, 0.25
    with serve(gallery(12, 150)) as web:
        ran = bird(*crawled(web, out, "--max-rate", rate, "--workers", 2))

        assert ran.status == 0
        assert ran.report["failures"] == {}
        # What is in a socket's buffer when the rate is spent may still come.
        assert ran.report["seconds"] >= (ran.report["bytes"] / rate - 2 * burst_s) / 2
        assert ran.report["images"] == 12


@pytest.mark.parametrize(
    ("limit", "value"), [("--max-total-bytes", "150k"), ("--max-time", "0.5s")]
)
def test_a_limit_stops_with_its_name_and_the_same_command_goes_on(out, limit, value):
    answers = gallery(24, 100)
    with serve(answers, pause_s=0.2) as web:
        first = bird(*crawled(web, out, limit, value))
        rest = bird(*crawled(web, out, "--max-total-bytes", "100M", "--max-time", "1h"))

        assert first.status == 0
        assert first.report["reason"] == f"{limit} reached"
        assert first.report["waiting"] > 0
        assert rest.report["state"] == "ended"
        assert rest.report["failures"] == {}
        assert len(records_of(out)) == len(images_of(web.answers))
