"""A crawl whose frontier is in Redis, from outside: commands, workers, managers as processes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

import bowerbird
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.rules import Rules
from bowerbird.model import Kind, Task, WorkerInfo
from tests.bird import bird, flying, wait_for
from tests.engine_place import Place, records_in, urls_in
from tests.redis_fixtures import RedisServer, redis_server
from tests.web import Answer, Web, images_of, png, serve, tree

__all__ = ["redis_server"]


@pytest.fixture
def place(redis_server: RedisServer, tmp_path: Path) -> Place:
    with redis_server.client() as client:
        client.flushall()
    return Place(redis_server, tmp_path)


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


def test_one_worker_serves_several_crawls_and_ends_with_the_last(place: Place) -> None:
    other = place.server.address("other")
    with serve(tree(pages=60, images=4), pause_s=0.02) as web:
        command = (place.worker()[0], other, *place.worker()[1:])
        with flying(*command) as worker, flying(*place.crawl(web, "--workers", 0)) as first:
            place.engine = other
            ran = [
                bird(*place.crawl(web, "--workers", 0, out=place.base / "second")),
                first.ended(),
            ]
            helped = worker.ended()
        mixed = bird("worker", other, "tcp://127.0.0.1:1", "--authkey", "x")
    assert [one.status for one in (*ran, helped, mixed)] == [0, 0, 0, 2], helped.err
    assert [one.report["images"] for one in ran] == [241, 241]
    assert helped.report["images"] == 482


def test_a_crawl_that_is_named_twice_is_left_at_its_end(place: Place) -> None:
    with serve(tree(pages=2, images=1)) as web:
        bird(*place.crawl(web, "--workers", 1))
        helped = bird("worker", place.engine, *place.worker()[1:])
    assert helped.status == 0, helped.err
    assert "and 1 more" not in helped.err


def test_a_worker_that_has_met_no_crawl_speaks_of_no_place(place: Place) -> None:
    with flying("worker", place.engine) as worker:
        worker.says("There is no crawl")
        worker.interrupt()
        ran = worker.ended()
    assert (ran.status, "bucket" in ran.out, "/images" in ran.out) == (130, False, False), ran.out


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
    # From a machine that has no folder: the results are in Redis as long as there is room.
    place.out.rename(tmp_path / "elsewhere")
    assert sorted(bird("export", place.engine, "-f", "jsonl").out) == sorted(exported.out)


def test_a_crawl_in_partitions_outlives_its_manager_and_misses_nothing(place: Place) -> None:
    place.engine += "&partitions=8"
    answers: dict[str, Answer | Callable[[], Answer]] = {}
    with serve(answers, 0.03, "0.0.0.0") as web:
        web.url = web.url.replace("0.0.0.0", "127.0.0.1")
        wanted = _spread(answers, web, pages=40, hosts=12)
        with flying(*place.crawl(web, "--workers", 2, "--allow-private")) as manager:
            wait_for("some images", lambda: len(web.requests) > 60)
            manager.kill_group()
        ran = bird(*place.crawl(web, "--workers", 2, "--allow-private"))
        other = bird("status", place.engine.replace("=8", "=4"))
    assert (ran.status, ran.report["state"], ran.report["failures"]) == (0, "ended", {}), ran.err
    assert sorted(record.url for record in records_in(place.out)) == sorted(wanted)
    assert bird("verify", place.out).status == 0
    assert (other.status, "partitions=8" in other.err) == (2, True)
    frontier = RedisFrontier(place.engine)
    assert frontier.audit() == []
    frontier.close()


def _spread(answers: dict[str, Any], web: Web, pages: int, hosts: int) -> list[str]:
    """Pages of one host whose images are of many, so of many partitions; answers the images."""
    port, found = web.url.rpartition(":")[2], list[str]()
    for page in range(pages):
        images = [f"http://127.0.0.{(page + n) % hosts + 1}:{port}/i{page}.{n}" for n in range(3)]
        answers |= {f"/i{page}.{n}": Answer(png(page * 3 + n), "image/png") for n in range(3)}
        links = "".join(f'<a href="/p{n}">n</a>' for n in (2 * page + 1, 2 * page + 2) if n < pages)
        answers[f"/p{page}"] = Answer(
            f"{links}{''.join(f'<img src={one}>' for one in images)}".encode()
        )
        found += images
    return found


def test_pause_resume_and_stop_go_through_redis(place: Place) -> None:
    with (
        serve(tree(pages=300, images=4), pause_s=0.02) as web,
        flying(*place.crawl(web, "--workers", 1)) as manager,
    ):
        wait_for("some images", lambda: len(web.requests) > 40)
        web.pause_s = 1.0  # there is work left however long commands take to start
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
        none = bird("drop", place.engine)
        rows = bird("crawls", place.engine, "--json").report
        assert [row["name"] for row in rows] == ["birds"]
        left = place.server.client().keys("*other*")
        again = bird(*place.crawl(web, out=place.base / "other"))
    assert (none.status, "There is no crawl" in none.err, "Remove" in none.out) == (2, True, False)
    assert left == []
    assert again.status == 2
    assert "not in Redis" in again.err
    assert bird("status", place.engine).status == 2


def test_a_crawl_that_a_limit_has_ended_binds_no_other(place: Place) -> None:
    with serve(tree(pages=3, images=4)) as web:
        limits = ("--max-images", 1, "--per-host", 1, "--workers", 1)
        ran = bird(*place.crawl(web, *limits))
        other = RedisFrontier(place.server.address("other"), Rules(obey_robots=False, per_host=4))
        other.add([Task(url=f"{web.url}/{n}", kind=Kind.IMAGE) for n in range(9)])
        session = other.attach(WorkerInfo(name="w")).session
        slots = [grant.slots for grant in other.lease(session, 9).grants]
        other.close()
    assert ran.report["skipped"] > 0
    assert slots == [4]


def test_a_second_manager_is_told_of_the_first_and_takes_over_when_that_is_dead(
    place: Place,
) -> None:
    answers, anew = tree(pages=250, images=4), place.base / "anew"
    with serve(answers, pause_s=0.05) as web, flying(*place.worker("w", "--stay")) as worker:
        with flying(*place.crawl(web, "--workers", 0)) as first:
            wait_for("segments", lambda: len(list(place.out.glob(".bowerbird/segments/*/*"))) > 1)
            second = bird(*place.crawl(web, "--workers", 0, out=place.base / "second"))
            first.kill_group()
        shutil.rmtree(place.out)  # as on another machine
        ran = bird(*place.crawl(web, "--workers", 0, out=anew))
        worker.interrupt()
        worker.ended()
    assert second.status == 2
    assert f"process {first.process.pid} on" in second.err
    assert "Waiting up to" in ran.err
    assert ran.status == 0, ran.err
    assert urls_in(anew, web) == sorted(images_of(answers))
    assert ran.report["images"] == len(images_of(answers))


@pytest.mark.parametrize(
    ("engine", "status", "said"),
    [
        ("redis://127.0.0.1:1/0?crawl=x", 1, "cannot be reached"),
        ("redis://127.0.0.1:{port}/0", 2, "?crawl=NAME"),
        ("redis://127.0.0.1:{port}/0?crawl=a/b", 2, "no name of a crawl"),
        ("redis://127.0.0.1:{port}/99?crawl=x", 2, "no database"),
        ("redis://:secret-word@127.0.0.1:{port}/0?crawl=x", 2, "wants no password"),
        ("http://127.0.0.1:{port}/0?crawl=x", 2, "redis://"),
        ("redis://[::1:{port}/0?crawl=x", 2, "no address of Redis"),
    ],
)
def test_what_people_get_wrong_is_said_in_words(
    place: Place, engine: str, status: int, said: str
) -> None:
    place.engine = engine.format(port=place.server.port)
    ran = bird("crawl", "http://example.org/", "-o", place.out, "--engine", place.engine)
    assert ran.status == status
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert "secret-word" not in ran.err.replace(place.engine, "")


def test_the_name_of_a_crawl_and_its_folder_belong_together(place: Place) -> None:
    with serve(tree(pages=2, images=1)) as web:
        bird(*place.crawl(web, "--workers", 1))
        other = place.base / "other"
        taken = bird("crawl", "http://example.org/", "-o", other, "--engine", place.engine)
        bird("crawl", f"{web.url}/p0", "-o", place.base / "own", "--workers", 1)
        mixed = bird(*place.crawl(web, out=place.base / "own"))
        place.engine = place.server.address("another")
        moved = bird(*place.crawl(web))
        listened = bird(*place.crawl(web, "--listen", "127.0.0.1:0", out=other))
    for ran, said in (
        (taken, "belongs to a crawl of"), (mixed, "crawl of its own"),
        (moved, f"belongs to the crawl at {place.server.address('birds')}: name that"),
        (listened, "where workers join"),
    ):  # fmt: skip
        assert (ran.status, said in ran.err) == (2, True), ran.err


def test_a_crawl_that_is_refused_leaves_nothing_that_would_fix_partitions(place: Place) -> None:
    client, evicting = place.server.client(), "maxmemory-policy"
    with serve(tree(pages=2, images=1)) as web:
        bird("crawl", f"{web.url}/p0", "-o", place.base / "own", "--workers", 1)
        bird(*place.crawl(web, "--workers", 1))
        bird("drop", place.engine, "--yes")
        local, dropped = bird(*place.crawl(web, out=place.base / "own")), bird(*place.crawl(web))
        client.config_set(evicting, "allkeys-lru")
        evicted = bird(*place.crawl(web, out=place.base / "new"))
        left = [
            key for part in ("c:birds:*", "crawls", "division") for key in client.keys(f"*:{part}")
        ]
        client.config_set(evicting, "noeviction")
        place.engine += "&partitions=4"
        parted = bird(*place.crawl(web, "--workers", 1, out=place.base / "parted"))
    assert [one.status for one in (local, dropped, evicted, parted)] == [2, 2, 2, 0], parted.err
    assert left == []


def test_a_manager_waits_while_redis_has_no_memory_left(place: Place) -> None:
    answers, client = tree(pages=100, images=4), place.server.client()
    try:
        with (
            serve(answers, pause_s=0.02) as web,
            flying(*place.crawl(web, "--workers", 1)) as manager,
        ):
            wait_for("some images", lambda: len(web.requests) > 40)
            client.config_set("maxmemory", 1)
            said = manager.says("no memory left")
            client.config_set("maxmemory", 0)
            manager.says("going on")
            ran = manager.ended()
    finally:
        client.config_set("maxmemory", 0)
    assert "`bowerbird drop`" in said
    assert (ran.status, ran.report["state"], ran.err.count("no memory left")) == (0, "ended", 1)
    assert urls_in(place.out, web) == sorted(images_of(answers))


def test_a_manager_in_a_new_folder_counts_no_image_that_lies_in_the_old_one(place: Place) -> None:
    new, moved = place.base / "new", place.base / "moved"
    with serve(tree(pages=3, images=2)) as web:
        first = bird(*place.crawl(web, "--workers", 1))
        later = bird(*place.crawl(web, "--workers", 1, out=new))
        place.out.rename(moved)
        same = bird(*place.crawl(web, "--workers", 1, out=moved))
        gathered = bird("gather", new, moved)
        whole = bird(*place.crawl(web, "--workers", 1, out=new))
        told = bird(*[one for one in place.crawl(web, out=place.base / "last") if one != "--json"])
    assert gathered.status == 0, gathered.err
    files = first.report["files"]
    assert [one.report["files_away"] for one in (first, later, same, whole)] == [0, files, 0, 0]
    assert f"{files} files in other folders (workers', or an earlier manager's)" in told.out
    assert "/images" not in told.out


def test_a_password_comes_from_the_environment_or_a_file_and_stays_there(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = RedisServer(tmp_path / "locked", "--requirepass", "sesame-word").start()
    file = tmp_path / "password"
    file.write_text("sesame-word\n")
    place.engine = server.address("birds")
    try:
        with serve(tree(pages=2, images=1)) as web:
            refused = bird(*place.crawl(web))
            ran = bird(*place.crawl(web, "--workers", 1, "--authkey-file", file))
            monkeypatch.setenv("REDISCLI_AUTH", "sesame-word")
            place.engine = place.engine.replace("//", "//default@")
            said = bird(*place.crawl(web, "--workers", 1))
            assert f"bowerbird worker '{place.engine}'" in said.err
            place.engine = place.engine.replace("default@", "")
            again = bird("status", place.out)
            shown = bird("status", place.engine.replace("//", "//:sesame-word@"))
        assert (refused.status, ran.status, again.status) == (2, 0, 0)
        assert "warning: the password in the address" in shown.err
        assert "sesame" not in shown.out
        kept = [path.read_bytes() for path in place.out.rglob("*") if path.is_file()]
        in_redis = redis.Redis(port=server.port, password="sesame-word", protocol=2)
        kept.append(in_redis.get("bowerbird:{0}:c:birds:job"))
        assert not any(b"sesame" in one for one in kept)
    finally:
        server.kill()


def test_python_programs_name_an_engine_too(place: Place) -> None:
    with serve(tree(pages=3, images=1)) as web:
        records = list(
            bowerbird.watch(
                f"{web.url}/p0", out=place.out, engine=place.engine, workers=1, delay=0.0
            )
        )
        report = bowerbird.crawl(f"{web.url}/p0", out=place.out, engine=place.engine)
    assert len(records) == report.images == 4
