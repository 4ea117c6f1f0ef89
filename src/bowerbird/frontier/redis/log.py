"""The append-only file of a Redis that was started anew: made whole before anything is added to it.

What a script writes stands there between MULTI and EXEC. Where a kill or a power cut leaves a file
that ends in the midst of a command between the two, Redis leaves out that half when it is started,
but keeps it in the file (7.0 and 8.2 do; valkey-io/valkey#4342). The EXEC of whatever is written
next ends it too, so that the start after that carries it out: what is counted counts double, and
tasks that are taken out twice are lost. A file that is written anew has no such half.
"""

import time
from contextlib import suppress

import redis
from redis.exceptions import ResponseError

from bowerbird.errors import ConnectionLostError
from bowerbird.frontier.redis.info import facts

#: How long a call waits for that, in seconds, and between looks.
WHOLE_S, LOOK_EVERY_S = 5.0, 0.02

_REWRITES = (
    "Redis at {place} was started anew and first writes its append-only file anew: an end that was "
    "cut off in the midst of a change would come back."
)


def make_whole(client: redis.Redis, place: str) -> None:
    """Have the file written anew, unless that was done since the start. Where it is not to be had
    (no right to ask for it, a full disk) things go on: a crawl that is hurt then says so, see
    `lua/shared/books.lua`.

    Raises:
        ConnectionLostError: it takes its time; to be called again.
    """
    known = _persistence(client)
    if known.get("aof_enabled") != "1" or known.get("aof_last_rewrite_time_sec") != "-1":
        return
    with suppress(ResponseError):  # somebody else has asked for it, or it is not to be had
        client.execute_command("BGREWRITEAOF")  # type: ignore[no-untyped-call]
    end_s = time.monotonic() + WHOLE_S
    while _is_writing(_persistence(client)):
        if time.monotonic() > end_s:
            raise ConnectionLostError(_REWRITES.format(place=place))
        time.sleep(LOOK_EVERY_S)


def _persistence(client: redis.Redis) -> dict[str, str]:
    return facts(client.execute_command("INFO", "persistence"))  # type: ignore[no-untyped-call]


def _is_writing(known: dict[str, str]) -> bool:
    return "1" in (known.get("aof_rewrite_in_progress"), known.get("aof_rewrite_scheduled"))
