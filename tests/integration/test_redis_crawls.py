"""Several crawls in one Redis: a host has one budget, whoever asks; all else is each one's own."""

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from tests.contracts.bench import Bench, image, outcome, refused, urls
from tests.redis_crawls import Make, crawl, let_pass, some
from tests.redis_fixtures import RedisServer, redis_server

from bowerbird.errors import SessionGoneError
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.rules import Rules
from bowerbird.model import Kind, Robots, State, Verb
from bowerbird.testing import ManualClock

__all__ = ["crawl", "redis_server"]

FORBID = Robots(verdict="text", text="User-agent: *\nDisallow: /no")


def test_a_crawl_that_is_paused_binds_no_other_until_it_goes_on(crawl: Make) -> None:
    wide, narrow = crawl(per_host=8), crawl(per_host=1, delay_s=5.0)
    some(wide)
    some(narrow)
    one, other = wide.worker(), narrow.worker()
    other.done(other.lease())
    other.give_surplus()
    narrow.frontier.pause("for now")
    let_pass(6.0, wide, narrow)
    one.lease(4)
    assert (wide.slots(), set(one.delays.values())) == (4, {0.0})
    narrow.frontier.resume()
    some(narrow, 40)
    other.lease()
    one.give_surplus()
    assert set(one.delays.values()) == {5.0}


def test_the_strictest_limit_holds_for_all_while_its_crawl_has_tasks_there(crawl: Make) -> None:
    wide, narrow = crawl(per_host=8), crawl(per_host=2)
    some(wide)
    some(narrow, 2)
    one, other = wide.worker(), narrow.worker()
    other.lease()
    one.lease()
    assert wide.slots() + narrow.slots() <= 2
    other.done(list(other.leases))
    other.give_surplus()
    narrow.frontier.detach(other.session)
    narrow.workers.clear()
    one.give_surplus()
    one.done(one.leases[:1])
    one.lease()
    assert wide.slots() > 2


def test_a_delay_of_one_crawl_spaces_the_others_requests(crawl: Make) -> None:
    slow, fast = crawl(delay_s=10.0), crawl()
    some(slow)
    some(fast)
    first, second = slow.worker(), fast.worker()
    (lease, *_) = first.lease(1)
    assert first.slots == {"a.test": 1}
    second.lease()
    assert second.slots.get("a.test", 0) == 0
    first.done([lease])
    first.give_surplus()
    let_pass(9.0, slow, fast)
    second.lease()
    assert second.slots.get("a.test", 0) == 0
    let_pass(1.5, slow, fast)
    second.lease()
    second.beat()
    assert second.slots == {"a.test": 1}
    assert second.delays == {"a.test": 10.0}


def test_a_crawl_that_obeys_shorter_delays_hurries_no_other(crawl: Make) -> None:
    patient = crawl(obey_robots=True)
    hasty = crawl(obey_robots=True, max_crawl_delay_s=5.0)
    some(patient, 2)
    some(hasty, 2)
    worker = hasty.worker()
    (lease,) = worker.lease()
    text = "User-agent: *\nCrawl-delay: 60\n"
    worker.finish(outcome(lease, robots=Robots(verdict="text", text=text)))

    assert [one.delay_s for one in hasty.frontier.hosts()] == [5.0]
    assert [one.delay_s for one in patient.frontier.hosts()] == [60.0]
    patient.worker().lease()  # from its turn on, its rules count for all
    assert [one.delay_s for one in hasty.frontier.hosts()] == [60.0]


def test_a_slot_given_back_in_one_crawl_wakes_the_other(crawl: Make) -> None:
    first, second = crawl(per_host=1), crawl(per_host=1)
    some(first, 1)
    some(second, 1)
    one, other = first.worker(), second.worker()
    one.done(one.lease())
    assert other.lease() == []
    one.give_surplus()
    assert urls(other.lease()) == ["http://a.test/0"]


