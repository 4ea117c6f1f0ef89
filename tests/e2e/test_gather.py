"""Images that workers keep in folders of their own: known where they are, and brought together."""

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bowerbird.store import is_own
from tests.bird import bird, flying, records_of, wait_for
from tests.web import Answer, serve, tree

PAGES, IMAGES = 4, 6


class Fleet:
    """A manager with an address, and workers with folders of their own."""

    def __init__(self, base: Path) -> None:
        self.base, self.out, self.key = base, base / "out", base / "key"
        self.key.write_text("a key that nobody guesses\n")

    def crawl(self, url: str, *more: object) -> tuple[object, ...]:
        listen = ("--listen", "127.0.0.1:0", "--authkey-file", self.key, "--workers", 0)
        return ("crawl", f"{url}/p0", "-o", self.out, "--delay", "0", *listen, *more)

    def worker(self, address: str, name: str) -> tuple[object, ...]:
        key = ("--authkey-file", self.key, "--workers", 1, "--allow-private")
        return ("worker", address, "-o", self.base / name, *key)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


@pytest.fixture
def crawled(fleet: Fleet) -> Iterator[Fleet]:
    """A crawl whose images lie with two workers."""
    answers, joined = tree(PAGES, IMAGES), threading.Event()
    first = answers["/p0"]
    assert isinstance(first, Answer)

    def held_up() -> Answer:  # who joins late on a busy machine would wait for the next manager
        joined.wait(20.0)
        return first

    answers["/p0"] = held_up
    with serve(answers, pause_s=0.02) as web:
        with flying(*fleet.crawl(web.url)) as manager:
            address = address_of(manager)
            with (
                flying(*fleet.worker(address, "w1")) as one,
                flying(*fleet.worker(address, "w2")) as two,
            ):
                one.says("Joined")
                two.says("Joined")
                joined.set()
                assert [one.ended().status, two.ended().status] == [0, 0]
            ended = manager.ended()
            assert ended.status == 0
            assert "or an earlier manager's); `bowerbird gather" in ended.out
        yield fleet


def address_of(manager) -> str:
    return manager.says("  bowerbird worker ").split()[2]


def verified(fleet: Fleet, *more: object) -> dict:
    ran = bird("verify", fleet.out, "--json", *more)
    return {**ran.report, "status": ran.status}


def test_folders_that_were_moved_are_elsewhere_until_they_are_gathered(crawled):
    count = len(records_of(crawled.out))
    assert verified(crawled)["files"] > 0  # they lie on this machine, where their workers said

    mounted = [crawled.base / "mnt" / name for name in ("w1", "w2")]
    for place in mounted:
        shutil.move(crawled.base / place.name, place)
    away = verified(crawled)
    assert (away["status"], away["elsewhere"], away["bad"]) == (0, count, [])
    assert sum(away["away"].values()) == count

    there = [word for place in mounted for word in ("--folder", place)]
    assert (verified(crawled, *there)["elsewhere"], verified(crawled, *there)["bad"]) == (0, [])

    gathered = bird("gather", crawled.out, *mounted, "--json").report
    assert gathered["records"] == count
    assert (gathered["bad"], gathered["missing"], gathered["away"]) == (0, 0, {})
    for place in mounted:
        shutil.rmtree(place)
    assert (verified(crawled)["status"], verified(crawled)["elsewhere"]) == (0, 0)
    assert all(any(is_own(h.folder) for h in one.holders) for one in records_of(crawled.out))


def test_a_moved_fleets_images_have_readable_names_and_say_where_they_lie(crawled):
    count = len(records_of(crawled.out))
    listed = bird("export", crawled.out, "-f", "jsonl").out.splitlines()
    assert {json.loads(line)["folder"][:7] for line in listed} == {"file://"}

    assert f"{count} names made" in bird("export", crawled.out, "-f", "tree").err
    gathered = bird("gather", crawled.out, "--move")
    assert gathered.status == 0, gathered
    assert not list(crawled.base.glob("w?/images/*/*"))
    again = bird("export", crawled.out, "-f", "jsonl").out.splitlines()
    assert {json.loads(line)["folder"] for line in again} == {""}


def test_gather_goes_through_the_manager_while_one_runs(fleet):
    with (
        serve(tree(PAGES, IMAGES), pause_s=0.1) as web,
        flying(*fleet.crawl(web.url, "--per-host", 1)) as manager,
        flying(*fleet.worker(address_of(manager), "w1")) as worker,
    ):
        wait_for("images", lambda: len(list(fleet.base.glob("w1/images/*/*.png"))) > 3)
        assert bird("pause", fleet.out).status == 0
        early = bird("gather", fleet.out, "--json")
        assert early.status == 0, early
        assert bird("resume", fleet.out).out == "Going on.\n"  # a manager was at work
        assert worker.ended().status == 0
        assert manager.ended().status == 0
    late = bird("gather", fleet.out, "--json").report
    assert late["there"] >= early.report["files_linked"]
    assert (late["bad"], late["missing"]) == (0, 0)
    assert verified(fleet)["status"] == 0


def test_what_cannot_be_gathered_is_said(fleet, tmp_path):
    with serve(tree(1, 1)) as web:
        bird("crawl", f"{web.url}/p0", "-o", fleet.out)
    refused = bird("gather", fleet.out, tmp_path / "nowhere")
    assert (refused.status, "nowhere is no folder" in refused.err) == (2, True)
    assert bird("gather", tmp_path / "nothing").status == 2
    assert "here already" in bird("gather", fleet.out).out
