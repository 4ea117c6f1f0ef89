"""The verdict on a random web sees what it is there to see."""

import msgspec
import pytest
from tests.random_web import Asked, RandomWeb, Truth, Verdict, compare, make

from bowerbird.model import Record


@pytest.fixture
def web() -> RandomWeb:
    return RandomWeb(make(seed=1, hosts=4, pages=20, images=60), 0.0, None)


def truth_of(web: RandomWeb) -> Truth:
    return web.world.truth


def honest_records(web: RandomWeb) -> list[Record]:
    return [
        Record(
            url=web.url(key), final_url=web.url(key), status=200, type="png", width=8, height=8,
            bytes=1, sha256=sha256, fetched_at=0.0,
        )
        for key, sha256 in truth_of(web).images.items()
    ]  # fmt: skip


def honest_log(web: RandomWeb) -> list[Asked]:
    keys = [key for key, times in truth_of(web).allowed.items() for _ in range(times)]
    return [Asked(key, n, n + 0.5, 200) for n, key in enumerate(keys)]


def judged(web: RandomWeb, records: list[Record], log: list[Asked]) -> Verdict:
    return compare(web, records, log)


def test_an_honest_crawl_is_whole(web):
    judged(web, honest_records(web), honest_log(web)).assert_whole(per_host=1)


def test_each_fault_turns_it_red(web):
    records, log = honest_records(web), honest_log(web)
    first, forbidden = records[0], next(iter(truth_of(web).forbidden))
    other = msgspec.structs.replace(first, final_url=web.url("127.77.0.1/never.png"))
    changed = msgspec.structs.replace(first, sha256="0" * 64)
    for spoiled in (
        judged(web, records[1:], log),
        judged(web, [*records, first], log),
        judged(web, [*records, other], log),
        judged(web, [changed, *records[1:]], log),
        judged(web, records, [*log, Asked(forbidden, 9e9, 9e9, 200)]),
        judged(web, records, [*log, Asked("127.77.0.1/never", 9e9, 9e9, 404)]),
        judged(web, records, log[1:]),
        judged(web, records, [*log, log[0]]),
    ):
        with pytest.raises(AssertionError):
            spoiled.assert_whole()


def test_gaps_and_what_is_in_flight_are_those_of_each_host(web):
    log = [Asked("a/1", 1.0, 5.0), Asked("b/1", 1.1, 1.2), Asked("a/2", 1.5, 2.0)]
    verdict = judged(web, [], log)
    assert verdict.smallest_gap_s == {"a": 0.5, "b": float("inf")}
    assert verdict.most_in_flight == {"a": 2, "b": 1}


def test_a_seed_makes_the_same_world_each_time_and_another_makes_another():
    assert make(3, 5, 20, 40) == make(3, 5, 20, 40)
    assert make(3, 5, 20, 40) != make(4, 5, 20, 40)
