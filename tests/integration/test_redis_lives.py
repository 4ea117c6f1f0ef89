"""A Redis that was started anew may lack the end of its books: workers say again what they hold."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest
from tests.bird import PATIENCE_S, wait_for
from tests.contracts.bench import PLAIN, image
from tests.redis_fixtures import KEEPING, RedisServer, need_redis

from bowerbird.errors import ConnectionLostError
from bowerbird.frontier.redis.address import parse_redis
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.redis.working import WorkingFrontier
from bowerbird.manager.seeds import Seeder
from bowerbird.model import Task, WorkerInfo

T = TypeVar("T")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    need_redis()
    one = RedisServer(tmp_path / "redis", *KEEPING).start()
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
        _on_and_on(lambda: frontier.lease(session, 8))
    frontier.close()


def test_seeds_that_redis_forgot_while_more_came_are_added_again(server: RedisServer) -> None:
    frontier = RedisFrontier(server.address(), PLAIN)
    frontier.begin_seeds()
    known = log_of(server).stat().st_size

    def listed() -> Iterator[Task | None]:
        yield from (image(f"{n}") for n in range(10))
        yield None  # these are added now
        forget(server, known)
        yield from (image(f"{n}") for n in range(10, 20))

    seeder = Seeder(
        listed(),
        lambda tasks, last: patiently(lambda: frontier.add(tasks, seeds_complete=last)),
        lambda: patiently(lambda: lacks_seeds(frontier)),
    )
    seeder.start()
    wait_for("seeds", lambda: patiently(frontier.stats).seeds_complete or seeder.error)
    seeder.stop()

    assert seeder.error is None
    assert frontier.stats().waiting == {"image": 20}
    frontier.close()


def test_links_that_redis_forgot_before_their_page_was_done_come_again(server: RedisServer) -> None:
    RedisFrontier(server.address(), PLAIN).close()
    frontier = WorkingFrontier(parse_redis(server.address()))
    frontier.add([image("1")])
    forget(server, log_of(server).stat().st_size)

    with pytest.raises(ConnectionLostError, match="started anew"):
        _on_and_on(lambda: frontier.add([image("2")]))
    frontier.close()


def log_of(server: RedisServer) -> Path:
    """What it has appended since it began."""
    (found,) = (server.folder / "appendonlydir").glob("*.incr.aof")
    return found


def forget(server: RedisServer, known: int) -> None:
    """kill -9, and what it has appended behind so many bytes never came to the disk."""
    server.kill()
    os.truncate(log_of(server), known)
    server.start()


def patiently(call: Callable[[], T]) -> T:
    """As a manager does, who waits for a Redis that is away."""
    while True:
        with suppress(ConnectionLostError):
            return call()
        time.sleep(0.01)


def lacks_seeds(frontier: RedisFrontier) -> bool:
    if frontier.lacks_seeds():
        frontier.begin_seeds()
        return True
    return False


def _on_and_on(call: Callable[[], object]) -> None:
    """As a worker does; that connections break is told too, and is something else."""
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        try:
            call()
        except ConnectionLostError as error:
            if "anew" in str(error):
                raise
        time.sleep(0.01)
