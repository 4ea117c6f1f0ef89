"""The line to a crawl's Redis: scripts and commands, errors in our words. Any number of threads."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import redis
from redis import exceptions as said

from bowerbird.frontier.redis.address import RedisAddress
from bowerbird.frontier.redis.keys import Keys
from bowerbird.frontier.redis.scripts import script
from bowerbird.frontier.redis.troubles import told
from bowerbird.frontier.redis.ways import way_to

T = TypeVar("T")

#: How long a call waits for a slot of a Cluster that is being moved, in seconds, and between looks.
MOVING_S, LOOK_EVERY_S = 5.0, 0.05


class Line:
    """Connections to a Redis, opened as they are needed."""

    def __init__(self, address: RedisAddress) -> None:
        """Connects at the first call."""
        self.place = str(address)
        self._way = way_to(address.url, Keys(address.crawl).common)

    def __repr__(self) -> str:
        return f"<Line to {self.place}>"

    def run(self, verb: str, key: str, *arguments: Any) -> Any:
        """Run a script of ours; it is loaded where Redis does not know it (any more)."""
        what = script(verb)

        def asked(client: redis.Redis) -> Any:
            try:
                return client.evalsha(what.sha, 1, key, *arguments)
            except said.NoScriptError:
                return client.eval(what.text, 1, key, *arguments)

        return self._carried(asked)

    def run_many(self, verb: str, key: str, calls: Sequence[Sequence[Any]]) -> list[Any]:
        """Run a script several times, all sent before the first answer is read."""
        if len(calls) == 1:
            return [self.run(verb, key, *calls[0])]
        what = script(verb)
        commands = [("EVALSHA", what.sha, 1, key, *call) for call in calls]
        answers = self._carried(lambda client: _sent(client, commands))
        return _good(
            self.run(verb, key, *call) if _is_undone(answer) else answer
            for call, answer in zip(calls, answers, strict=True)
        )

    def many(self, commands: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Commands, all sent before the first answer is read."""
        kept = list(commands)
        return self._carried(lambda client: _good(_sent(client, kept)))

    def table(self, *arguments: Any) -> dict[bytes, bytes]:
        """One command that answers fields and values."""
        return paired(self.command(*arguments))

    def command(self, *arguments: Any) -> Any:
        """One command."""
        return self._carried(lambda client: client.execute_command(*arguments))  # type: ignore[no-untyped-call]

    def _carried(self, call: Callable[[redis.Redis], T]) -> T:
        """Make a call; what a Cluster says it has not done is done again, when it can be."""
        with told(self.place):
            end_s = time.monotonic() + MOVING_S
            while True:
                try:
                    return call(self._way.client())
                except (said.ConnectionError, said.TimeoutError, OSError):
                    self._way.forget()
                    raise
                except said.ResponseError as error:
                    if not (self._way.moves and _is_moving(error)) or time.monotonic() > end_s:
                        raise
                self._way.forget()
                time.sleep(LOOK_EVERY_S)

    def close(self) -> None:
        """Let go of the connections."""
        self._way.close()


def _sent(client: redis.Redis, commands: Iterable[tuple[Any, ...]]) -> list[Any]:
    pipeline = client.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
    return pipeline.execute(raise_on_error=False)


def _is_moving(answer: Any) -> bool:
    """Whether a Cluster has refused a call before anything was done: its slot is on its way. A
    script says so with words of its own, for it looks before it writes."""
    kinds = said.MovedError, said.AskError, said.TryAgainError, said.ClusterDownError
    return isinstance(answer, kinds) or "non local key" in str(answer)


def _is_undone(answer: Any) -> bool:
    """Whether a call of many has to be made again."""
    error = isinstance(answer, said.ResponseError)
    return error and (isinstance(answer, said.NoScriptError) or _is_moving(answer))


def _good(answers: Iterable[Any]) -> list[Any]:
    """Raises the first error among the answers."""
    kept = list(answers)
    for answer in kept:
        if isinstance(answer, Exception):
            raise answer
    return kept


def paired(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    """Fields and values, one behind the other, as a table."""
    return dict(zip(flat[::2], flat[1::2], strict=True))
