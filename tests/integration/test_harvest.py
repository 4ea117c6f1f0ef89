"""From the stream of results to segments and crawl.db: whatever step was the last one."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.redis_fixtures import RedisServer, redis_server

from bowerbird.errors import FolderError
from bowerbird.frontier.redis.address import parse_redis
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.redis.register import (
    CatalogLostError,
    Chain,
    Manager,
    Posted,
    Register,
)
from bowerbird.frontier.rules import Rules
from bowerbird.manager.chronicle import Chronicle
from bowerbird.manager.harvest import Harvest, caught_up
from bowerbird.model import Filter, Kind, Outcome, Record, Task, Verb, WorkerInfo
from bowerbird.settings import Job, Settings
from bowerbird.store.segments import FolderSegments, SegmentName

__all__ = ["redis_server"]

HOST = "http://example.org"


class World:
    """A crawl in Redis, its frontier, and managers one after the other."""

    def __init__(self, server: RedisServer, base: Path) -> None:
        self.address = parse_redis(server.address("tale"))
        self.frontier = RedisFrontier(self.address, Rules(obey_robots=False, per_host=100))
        self.register = Register(self.address)
        self.register.post(Posted(job=Job(name="tale", settings=Settings())))
        self.session = self.frontier.attach(WorkerInfo(name="w")).session
        self.base = base
        self.number = self.fence = 0

    def store(self, count: int) -> None:
        """So many images are found and stored."""
        urls = [f"{HOST}/{self.number + n}.png" for n in range(count)]
        self.number += count
        self.frontier.add([Task(url=url, kind=Kind.IMAGE) for url in urls])
        leases = self.frontier.lease(self.session, count).leases
        self.frontier.finish(self.session, [done(one.token, one.task.url) for one in leases])

    def claim(self, who: str) -> Chain:
        found = self.register.claim(Manager(machine="m", pid=1, folder="f", id=who))
        assert isinstance(found, Chain)
        self.fence = found.fence
        return found

    def segments(self, folder: str = "one") -> FolderSegments:
        return FolderSegments(self.base / folder, "tale")

    def harvest(
        self, chain: Chain, chronicle: Chronicle, folder: str = "one", spare: int = 0
    ) -> Harvest:
        return Harvest(
            self.frontier, self.register, chain, self.segments(folder), chronicle, "tale", spare
        )

    def manage(self, who: str, folder: str = "one", spare: int = 0) -> list[str]:
        """One manager's whole life; what its catalog has at the end."""
        self.frontier.workers()
        (self.base / folder).mkdir(exist_ok=True)
        chronicle = Chronicle(self.base / folder / "crawl.db")
        try:
            chain = caught_up(
                self.claim(who), self.segments(folder), chronicle, self.register, "lost"
            )
            harvest = self.harvest(chain, chronicle, folder, spare)
            harvest.start()
            harvest.finish(30.0)
            if harvest.error:
                raise harvest.error
            self.register.leave(chain.fence)
            return urls_of(chronicle)
        finally:
            chronicle.close()


def done(token: bytes, url: str) -> Outcome:
    record = Record(
        url=url, final_url=url, status=200, type="png", width=1, height=1, bytes=9,
        sha256="ab" * 32, fetched_at=1.0,
    )  # fmt: skip
    return Outcome(token=token, verb=Verb.DONE, records=(record,), answered=True)


def urls_of(chronicle: Chronicle) -> list[str]:
    return sorted(entry.record.url for entry in chronicle.page(0, 10_000))


def wanted(count: int) -> list[str]:
    return sorted(f"{HOST}/{n}.png" for n in range(count))


@pytest.fixture
def world(redis_server: RedisServer, tmp_path: Path) -> Iterator[World]:
    with redis_server.client() as client:
        client.flushall()
    made = World(redis_server, tmp_path)
    yield made
    made.frontier.close()
    made.register.close()


