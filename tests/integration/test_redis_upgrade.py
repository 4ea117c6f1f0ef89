"""Data of a crawl that the last version before partitions wrote: how they were made stands in
tests/fixtures/redis/before_partitions.py."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contracts.bench import outcome, record
from tests.redis_fixtures import RedisServer, need_redis, until

from bowerbird.errors import UsageError
from bowerbird.frontier.redis.address import parse_redis
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.redis.register import Register
from bowerbird.frontier.rules import Rules
from bowerbird.model import Kind, Lease, Outcome, State, WorkerInfo

DATA = Path(__file__).parents[1] / "fixtures/redis/before_partitions.rdb"
IMAGES = {f"http://{host}.test/{n}.png" for host in "abc" for n in range(8)}
#: What its page named, which was fetched already or is to be.
FOUND = {"http://a.test/late.png", "http://d.test/late.png"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that has them."""
    need_redis()
    (tmp_path / "redis").mkdir()
    shutil.copy(DATA, tmp_path / "redis/dump.rdb")
    server = RedisServer(tmp_path / "redis").start()
    yield server
    server.kill()


def test_a_crawl_of_before_partitions_goes_on_and_misses_nothing(server: RedisServer) -> None:
    address = server.address("birds")
    frontier, register = RedisFrontier(address, Rules()), Register(parse_redis(address))
    posted = register.posted()
    assert posted is not None
    assert (posted.job.name, register.names()) == ("birds", ["birds"])
    session = frontier.attach(WorkerInfo(name="new")).session

    def has_ended() -> bool:
        reply = frontier.lease(session, 64)
        gifts = {one.host: one.slots for one in reply.grants}
        frontier.finish(session, [_done(one) for one in reply.leases], gifts)
        return reply.state is State.ENDED

    until(has_ended)
    results = frontier.results(limit=1_000)
    came = [one.final_url for one in results.records] + [one.url for one in results.deaths]
    assert sorted(came) == sorted(IMAGES | FOUND)
    assert frontier.stats().records == len(results.records)
    assert frontier.audit() == []
    for one in (frontier, register):
        one.close()


def _done(lease: Lease) -> Outcome:
    image = lease.task.kind is Kind.IMAGE
    return outcome(lease, records=(record(lease.task.url),) if image else ())


def test_it_is_not_divided_and_says_so(server: RedisServer) -> None:
    before = RedisFrontier(server.address("birds")).stats()
    with pytest.raises(UsageError, match="keeps its crawls with partitions=1"):
        RedisFrontier(server.address("birds&partitions=4"), Rules())
    assert RedisFrontier(server.address("birds")).stats() == before
