"""Calls to Redis that are made one after the other, and answered behind the last."""

import time
from collections.abc import Iterator

import pytest
from tests.redis_fixtures import RedisServer, redis_server

from bowerbird.frontier.redis.address import parse_redis
from bowerbird.frontier.redis.line import Ask, Line, together
from bowerbird.frontier.redis.talk import TOGETHER

__all__ = ["redis_server"]

LONG = b"x" * TOGETHER


def _line(server: RedisServer) -> Line:
    return Line(parse_redis(server.address()))


def test_a_long_call_is_carried_out_while_the_next_is_being_made(
    redis_server: RedisServer,
) -> None:
    line = _line(redis_server)

    def asks() -> Iterator[Ask]:
        yield Ask(line, "", ("SET", "first", LONG))
        end_s = time.monotonic() + 30
        while not line.command("EXISTS", "first"):
            assert time.monotonic() < end_s, "it waits for the next one"
        yield Ask(line, "", ("GET", "first"))

    line.command("DEL", "first")
    assert together(asks()) == [b"OK", LONG]
    line.close()


def test_what_breaks_off_leaves_no_answer_for_the_next_to_hear(redis_server: RedisServer) -> None:
    line = _line(redis_server)

    def asks() -> Iterator[Ask]:
        yield Ask(line, "", ("SET", "second", LONG))
        raise ValueError("cannot be packed")

    with pytest.raises(ValueError, match="packed"):
        together(asks())
    assert line.command("ECHO", "mine") == b"mine"
    assert together([Ask(line, "", ("ECHO", word)) for word in ("one", "two")]) == [b"one", b"two"]
    line.close()