def test_what_is_in_a_segment_leaves_the_stream_and_stays_in_the_catalog(world: World) -> None:
    world.store(40)
    assert world.manage("a") == wanted(40)
    assert world.frontier.results("").records == ()
    world.store(20)
    assert world.manage("b") == wanted(60)
    assert [name.number for name in world.segments().names()] == [1, 2]


def test_a_catalog_is_made_again_from_segments_and_stream(world: World) -> None:
    world.store(40)
    world.manage("a")
    (world.base / "one" / "crawl.db").unlink()
    world.store(20)
    assert world.manage("b") == wanted(60)


def test_without_its_folder_a_crawl_goes_on_from_the_stream_if_that_is_whole(world: World) -> None:
    world.store(40)
    assert world.manage("a", spare=1 << 20) == wanted(40)
    world.store(20)
    assert world.manage("b", folder="two") == wanted(60)


def test_segments_that_are_nowhere_end_a_manager_before_it_begins(world: World) -> None:
    world.store(40)
    world.manage("a")
    with pytest.raises(FolderError, match="lost"):
        world.manage("b", folder="two")
    world.register.leave(world.fence)
    assert world.manage("c") == wanted(40)


def test_a_manager_that_was_overtaken_adds_nothing(world: World) -> None:
    chronicle = Chronicle(world.base / "zombie.db")
    zombie = world.harvest(world.claim("a"), chronicle)
    world.register.leave(world.fence)
    world.store(40)
    world.claim("b")
    zombie.start()  # it was away for longer than its lease, and does not know
    zombie.finish(30.0)
    assert isinstance(zombie.error, CatalogLostError)
    assert world.register.chain().segments == 0
    world.register.leave(world.fence)
    chronicle.close()
    assert world.manage("c") == wanted(40)


def test_what_a_call_that_broke_off_says_late_does_not_take_a_segment_back(world: World) -> None:
    fence = world.claim("a").fence
    noted = Chain(fence, 6, "6-0", 5)
    for said in (noted, Chain(fence, 5, "5-0", 4), Chain(fence, 6, "6-0", 4)):
        world.register.commit(said)
    assert world.register.chain() == msgspec.structs.replace(noted, fence=0)
    world.register.commit(Chain(fence, 5, "5-0", 5), back=True)
    assert world.register.chain().segments == 5


def test_a_segment_nobody_was_told_of_is_written_anew(world: World) -> None:
    world.store(40)
    chain = world.claim("a")
    world.segments().put(SegmentName(1, chain.fence), b"half of a thought")
    world.register.leave(chain.fence)
    assert world.manage("b") == wanted(40)


def test_a_catalog_ahead_of_a_redis_that_was_set_back_is_made_anew(world: World) -> None:
    world.store(40)
    world.manage("a", spare=1 << 20)
    chain = world.claim("b")  # as if Redis had lost its last second
    world.register.commit(msgspec.structs.replace(chain, segments=0, cursor=""))
    world.register.leave(chain.fence)
    assert world.manage("c") == wanted(40)


def test_a_death_that_was_taken_back_is_in_the_catalog_no_more(world: World) -> None:
    def fail() -> None:
        (lease,) = world.frontier.lease(world.session, 1).leases
        world.frontier.finish(
            world.session, [Outcome(token=lease.token, verb=Verb.DEAD, reason="http-500")]
        )

    def deaths() -> int:
        chronicle = Chronicle(world.base / "one" / "crawl.db")
        try:
            return chronicle.totals().deaths
        finally:
            chronicle.close()

    world.frontier.add([Task(url=f"{HOST}/x.png", kind=Kind.IMAGE)])
    fail()
    world.manage("a")
    assert deaths() == 1
    assert world.frontier.requeue(Filter()) == 1
    world.manage("b")
    assert deaths() == 0
    fail()
    world.frontier.requeue(Filter())
    fail()
    world.manage("c")
    assert deaths() == 1
