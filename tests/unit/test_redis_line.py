"""What a Cluster has not done is asked for again, in whatever words it says so."""

from typing import Any

import pytest
from redis.exceptions import ResponseError

from bowerbird.errors import ConnectionLostError, FrontierError
from bowerbird.frontier.redis import line as module
from bowerbird.frontier.redis.address import parse_redis
from bowerbird.frontier.redis.line import Line

SAID = (
    "Script attempted to access a non local key in a cluster node script: 74dd, on @user_script:1",
    "ERR Script attempted to access a non local key in a cluster node",
    "Attempted to access a non local key in a cluster node script: on @user_script:1033.",
    # Redis 8.2 and Valkey 9.1, where some of several keys are still here
    "Unable to execute command 'mget' in script because undeclared keys were accessed during "
    "rehashing of the slot script: 74dd1a, on @user_script:66.",
)


class Moving:
    """A way to a Redis that refuses so many calls."""

    moves = True

    def __init__(self, refusals: int, words: str) -> None:
        self.refusals, self.words = refusals, words

    def client(self, _: str) -> "Moving":
        return self

    def forget(self, _: str) -> None:
        """Asked anew where it is."""

    def evalsha(self, *_: Any) -> int:
        self.refusals -= 1
        if self.refusals >= 0:
            raise ResponseError(self.words)
        return 7


def line_to(way: Moving) -> Line:
    return Line(parse_redis("redis+cluster://127.0.0.1:1/?crawl=x"), way=way)  # type: ignore[arg-type]


@pytest.mark.parametrize("words", SAID)
def test_a_script_is_run_again_when_its_slot_has_arrived(words: str) -> None:
    assert line_to(Moving(2, words)).run("release", "key") == 7


@pytest.mark.parametrize("words", SAID)
def test_a_slot_that_does_not_arrive_is_a_lost_connection_and_no_end(
    words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOVING_S", 0.0)
    with pytest.raises(ConnectionLostError, match="slot"):
        line_to(Moving(9, words)).run("release", "key")


def test_a_script_that_errs_is_not_run_again() -> None:
    way = Moving(1, "user_script:1: attempt to index a nil value")
    with pytest.raises(FrontierError, match="nil value"):
        line_to(way).run("release", "key")
    assert way.refusals == 0
