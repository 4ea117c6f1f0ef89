"""The harness sees: products broken on purpose turn it red. Else its green would mean nothing."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.chaos import torn
from tests.chaos.disks import Disk, UnableError, disk
from tests.chaos.nemesis import strike
from tests.chaos.power import cut_power
from tests.chaos.scene import Scene, scene, slip_in


def mended(crawl: Scene) -> None:
    """What starts from now on is whole."""
    crawl.environment = {}


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """Skips where none can be mounted."""
    with ExitStack() as stack:
        try:
            small = stack.enter_context(disk(folder, 64))
        except UnableError as error:
            pytest.skip(str(error))
        yield small


def test_a_durable_store_that_syncs_nothing_is_seen(tmp_path):
    with (
        small_disk(tmp_path) as small,
        scene(tmp_path, 1, 300, ("--durable",), out=small.at / "out",
              prepare=slip_in("no-sync")) as crawl,
    ):  # fmt: skip
        crawl.wait_for_requests(60)
        crawl.wait_for_promises()
        mended(crawl)
        cut_power(crawl, small)
        crawl.start()
        toll = crawl.drain("2", 1)

    assert toll.damaged


def test_a_database_that_syncs_nothing_is_seen(tmp_path):
    try:
        toll = torn.run(tmp_path, 1, 25, "unsynced")
    except UnableError as error:
        pytest.skip(str(error))

    assert toll.audit


def test_a_store_that_answers_before_its_file_has_its_name_is_seen(tmp_path):
    with scene(tmp_path, 1, 300, prepare=slip_in("row-before-rename")) as crawl:
        crawl.wait_for_requests(60)
        mended(crawl)
        strike(crawl, "kill manager and workers", random.Random(1), 0.0)
        toll = crawl.drain("2", 1)

    assert toll.damaged


def test_a_manager_that_answers_before_it_commits_is_seen(tmp_path):
    with scene(tmp_path, 1, 300, prepare=slip_in("early-answers")) as crawl:
        crawl.wait_for_requests(20)
        crawl.wait_for_promises()
        mended(crawl)
        strike(crawl, "kill manager and workers", random.Random(1), 0.0)
        toll = crawl.drain("2", 1)

    assert toll.lost | toll.undone


def test_workers_that_come_too_soon_are_seen(tmp_path):
    with scene(tmp_path, 1, 100, prepare=slip_in("hasty")) as crawl:
        toll = crawl.drain("2", 1)

    assert toll.gap_s < toll.rule_s
