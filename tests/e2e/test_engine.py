"""A crawl whose frontier is in Redis, from outside: commands, workers, managers as processes."""

from pathlib import Path

import pytest

from bowerbird.manager.chronicle import Chronicle
from bowerbird.model import Record
from tests.bird import bird, flying
from tests.redis_fixtures import RedisServer, redis_server
from tests.web import Web, images_of, serve, tree

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
