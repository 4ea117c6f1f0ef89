"""A crawl that is over, or removed from Redis, leaves nothing there that would stay for ever."""

from typing import Any

import pytest
from tests.contracts.bench import Bench, image
from tests.redis_crawls import bench_at
from tests.redis_fixtures import RedisServer, redis_server

from bowerbird.app.crawls import drop
from bowerbird.errors import CrawlVanishedError
from bowerbird.frontier.redis.address import parse_redis
from bowerbird.frontier.redis.register import CatalogLostError, Chain, Manager, Posted, Register
from bowerbird.settings import Job, make_settings
from bowerbird.testing import ManualClock

__all__ = ["redis_server"]

NAMES = [f"{n}" for n in range(20)]


class Place:
    """One Redis, one clock, and crawls there."""

    def __init__(self, server: RedisServer, partitions: int) -> None:
        self.server, self.clock, self._partitions = server, ManualClock(), partitions

    def address(self, name: str) -> str:
        return self.server.address(f"{name}&partitions={self._partitions}")

    def crawl(self, name: str, **rules: Any) -> Bench:
        bench = bench_at(self.address(name), self.clock, **rules)
        bench.add(*[image(name) for name in NAMES])
        return bench

    def keys(self, part: str) -> list[str]:
        with self.server.client() as client:
            return sorted(key.decode() for key in client.scan_iter() if part in key.decode())


def mine(register: Register, name: str) -> Chain:
    found = register.claim(Manager(machine="m", pid=1, folder="", id=name))
    assert isinstance(found, Chain)
    return found


@pytest.fixture(params=[1, 4])
def place(redis_server: RedisServer, request: Any) -> Place:
    with redis_server.client() as client:
        client.flushall()
    return Place(redis_server, request.param)


def test_what_it_asked_of_a_host_binds_no_other_crawl_any_more(place: Place) -> None:
    strict, other = place.crawl("strict", per_host=1, delay_s=50.0), place.crawl("other")
    strict.worker().lease()
    drop(place.address("strict"))
    worker = other.worker()
    worker.lease()
    assert other.slots() > 1, "a dropped crawl's limit holds"
    assert set(worker.delays.values()) == {0.0}
    assert other.frontier.audit() == []


def test_a_worker_that_came_back_while_it_was_dropped_leaves_nothing(place: Place) -> None:
    gone, other = place.crawl("gone"), place.crawl("other")
    lost = gone.worker()
    lost.lease()
    register = Register(parse_redis(place.address("gone")))
    register.remove(mine(register, "drop").fence)  # as `drop` does last of all
    with pytest.raises(CrawlVanishedError):
        lost.beat()
    place.clock.advance(10.0)  # its session is overdue, its slots are as free as any lost one's
    worker = other.worker()
    worker.lease()
    place.clock.advance(2.0)
    worker.lease()
    assert other.slots() > 0
    assert place.keys(":c:gone:") == []
    assert place.keys(f":s:{lost.session}") == []
    assert other.frontier.audit() == []


def test_what_its_dead_workers_held_goes_with_it(place: Place) -> None:
    gone, other = place.crawl("gone"), place.crawl("other")
    dead = gone.worker()
    dead.lease()
    place.clock.advance(10.0)
    worker = other.worker()
    worker.lease()  # finds it silent; its leases are for its own crawl to take back
    assert place.keys(f":s:{dead.session}") != []
    drop(place.address("gone"))
    assert place.keys(f":s:{dead.session}") == []
    place.clock.advance(2.0)
    assert len(worker.lease(4)) == 4
    assert other.frontier.audit() == []


def test_nobody_begins_it_anew_before_all_of_it_is_gone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.crawl("big")
    other, seen = Register(parse_redis(place.address("big"))), []
    remove = Register._remove_from

    def removing(self: Register, *more: Any) -> None:
        remove(self, *more)
        seen.append(other.claim(Manager(machine="m", pid=2, folder="", id="other")))

    monkeypatch.setattr(Register, "_remove_from", removing)
    drop(place.address("big"))
    assert [type(one) for one in seen] == [Manager]
    assert place.keys(":c:big:") == []
    assert mine(other, "other").segments == 0


def test_who_has_lost_the_catalog_removes_nothing(place: Place) -> None:
    place.crawl("slow")
    register = Register(parse_redis(place.address("slow")))
    fence = mine(register, "drop").fence
    register.leave(fence)  # as if it had been silent for too long
    mine(register, "new")
    before = place.keys(":c:slow:")
    with pytest.raises((CatalogLostError, CrawlVanishedError)):
        register.remove(fence)
    assert place.keys(":c:slow:") == before


def test_a_session_of_the_dropped_crawl_is_none_of_the_new_one_with_its_name(
    place: Place,
) -> None:
    lost = place.crawl("again").worker()
    lost.lease()
    register = Register(parse_redis(place.address("again")))
    register.remove(mine(register, "drop").fence)  # it came back while it was dropped
    anew = place.crawl("again")
    worker = anew.worker()
    anew.wait(12.0)  # the old one is overdue
    worker.lease()
    anew.frontier.detach(worker.session)
    worker.session = ""

    assert anew.frontier.stats().sessions == 0
    assert place.keys(f":s:{lost.session}") == []
    assert anew.frontier.audit() == []


def test_a_crawl_that_began_meanwhile_keeps_its_division(place: Place) -> None:
    place.crawl("old")
    old, new = (Register(parse_redis(place.address(name))) for name in ("old", "new"))
    fence = mine(old, "drop").fence
    new.post(Posted(job=Job(name="new", settings=make_settings({}))))
    old.remove(fence)
    assert place.keys("division") == ["bowerbird:{0}:division"]
    assert new.names() == ["new"]
    new.forget(mine(new, "new").fence)
    assert [*place.keys("division"), *place.keys("crawls"), *place.keys(":c:")] == []


def test_its_name_is_free_for_a_new_crawl(place: Place) -> None:
    place.crawl("again").worker().lease()
    drop(place.address("again"))
    anew = place.crawl("again")
    stats = anew.frontier.stats()
    assert (stats.waiting, stats.leased, stats.sessions) == ({"image": len(NAMES)}, 0, 0)
    assert anew.frontier.audit() == []


def test_a_manager_of_the_dropped_crawl_cannot_write_the_catalog_of_the_new_one(
    place: Place,
) -> None:
    place.crawl("again")
    register = Register(parse_redis(place.address("again")))
    before = mine(register, "first")
    register.leave(before.fence)
    drop(place.address("again"))
    place.crawl("again")
    now = mine(register, "second")
    with pytest.raises((CatalogLostError, CrawlVanishedError)):
        register.commit(Chain(before.fence, 1, "1-1"))
    register.commit(Chain(now.fence, 1, "1-1"))


def test_what_is_known_of_a_host_is_kept_while_it_has_tasks_and_then_for_a_day(
    place: Place,
) -> None:
    slow = place.crawl("slow", delay_s=2.0)
    worker = slow.worker()
    while leases := worker.lease():
        with place.server.client() as client:
            (key,) = place.keys(":h:")
            assert client.ttl(key) == -1, "a host is forgotten in mid-crawl"
        worker.done(leases)
        worker.give_surplus()
        place.clock.advance(2.0)
    assert slow.frontier.stats().done == {"image": len(NAMES)}
    with place.server.client() as client:
        (key,) = place.keys(":h:")
        assert 0 < client.ttl(key) <= 86_400