def test_robots_texts_are_shared_and_obedience_is_not(crawl: Make) -> None:
    good, bad = crawl(obey_robots=True), crawl()
    for bench in (good, bad):
        bench.add(image("no/1"), image("yes"))
    worker = good.worker()
    (gate,) = worker.lease()
    assert gate.task.kind is Kind.ROBOTS
    worker.finish(outcome(gate, robots=FORBID))
    assert urls(worker.lease()) == ["http://a.test/yes"]
    assert sorted(bad.crawl(bad.worker())) == ["http://a.test/no/1", "http://a.test/yes"]
    third = crawl(obey_robots=True)
    third.add(image("yes"), image("no/2"))
    other = third.worker()
    (gate,) = other.lease()
    assert gate.task.kind is Kind.ROBOTS, "it names sitemaps, which are each crawl's own to find"
    other.finish(outcome(gate, Verb.DEAD, reason="http-503"))
    assert urls(other.lease()) == ["http://a.test/yes"], "what was known of it stands"
    assert third.dead() == {"robots": 1}


def test_slots_of_a_dead_worker_are_freed_by_another_crawls_calls(crawl: Make) -> None:
    first, second = crawl(per_host=1), crawl(per_host=1)
    some(first, 1)
    some(second, 1)
    dead = first.worker()
    assert len(dead.lease()) == 1
    first.workers.clear()
    other = second.worker()
    assert other.lease() == []
    let_pass(9.0, second)
    assert other.lease() == [], "a request of the dead may still be under way"
    let_pass(1.5, second)
    assert len(other.lease()) == 1
    with pytest.raises(SessionGoneError):
        first.frontier.beat(dead.session)
    second.frontier.detach(other.session)
    assert len(first.worker().lease()) == 1, "its lease went back with a call of its own crawl"


def test_a_host_is_down_for_all(crawl: Make) -> None:
    first, second = crawl(), crawl()
    some(first)
    some(second)
    worker = first.worker()
    for lease in worker.lease()[:5]:
        worker.finish(refused(lease))
    assert second.worker().lease() == []


def _one_of_a_pair(
    server: RedisServer, number: int, limit: int, clock: ManualClock, partitions: int
) -> Bench:
    rules = Rules(per_host=limit, obey_robots=False)
    address = server.address(f"pair{number}&partitions={partitions}")
    return Bench(RedisFrontier(address, rules, clock), clock)


def _has_tasks(bench: Bench) -> bool:
    stats = bench.frontier.stats()
    return bool(stats.leased or stats.waiting)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    limits=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    partitions=st.sampled_from([1, 4]),
    steps=st.lists(st.tuples(st.integers(0, 7), st.integers(1, 6)), min_size=20, max_size=80),
)
def test_two_crawls_with_four_workers_each_stay_within_one_budget(
    redis_server: RedisServer, limits: tuple[int, int], partitions: int,
    steps: list[tuple[int, int]],
) -> None:  # fmt: skip
    with redis_server.client() as client:
        client.flushall()
    clock = ManualClock()
    pair = [
        _one_of_a_pair(redis_server, n, limit, clock, partitions) for n, limit in enumerate(limits)
    ]
    for bench in pair:
        some(bench, 40)
    workers = [pair[n % 2].worker() for n in range(8)]
    workers[limits.index(min(limits))].lease(1)  # a crawl is reckoned with from its first lease on
    for who, many in steps:
        worker = workers[who]
        worker.lease(many)
        working = [limit for bench, limit in zip(pair, limits, strict=True) if _has_tasks(bench)]
        assert sum(bench.slots() for bench in pair) <= min(working, default=max(limits))
        worker.done(worker.leases[: worker.slots.get("a.test", 0)])
        worker.give_surplus()
        clock.advance(0.125)
    for bench in pair:
        assert bench.frontier.audit() == []
        assert bench.frontier.stats().state is State.RUNNING or not bench.frontier.stats().waiting
        bench.frontier.close()
