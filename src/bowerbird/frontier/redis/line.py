"""The line to one Redis: scripts and commands, errors in our words. Any number of threads."""

from collections.abc import Iterable, Sequence
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bowerbird.frontier.redis.address import RedisAddress
from bowerbird.frontier.redis.scripts import Script, script
from bowerbird.frontier.redis.troubles import told

#: Time for a connection, and for an answer, in seconds.
REACH_S, ANSWER_S = 5.0, 10.0


class Line:
    """Connections to a Redis, opened as they are needed.

    Nothing is sent twice by itself: whether a call that got no answer was carried out is not known,
    and its caller has to decide.
    """

    def __init__(self, address: RedisAddress) -> None:
        """Connects at the first call."""
        self.place = str(address)
        self._redis = redis.Redis.from_url(
            address.url, protocol=2, retry=Retry(NoBackoff(), 0), retry_on_timeout=False,
            socket_connect_timeout=REACH_S, socket_timeout=ANSWER_S, client_name="bowerbird",
        )  # fmt: skip
        self._redis.response_callbacks.clear()  # they lose fields of a stream that come twice

    def __repr__(self) -> str:
        return f"<Line to {self.place}>"

    def run(self, verb: str, key: str, *arguments: Any) -> Any:
        """Run a script of ours; it is loaded where Redis does not know it (any more)."""
        what = script(verb)
        with told(self.place):
            try:
                return self._redis.evalsha(what.sha, 1, key, *arguments)
            except redis.exceptions.NoScriptError:
                return self._redis.eval(what.text, 1, key, *arguments)

    def run_many(self, verb: str, key: str, calls: Sequence[Sequence[Any]]) -> list[Any]:
        """Run a script several times, all sent before the first answer is read."""
        if len(calls) == 1:
            return [self.run(verb, key, *calls[0])]
        what = script(verb)
        with told(self.place):
            self._make_known(what)
            return self._sent([("EVALSHA", what.sha, 1, key, *call) for call in calls])

    def _make_known(self, what: Script) -> None:
        if not self._redis.script_exists(what.sha)[0]:
            self._redis.script_load(what.text)

    def many(self, commands: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Commands, all sent before the first answer is read."""
        with told(self.place):
            return self._sent(commands)

    def _sent(self, commands: Iterable[tuple[Any, ...]]) -> list[Any]:
        pipeline = self._redis.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
        return pipeline.execute()

    def table(self, *arguments: Any) -> dict[bytes, bytes]:
        """One command that answers fields and values."""
        return paired(self.command(*arguments))

    def command(self, *arguments: Any) -> Any:
        """One command."""
        with told(self.place):
            return self._redis.execute_command(*arguments)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Let go of the connections."""
        self._redis.close()


def paired(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    """Fields and values, one behind the other, as a table."""
    return dict(zip(flat[::2], flat[1::2], strict=True))
