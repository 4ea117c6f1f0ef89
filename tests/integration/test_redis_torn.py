"""A Redis whose append-only file ends in the midst of a change: the half that is left does not come
back at a later start, and a crawl that it hurt says so."""

import os
from pathlib import Path
from typing import Any

import pytest
from tests.bird import bird
from tests.contracts.bench import PLAIN, Bench, image
from tests.redis_fixtures import RedisServer, patiently, server

from bowerbird.errors import CrawlVanishedError
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.testing import ManualClock

__all__ = ["server"]

#: How many of its last bytes a file lacks: of the last command, EXEC, and of those before it.
CUTS = (1, 5, 20, 60, 150, 300, 400)
#: All of that command: Redis itself sees to this one.
EXEC = 14


@pytest.mark.parametrize("lacks", [*CUTS, EXEC])
def test_half_a_change_does_not_come_back(server: RedisServer, lacks: int) -> None:
    started(server)
    again_without(server, lacks)
    taken_up(server).add(image("9"))
    server.kill()
    server.start_and_read()
    assert_whole(taken_up(server), 1, 2, 3, 9)


def test_it_is_seen_to_by_who_never_left_too(server: RedisServer) -> None:
    bench = started(server)
    again_without(server, 60)
    patiently(lambda: bench.add(image("9")))
    server.kill()
    server.start_and_read()
    patiently(bench.frontier.stats)
    assert_whole(bench, 1, 2, 3, 9)


@pytest.mark.parametrize("lacks", CUTS)
def test_a_crawl_that_was_hurt_is_not_gone_on_with(server: RedisServer, lacks: int) -> None:
    allow(server)
    if "valkey_version" in server.client().info("server"):
        pytest.skip("Valkey cuts such a file before MULTI")
    started(server)
    again_without(server, lacks)
    allow(server)
    blind = taken_up(server, "bird:word@")
    assert any("+bgrewriteaof" in one for one in blind.frontier.warnings())
    blind.add(image("9"))
    server.kill()
    server.start_and_read()

    with pytest.raises(CrawlVanishedError, match="cut off within it"):
        taken_up(server).add(image("4"))
    assert bird("drop", server.address(), "--yes").status == 0
    assert started(server).frontier.stats().waiting == {"image": 3}


def test_half_a_split_of_what_was_seen_is_noticed(server: RedisServer) -> None:
    if "valkey_version" in server.client().info("server"):
        pytest.skip("Valkey cuts such a file before MULTI")
    allow(server)
    bench = bench_at(server, PLAIN)
    bench.add(*(image(f"{n}") for n in range(250)))
    bench.add(image("250"))  # splits
    again_without(server, behind(server, b"buckets\r\n$1\r\n1\r\n") - 5)  # of the next command
    allow(server)
    taken_up(server, "bird:word@").add(image("250"))
    server.kill()
    server.start_and_read()

    with pytest.raises(CrawlVanishedError, match="cut off within it"):
        taken_up(server).add(*(image(f"{n}") for n in range(250)))


def bench_at(server: RedisServer, *rules: Any, user: str = "") -> Bench:
    clock = ManualClock()
    place = server.address().replace("//", f"//{user}")
    return Bench(RedisFrontier(place, *rules, clock=clock), clock)


def started(server: RedisServer) -> Bench:
    """A crawl; the last that it has appended is one change."""
    bench = bench_at(server, PLAIN)
    bench.add(image("1"), image("2"))
    bench.add(image("3"))
    return bench


def taken_up(server: RedisServer, user: str = "") -> Bench:
    """The same crawl, by somebody who comes anew."""
    return bench_at(server, user=user)


def allow(server: RedisServer) -> None:
    """A user with all rights but that to have the file written anew."""
    server.client().execute_command(
        "ACL", "SETUSER", "bird", "on", ">word", "~bowerbird:*", "+@all", "-bgrewriteaof"
    )


def log_of(server: RedisServer) -> Path:
    (log,) = (server.folder / "appendonlydir").glob("*.incr.aof")
    return log


def behind(server: RedisServer, words: bytes) -> int:
    """How many bytes stand behind the last time these words were written."""
    return len(log_of(server).read_bytes().rpartition(words)[2])


def again_without(server: RedisServer, lacks: int) -> None:
    """kill -9, while the last bytes were still to be written."""
    server.kill()
    log = log_of(server)
    os.truncate(log, log.stat().st_size - lacks)
    server.start_and_read()


def assert_whole(bench: Bench, *numbers: int) -> None:
    """Nothing is lost, nothing comes twice; what was not answered before is added again."""
    bench.add(image("3"))
    fetched = bench.crawl(bench.worker())
    assert sorted(fetched) == [f"http://a.test/{n}" for n in numbers]
    assert bench.frontier.audit() == []
