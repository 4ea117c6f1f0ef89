"""The files of a crawl in Redis: bad ones fetched anew, those of other folders gathered."""

import json
import threading
from pathlib import Path

import pytest

from tests.bird import bird, flying, wait_for
from tests.engine_place import Place, records_in, urls_in
from tests.redis_fixtures import RedisServer, redis_server
from tests.web import Answer, images_of, serve, tree

__all__ = ["redis_server"]


@pytest.fixture
def place(redis_server: RedisServer, tmp_path: Path) -> Place:
    with redis_server.client() as client:
        client.flushall()
    return Place(redis_server, tmp_path)


def spoil(place: Place) -> list[str]:
    """One file is cut, one is gone; the URLs of all that had these bytes."""
    rows = [
        json.loads(line) for line in bird("export", place.engine, "-f", "jsonl").out.splitlines()
    ]
    cut, gone = (place.out / rows[n]["holders"][0]["path"] for n in (0, -1))
    cut.write_bytes(cut.read_bytes()[:-1])
    gone.unlink()
    return sorted(row["url"] for row in (rows[0], rows[-1]))


def stats(place: Place) -> dict:
    return json.loads(bird("status", place.engine, "--json").out)["stats"]


def test_bad_files_are_fetched_anew_once_and_nothing_else_is(place: Place) -> None:
    answers = tree(pages=20, images=3)
    with serve(answers) as web:
        bird(*place.crawl(web, "--workers", 1))
        before, asked = stats(place), len(web.requests)
        spoiled = spoil(place)
        repaired = bird("verify", place.out, "--repair")
        again = bird("verify", place.engine, "--repair")
        meanwhile = stats(place)
        asked = len(web.requests)
        ran = bird(*place.crawl(web, "--workers", 1))
        fetched = [one.path for one in web.requests[asked:] if one.path != "/robots.txt"]

    assert f"{len(spoiled)} to be fetched anew" in repaired.out, repaired.out + repaired.err
    assert again.status == 0, again.out + again.err  # what is forgotten is not bad
    assert meanwhile["state"] == "running"
    assert meanwhile["records"] == before["records"] - len(spoiled)
    assert ran.status == 0, ran.err
    assert sorted(web.url + path for path in fetched) == spoiled
    assert bird("verify", place.engine).status == 0
    after = stats(place)
    assert (after["records"], after["bytes"], after["done"]) == (
        before["records"], before["bytes"], before["done"],
    )  # fmt: skip
    assert urls_in(place.out, web) == sorted(images_of(answers))


def test_a_manager_at_work_has_bad_files_fetched_anew(place: Place) -> None:
    answers, mended = tree(pages=50, images=3), threading.Event()
    last = answers["/p49"]

    def held_up() -> Answer:  # so that the crawl goes on until all is mended
        mended.wait(60.0)
        assert isinstance(last, Answer)
        return last

    answers["/p49"] = held_up
    with serve(answers) as web, flying(*place.crawl(web, "--workers", 1)) as manager:
        wait_for("records", lambda: bird("export", place.engine, "-f", "jsonl").out)
        spoiled = spoil(place)
        repaired = bird("verify", place.engine, "--repair", "--json").report
        mended.set()
        ran = manager.ended()

    assert repaired["mended"] >= len(spoiled) > 0
    assert ran.status == 0, ran.err
    assert urls_in(place.out, web) == sorted(images_of(answers))
    assert bird("verify", place.out).status == 0


def test_files_of_workers_are_gathered_and_the_catalog_says_so_for_ever(place: Place) -> None:
    with serve(tree(pages=20, images=3)) as web:
        with flying(*place.worker()) as worker, flying(
            *place.crawl(web, "--workers", 0)
        ) as manager:  # fmt: skip
            ran, helped = manager.ended(), worker.ended()
        assert (ran.status, helped.status) == (0, 0), ran.err + helped.err
        gathered = bird("gather", place.out, "--json")
        assert gathered.report["files_linked"] > 0, gathered.err
        assert all(len(record.holders) == 2 for record in records_in(place.out))
        (place.out / "crawl.db").unlink()
        moved = bird("gather", place.engine, "--move", "--json")
        assert bird(*place.crawl(web, "--workers", 1)).status == 0

    assert moved.report["files_removed"] == gathered.report["files_linked"], moved.err
    assert {record.holders[0].folder for record in records_in(place.out)} == {str(place.out)}
    assert {len(record.holders) for record in records_in(place.out)} == {1}
    assert bird("verify", place.out).status == 0


def test_images_whose_records_wait_in_redis_are_not_taken_for_waste(place: Place) -> None:
    answers, killed = tree(pages=20, images=3), threading.Event()
    last = answers["/p19"]

    def held_up() -> Answer:  # so that the crawl goes on until nobody writes its catalog
        killed.wait(60.0)
        assert isinstance(last, Answer)
        return last

    answers["/p19"] = held_up
    with serve(answers) as web:
        with flying(*place.crawl(web, "--workers", 0)) as manager, flying(
            *place.worker("out")
        ) as worker:  # fmt: skip
            wait_for("records", lambda: bird("export", place.engine, "-f", "jsonl").out)
            manager.kill_group()
            killed.set()
            assert worker.ended().status == 0
        pruned = bird("verify", place.out, "--prune", "--json")
        exported = bird("export", place.out, "-f", "jsonl").out.splitlines()

    assert pruned.status == 0, pruned.out + pruned.err
    assert len(exported) == len(images_of(answers))
    assert bird("verify", place.out).status == 0


def test_without_redis_nothing_is_taken_for_waste_and_a_catalog_says_what_it_may_lack(
    place: Place,
) -> None:
    answers = tree(pages=5, images=2)
    with serve(answers) as web:
        bird(*place.crawl(web, "--workers", 1))
    assert bird("drop", place.engine, "--yes").status == 0
    (place.out / "images/stray.jpg").write_bytes(b"whose?")
    pruned = bird("verify", place.out, "--prune")
    exported = bird("export", place.out, "-f", "jsonl")
    status = bird("status", place.out)

    assert (status.status, "`export` find in" in status.err) == (2, True), status.err
    assert (pruned.status, "is left out" in pruned.err) == (2, True), pruned.err
    assert (place.out / "images/stray.jpg").exists()
    assert (exported.status, "is left out" in exported.err) == (0, True), exported.err
    assert len(exported.out.splitlines()) == len(images_of(answers))


def test_what_lies_in_the_folder_outlives_the_crawl_in_redis(place: Place) -> None:
    with serve(tree(pages=5, images=2)) as web:
        bird(*place.crawl(web, "--workers", 1))
    exported = bird("export", place.engine, "-f", "jsonl").out
    assert bird("drop", place.engine, "--yes").status == 0
    assert bird("verify", place.out).status == 0
    assert bird("export", place.out, "-f", "jsonl").out == exported

    (record, *_) = records_in(place.out)
    file = place.out / record.holders[0].path
    file.write_bytes(b"cut")
    assert bird("verify", place.out).status == 1
    for refused in (bird("verify", place.out, "--repair"), bird("gather", place.out)):
        assert (refused.status, "There is no crawl at" in refused.err) == (2, True), refused.err
    assert file.exists()  # nobody would bring it anew
