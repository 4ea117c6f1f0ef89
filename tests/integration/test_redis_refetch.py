"""Records of a crawl in Redis that are forgotten: once each, and what comes anew stands."""

from pathlib import Path

import msgspec
import pytest
from tests.contracts.bench import PLAIN, Bench, Worker, image, outcome, page, record
from tests.redis_fixtures import RedisServer, redis_server

from bowerbird.catalog.segment import Segment
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.redis.refetch import Anew
from bowerbird.manager.chronicle import Chronicle
from bowerbird.manager.harvest import joined
from bowerbird.model import Held, Holder, Lease, Outcome, Record, State
from bowerbird.store.segments import SegmentName
from bowerbird.testing import ManualClock

__all__ = ["redis_server"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=[1, 4], ids=["whole", "divided"])
def frontier(
    redis_server: RedisServer, clock: ManualClock, request: pytest.FixtureRequest
) -> RedisFrontier:
    with redis_server.client() as client:
        client.flushall()
    return RedisFrontier(redis_server.address(f"test&partitions={request.param}"), PLAIN, clock)


@pytest.fixture
def bench(frontier: RedisFrontier, clock: ManualClock) -> Bench:
    return Bench(frontier, clock)


def fetched(url: str, at: float) -> Record:
    return msgspec.structs.replace(record(url), fetched_at=at)


def fetch_all(worker: Worker, at: float = 1.0) -> list[str]:
    def stored(lease: Lease) -> Outcome:
        return outcome(lease, records=(fetched(lease.task.url, at),))

    urls: list[str] = []
    while leases := worker.lease():
        urls += [lease.task.url for lease in leases]
        assert all(worker.finish(*map(stored, leases)))
    return urls


def anew(path: str, at: float = 1.0) -> Anew:
    task = image(path)
    return Anew(task, [fetched(task.url, at)])


def test_what_is_forgotten_waits_once_however_often_that_is_asked_for(frontier, bench):
    bench.add(*[image(f"{n}") for n in range(700)])
    worker = bench.worker()
    fetch_all(worker)
    bad = [anew(f"{n}") for n in range(0, 600, 2)]

    # An answer that was lost: the same call again.
    assert [frontier.refetch(bad), frontier.refetch(bad), frontier.refetch([anew("x")])] == [
        300, 0, 0,
    ]  # fmt: skip
    stats = frontier.stats()
    assert (stats.done, stats.waiting, stats.state) == (
        {"image": 400}, {"image": 300}, State.RUNNING,
    )  # fmt: skip
    assert frontier.audit() == []
    assert sorted(fetch_all(worker, 2.0)) == sorted(one.task.url for one in bad)
    assert frontier.stats().records == 700 - 1  # "x" was nowhere, and is not counted any more
    # It was fetched anew, and is bad once more.
    assert frontier.refetch([anew("0", 2.0)]) == 1
    assert frontier.audit() == []


def test_images_of_one_page_come_back_with_one_visit(frontier, bench):
    bench.add(page("1"))
    worker = bench.worker()
    urls = [f"data:image/png;sha256,{n}" for n in range(2)]
    (lease,) = worker.lease()
    worker.finish(outcome(lease, records=tuple(map(record, urls))))
    frontier.pause("asked for")

    assert frontier.refetch([Anew(page("1"), [record(url) for url in urls])]) == 1
    assert (frontier.stats().records, frontier.stats().state) == (0, State.PAUSED)
    frontier.resume()
    (lease,) = worker.lease()
    worker.finish(outcome(lease, records=tuple(fetched(url, 2.0) for url in urls)))
    assert (frontier.stats().records, frontier.stats().bytes) == (2, 20)
    assert frontier.audit() == []


def test_in_one_segment_the_record_that_was_fetched_anew_stands(frontier, bench, tmp_path: Path):
    bench.add(image("1"), image("2"))
    worker = bench.worker()
    fetch_all(worker)
    moved = Holder(folder="file://far/images#1", path="images/ab/ab.jpg")
    held = Held(final_url="http://a.test/1", sha256="ab" * 32, holder=moved)
    frontier.held([held])
    first = frontier.results()
    frontier.refetch([anew("1")])
    frontier.held([msgspec.structs.replace(held, final_url="http://a.test/2")])
    fetch_all(worker, 2.0)
    whole, rest = frontier.results(), frontier.results(first.cursor)

    for number, stretches in enumerate(([first, rest], [whole])):
        chronicle = Chronicle(tmp_path / f"{number}.db")
        segment = Segment(crawl="c", number=1, after="", results=joined(stretches))
        for _ in range(2):  # a segment may be taken in twice
            chronicle.apply(segment, SegmentName(1, 1))
        found = {one.record.final_url: one.record for one in chronicle.page(0, 10)}
        chronicle.close()
        assert {url[-1]: one.fetched_at for url, one in found.items()} == {"1": 2.0, "2": 1.0}
        assert {url[-1]: len(one.holders) for url, one in found.items()} == {"1": 1, "2": 2}
