"""A crawl whose frontier is in Redis, from outside: commands, workers, managers as processes."""

import json
import shutil
from pathlib import Path

import pytest

from bowerbird.manager.chronicle import Chronicle
from bowerbird.model import Record
from tests.bird import bird, flying, wait_for
from tests.redis_fixtures import RedisServer, redis_server
from tests.web import Answer, Web, images_of, serve, tree

__all__ = ["redis_server"]


class Place:
    """A Redis of this test, and folders of those who work there."""

    def __init__(self, server: RedisServer, base: Path) -> None:
        self.server, self.base = server, base
        self.out = base / "out"
        self.engine = server.address("birds")

    def crawl(self, web: Web, *more: object, out: Path | None = None) -> tuple[object, ...]:
        return (
            "crawl", f"{web.url}/p0", "-o", out or self.out, "--engine", self.engine, "--json",
            "--delay", 0, "--per-host", 16, *more,
        )  # fmt: skip

    def worker(self, name: str = "w", *more: object) -> tuple[object, ...]:
        return (
            "worker", self.engine, "-o", self.base / name, "--json", "--workers", 1,
            "--allow-private", *more,
        )  # fmt: skip


@pytest.fixture
def place(redis_server: RedisServer, tmp_path: Path) -> Place:
    with redis_server.client() as client:
        client.flushall()
    return Place(redis_server, tmp_path)


def records_in(folder: Path) -> list[Record]:
    """What crawl.db says, and nothing else."""
    chronicle = Chronicle(folder / "crawl.db")
    try:
        return [entry.record for entry in chronicle.page(0, 10_000)]
    finally:
        chronicle.close()


def urls_in(folder: Path, web: Web) -> list[str]:
    return sorted(record.url.removeprefix(web.url) for record in records_in(folder))


def test_one_page_and_its_image_are_stored_and_the_crawl_ends(place: Place) -> None:
    with serve(tree(pages=1, images=0)) as web:
        ran = bird(*place.crawl(web, "--workers", 1))
        again = bird(*place.crawl(web, "--workers", 1))

    assert (ran.status, again.status) == (0, 0), ran.err
    assert (ran.report["images"], ran.report["state"]) == (1, "ended")
    assert (again.report["images"], again.report["new_images"]) == (1, 0)
    (record,) = records_in(place.out)
    assert (place.out / record.holders[0].path).stat().st_size == record.bytes


def test_workers_of_other_machines_need_nothing_but_the_address(place: Place) -> None:
    answers = tree(pages=60, images=4)
    with serve(answers, pause_s=0.01) as web, flying(*place.worker("early")) as early, flying(
        *place.crawl(web, "--workers", 0)
    ) as manager:  # fmt: skip
        ran, helped = manager.ended(), early.ended()

    assert (ran.status, helped.status) == (0, 0), ran.err + helped.err
    assert urls_in(place.out, web) == sorted(images_of(answers))
    assert helped.report["images"] == ran.report["images"]
    assert not (place.out / "images").exists()
    assert {record.holders[0].folder[:7] for record in records_in(place.out)} == {"file://"}


def test_commands_take_the_address_as_they_take_a_folder(place: Place, tmp_path: Path) -> None:
    answers = tree(pages=30, images=3)
    whole, answers["/p29"] = answers["/p29"], Answer(b"oh", status=500)
    with serve(answers) as web:
        bird(*place.crawl(web, "--workers", 1, "--retries", 0))
        state = json.loads(bird("status", place.engine, "--json").out)
        failed = state["stats"]["dead"]
        answers["/p29"] = whole
        retried = bird("retry", place.engine)
        assert json.loads(bird("status", place.out, "--json").out)["stats"]["state"] == "running"
        again = bird(*place.crawl(web, "--workers", 1))

    assert failed == {"http-500": 1}
    assert retried.out.startswith("1 put back")
    assert (again.status, again.report["failures"]) == (0, {})
    exported = bird("export", place.engine, "-f", "jsonl")
    assert exported.out == bird("export", place.out, "-f", "jsonl").out
    assert len(exported.out.splitlines()) == again.report["images"] == len(images_of(answers))
    for where in (place.engine, place.out):
        assert bird("verify", where).status == 0
        assert "segments" in bird("verify", where, "--repair").err
    # From a machine that has no folder: the results are in Redis as long as there is room.
    place.out.rename(tmp_path / "elsewhere")
    assert sorted(bird("export", place.engine, "-f", "jsonl").out) == sorted(exported.out)


def test_pause_resume_and_stop_go_through_redis(place: Place) -> None:
    with (
        serve(tree(pages=300, images=4), pause_s=0.02) as web,
        flying(*place.crawl(web, "--workers", 1)) as manager,
    ):
        wait_for("some images", lambda: len(web.requests) > 40)
        assert bird("pause", place.engine).status == 0
        assert "paused" in bird("status", place.engine).out
        assert bird("resume", place.engine).out.startswith("Going on")
        assert bird("stop", place.engine).status == 0
        ran = manager.ended()
    assert (ran.status, ran.report["reason"]) == (0, "asked for"), ran.err
    assert ran.report["waiting"] > 0


def test_crawls_are_listed_and_dropped(place: Place) -> None:
    with serve(tree(pages=3, images=1)) as web:
        bird(*place.crawl(web, "--workers", 1))
        place.engine = place.server.address("other")
        bird(*place.crawl(web, "--workers", 1, out=place.base / "other"))
        listed = bird("crawls", place.server.address("").partition("?")[0])
        assert [line.split()[:3] for line in listed.out.splitlines()[1:]] == [
            ["birds", "ended", "4"], ["other", "ended", "4"],
        ]  # fmt: skip
        assert bird("drop", place.engine, stdin="n\n").status == 130
        assert bird("drop", place.engine, "--yes").status == 0
        rows = bird("crawls", place.engine, "--json").report
        assert [row["name"] for row in rows] == ["birds"]
        left = place.server.client().keys("*other*")
        again = bird(*place.crawl(web, out=place.base / "other"))
    assert left == []
    assert again.status == 2
    assert "not in Redis" in again.err
    assert bird("status", place.engine).status == 2


def test_a_second_manager_is_told_of_the_first_and_waits_for_a_dead_one(place: Place) -> None:
    answers = tree(pages=200, images=4)
    with serve(answers, pause_s=0.06) as web:
        with flying(*place.crawl(web, "--workers", 1)) as first:
            wait_for("some images", lambda: len(web.requests) > 40)
            second = bird(*place.crawl(web, "--workers", 0, out=place.base / "second"))
            assert second.status == 2
            assert f"process {first.process.pid} on" in second.err
            first.kill_group()
        ran = bird(*place.crawl(web, "--workers", 2))
    assert ran.status == 0, ran.err
    assert "Waiting up to" in ran.err
    assert urls_in(place.out, web) == sorted(images_of(answers))


def test_a_manager_started_elsewhere_has_all_that_the_lost_one_had(place: Place) -> None:
    answers = tree(pages=250, images=4)
    with serve(answers, pause_s=0.05) as web, flying(*place.worker("w", "--stay")) as worker:
        with flying(*place.crawl(web, "--workers", 0)) as first:
            wait_for("segments", lambda: len(list(place.out.glob(".bowerbird/segments/*/*"))) > 1)
            first.kill_group()
        shutil.rmtree(place.out)
        ran = bird(*place.crawl(web, "--workers", 0, out=place.base / "anew"))
        worker.interrupt()
        worker.ended()
    assert ran.status == 0, ran.err
    assert urls_in(place.base / "anew", web) == sorted(images_of(answers))
    assert ran.report["images"] == len(images_of(answers))
