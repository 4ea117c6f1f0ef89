"""A Redis that was started anew may lack the end of its books: workers say again what they hold."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bird import PATIENCE_S
from tests.contracts.bench import PLAIN
from tests.redis_fixtures import RedisServer, need_redis

from bowerbird.errors import ConnectionLostError
from bowerbird.frontier.redis.address import parse_redis
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.redis.working import WorkingFrontier
from bowerbird.model import WorkerInfo


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    need_redis()
    one = RedisServer(tmp_path / "redis", "--appendonly", "yes").start()
    yield one
    one.kill()


def test_a_worker_says_again_what_it_holds_when_redis_was_started_anew(server: RedisServer) -> None:
    RedisFrontier(server.address(), PLAIN).close()
    frontier = WorkingFrontier(parse_redis(server.address()))
    session = frontier.attach(WorkerInfo(name="one")).session
    frontier.lease(session, 8)
    server.kill()
    server.start()

    with pytest.raises(ConnectionLostError, match="started anew"):
        _lease_on(frontier, session)
    frontier.close()


def _lease_on(frontier: WorkingFrontier, session: str) -> None:
    """As a worker does; that connections break is told too, and is something else."""
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        try:
            frontier.lease(session, 8)
        except ConnectionLostError as error:
            if "anew" in str(error):
                raise
        time.sleep(0.01)
