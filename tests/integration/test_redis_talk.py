"""Calls to Redis that are made one after the other, and answered behind the last."""

import os
import signal
import time
from collections.abc import Iterator

import pytest
from tests.contracts.bench import PLAIN, image
from tests.redis_fixtures import RedisServer, Start, redis_server, start, until

from bowerbird.frontier.redis.address import parse_redis
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.redis.line import Ask, Line, together
from bowerbird.frontier.redis.talk import TOGETHER

__all__ = ["redis_server", "start"]

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


def test_no_replica_is_believed_to_have_what_was_asked_again_behind_its_word(start: Start) -> None:
    master = start("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "3600")
    replica = start("--replicaof", f"127.0.0.1 {master.port}")
    frontier = RedisFrontier(master.address(), PLAIN)

    def replicas_with(path: str) -> int:
        """How many have a task."""
        asks = list(frontier.partitions[0].add([image(path)], ()))
        done, *behind = together(asks, ("WAIT", 1, 200))
        assert done == 1
        return min(behind)

    until(lambda: master.client().info("replication")["connected_slaves"] == 1)
    numbers = iter(range(1_000))
    until(lambda: replicas_with(f"{next(numbers)}") == 1)
    until(lambda: _has_all(master))  # and has said so: of what comes from now on it says nothing
    assert replica.process is not None
    os.kill(replica.process.pid, signal.SIGSTOP)
    try:
        master.client().script_flush()
        assert replicas_with("unknown script") == 0
    finally:
        os.kill(replica.process.pid, signal.SIGCONT)
    master.client().script_flush()
    until(lambda: replicas_with(f"{next(numbers)}") == 1)
    frontier.close()


def _has_all(master: RedisServer) -> bool:
    """Whether its one replica has acknowledged all that it wrote."""
    info = master.client().info("replication")
    return bool(info["slave0"]["offset"] == info["master_repl_offset"])
