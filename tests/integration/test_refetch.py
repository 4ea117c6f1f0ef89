"""What was stored and is bad or gone is fetched anew, and nothing else is."""

from pathlib import Path

import msgspec
import pytest
from tests.contracts.bench import PLAIN, Bench, Worker, image, outcome, page, record, urls

from bowerbird.frontier.local import LocalFrontier
from bowerbird.frontier.memory import MemoryFrontier
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.model import Lease, Outcome, Place, Sighting, State, Verb
from bowerbird.testing import ManualClock


@pytest.fixture(params=["memory", "sqlite"])
def frontier(request: pytest.FixtureRequest, tmp_path: Path) -> LocalFrontier:
    clock = ManualClock()
    if request.param == "memory":
        return MemoryFrontier(PLAIN, clock)
    return SqliteFrontier(tmp_path / "crawl.db", PLAIN, clock)


@pytest.fixture
def bench(frontier: LocalFrontier) -> Bench:
    return Bench(frontier, ManualClock())


def stored(lease: Lease) -> Outcome:
    return outcome(lease, records=(record(lease.task.url),))


def fetch_all(worker: Worker) -> list[str]:
    fetched: list[str] = []
    while leases := worker.lease():
        fetched += [lease.task.url for lease in leases]
        assert all(worker.finish(*map(stored, leases)))
    return fetched


def test_forgotten_records_wait_again_and_come_back_once(frontier, bench):
    bench.add(*[image(f"{n}") for n in range(5)])
    worker = bench.worker()
    fetch_all(worker)
    cursor = frontier.results().cursor

    assert frontier.refetch(["http://a.test/1", "http://a.test/3", "http://a.test/never"]) == 2

    stats = frontier.stats()
    assert (stats.records, stats.bytes, stats.done, stats.waiting) == (
        3, 30, {"image": 3}, {"image": 2},
    )  # fmt: skip
    assert stats.state is State.RUNNING
    assert frontier.audit() == []
    assert sorted(fetch_all(worker)) == ["http://a.test/1", "http://a.test/3"]
    assert frontier.stats().records == 5
    again = [one.final_url for one in frontier.results(cursor).records]
    assert sorted(again) == ["http://a.test/1", "http://a.test/3"]
    assert frontier.audit() == []


def test_what_moved_to_a_bad_image_is_not_asked_again(frontier, bench):
    bench.add(image("old"))
    worker = bench.worker()
    (lease,) = worker.lease()
    target = image("new", hops=1, first_url="http://a.test/old")
    worker.finish(outcome(lease, Verb.MOVED, moved=target, status=302))
    fetch_all(worker)

    assert frontier.refetch(["http://a.test/old", "http://a.test/new"]) == 1
    assert fetch_all(worker) == ["http://a.test/new"]
    assert frontier.audit() == []


def test_an_image_inside_a_page_comes_back_with_its_page(frontier, bench):
    bench.add(page("1"), page("2"))
    worker = bench.worker()
    url = "data:image/png;sha256,ab"
    for lease in worker.lease():
        seen = Sighting(image_url=url, page_url=lease.task.url, place=Place.DATA)
        more = {"records": (record(url),), "sightings": (seen,)} if "1" in lease.task.url else {}
        worker.finish(outcome(lease, **more))

    assert frontier.refetch([url]) == 1
    assert frontier.stats().records == 0
    assert [lease.task.url for lease in worker.lease()] == ["http://a.test/1"]
    assert frontier.audit() == []


def test_a_pause_outlasts_it_and_an_ended_crawl_goes_on(frontier, bench):
    bench.add(image("1"))
    worker = bench.worker()
    fetch_all(worker)
    assert frontier.stats().state is State.ENDED
    frontier.pause("asked for")

    frontier.refetch(["http://a.test/1"])
    assert frontier.stats().state is State.PAUSED
    frontier.resume()
    assert fetch_all(worker) == ["http://a.test/1"]
    assert frontier.stats().state is State.ENDED


def test_what_a_limit_had_set_aside_is_woken():
    rules = msgspec.structs.replace(PLAIN, max_images=1)
    bench = Bench(MemoryFrontier(rules), ManualClock())
    worker = bench.worker()
    bench.add(page("1"))
    (lease,) = worker.lease()
    seen = Sighting(image_url="data:1", page_url=lease.task.url, place=Place.IMG)
    worker.finish(outcome(lease, records=(record("data:1"),), sightings=(seen,)))
    bench.add(image("1", host="b.test"))
    assert worker.lease() == []

    assert bench.frontier.refetch(["data:1"]) == 1
    again = worker.lease()
    assert sorted(urls(again)) == ["http://a.test/1", "http://b.test/1"]
    assert bench.frontier.audit() == []


def test_it_survives_a_restart(tmp_path):
    clock = ManualClock()
    first = SqliteFrontier(tmp_path / "crawl.db", PLAIN, clock)
    bench = Bench(first, clock)
    bench.add(*[image(f"{n}") for n in range(3)])
    fetch_all(bench.worker())
    first.refetch(["http://a.test/2"])
    first.close()

    again = SqliteFrontier(tmp_path / "crawl.db", PLAIN, clock)
    assert again.audit() == []
    assert fetch_all(Bench(again, clock).worker()) == ["http://a.test/2"]
