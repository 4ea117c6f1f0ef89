"""The line to a crawl's Redis: scripts and commands, errors in our words. Any number of threads."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple, TypeVar

import redis
from redis import exceptions as said

from bowerbird.frontier.redis.address import RedisAddress
from bowerbird.frontier.redis.keys import Keys
from bowerbird.frontier.redis.log import make_whole
from bowerbird.frontier.redis.scripts import Script, script
from bowerbird.frontier.redis.talk import Talk
from bowerbird.frontier.redis.troubles import NEW_LIFE, SCRIPT_MOVES, told
from bowerbird.frontier.redis.ways import Holder, Way, way_to

T = TypeVar("T")

#: How long a call waits for a slot of a Cluster that is being moved, in seconds, and between looks.
MOVING_S, LOOK_EVERY_S = 5.0, 0.05


class Line:
    """Connections to the Redis that holds a partition, opened as they are needed."""

    def __init__(self, address: RedisAddress, partition: int = 0, way: Way | None = None) -> None:
        """Connects at the first call. Lines to several partitions share a `way`."""
        self.place = str(address)
        self.way = way or way_to(address.url)
        self.key = Keys(address.crawl, partition).common

    def __repr__(self) -> str:
        return f"<Line to {self.place}>"

    def run(self, verb: str, key: str, *arguments: Any) -> Any:
        """Run a script of ours; it is loaded where Redis does not know it (any more). The first one
        in a new life of Redis sees to its log."""
        return self._carried(lambda client: self._run(client, verb, key, *arguments))

    def _run(self, client: redis.Redis, verb: str, key: str, *arguments: Any) -> Any:
        try:
            return _evaluated(client, script(verb), key, *arguments)
        except said.ResponseError as error:
            if not _is_new_life(error):
                raise
        make_whole(client, self.place)
        _evaluated(client, script("life"), key, arguments[0])
        return _evaluated(client, script(verb), key, *arguments)

    def run_with(self, after: tuple[Any, ...], verb: str, *arguments: Any) -> tuple[Any, Any]:
        """As `run`; then a command over the same connection: WAIT counts what was written there."""

        def asked(client: redis.Redis) -> tuple[Any, Any]:
            with client.client() as alone:  # type: ignore[no-untyped-call]
                alone.response_callbacks = client.response_callbacks
                done = self._run(alone, verb, *arguments)
                return done, alone.execute_command(*after)

        return self._carried(asked)

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
                    return call(self.way.client(self.key))
                except (said.ConnectionError, said.TimeoutError, OSError):
                    self.way.forget(self.key)
                    raise
                except said.ResponseError as error:
                    if not (self.way.moves and _is_moving(error)) or time.monotonic() > end_s:
                        raise
                self.way.forget(self.key)
                time.sleep(LOOK_EVERY_S)

    def holder(self) -> Holder:
        """Who holds the partition, as far as is known."""
        with told(self.place):
            return self.way.holder(self.key)

    def close(self) -> None:
        """Let go of the connections."""
        self.way.close()


class Ask(NamedTuple):
    """One call of many: a script's, where `verb` names one, else a command."""

    line: Line
    verb: str
    arguments: Sequence[Any]  #: of a script: its key first

    def command(self) -> tuple[Any, ...]:
        """As it is sent."""
        if not self.verb:
            return tuple(self.arguments)
        key, *rest = self.arguments
        return ("EVALSHA", script(self.verb).sha, 1, key, *rest)

    def again(self, after: tuple[Any, ...]) -> tuple[Any, list[Any]]:
        """The answer, where many were asked and this one was refused, and what stands behind."""
        if not (self.verb and after):
            return self.alone(), []
        answer, behind = self.line.run_with(after, self.verb, *self.arguments)
        return answer, [behind]

    def alone(self) -> Any:
        """The answer, where nobody else is asked."""
        if not self.verb:
            return self.line.command(*self.arguments)
        return self.line.run(self.verb, *self.arguments)


def together(asks: Iterable[Ask], after: tuple[Any, ...] = ()) -> list[Any]:
    """Answers of calls to several partitions: one round trip for each Redis that holds some. A long
    call is carried out while the next is still being made.

    `after` is a command each of these Redis has to carry out behind its calls; what it answers
    stands behind the answers, once for each, and once for each call that had to be made again."""
    made: list[Ask] = []
    with ExitStack() as block:
        sides = _Sides(block)
        for ask in asks:
            sides.of(ask).say(len(made), ask.command())
            made.append(ask)
        heard, behind = sides.hear(after)
    for number, ask in enumerate(made):
        if _is_undone(heard[number]):
            heard[number], more = ask.again(after)
            behind += more
    with told(made[0].line.place if made else ""):
        return _good([*(heard[number] for number in range(len(made))), *behind])


class _Side:
    """A Redis that is asked, and which questions it has."""

    def __init__(self, line: Line, client: redis.Redis, block: ExitStack) -> None:
        self._line, self._numbers = line, list[int]()
        with self._reached():
            self._talk = block.enter_context(Talk(client))

    def say(self, number: int, command: tuple[Any, ...]) -> None:
        self._numbers.append(number)
        with self._reached():
            self._talk.say(command)

    def send(self, after: tuple[Any, ...]) -> None:
        with self._reached():
            if after:
                self._talk.say(after)
            self._talk.send()

    def hear(self) -> tuple[dict[int, Any], list[Any]]:
        """Answers by number, and what stands behind."""
        with self._reached():
            found = self._talk.hear()
        return dict(zip(self._numbers, found, strict=False)), found[len(self._numbers) :]

    @contextmanager
    def _reached(self) -> Iterator[None]:
        with told(self._line.place):
            try:
                yield
            except (said.ConnectionError, said.TimeoutError, OSError):
                self._line.way.forget(self._line.key)
                raise


class _Sides:
    """All who are asked in one go."""

    def __init__(self, block: ExitStack) -> None:
        self._block = block
        self._all: dict[int, _Side] = {}

    def of(self, ask: Ask) -> _Side:
        with told(ask.line.place):
            client = ask.line.way.client(ask.line.key)
        if id(client) not in self._all:
            self._all[id(client)] = _Side(ask.line, client, self._block)
        return self._all[id(client)]

    def hear(self, after: tuple[Any, ...]) -> tuple[dict[int, Any], list[Any]]:
        for side in self._all.values():
            side.send(after)
        heard: dict[int, Any] = {}
        behind: list[Any] = []
        for side in self._all.values():
            answers, more = side.hear()
            heard |= answers
            behind += more
        return heard, behind


def _sent(client: redis.Redis, commands: Iterable[tuple[Any, ...]]) -> list[Any]:
    with Talk(client) as talk:
        for command in commands:
            talk.say(command)
        return talk.hear()


def _evaluated(client: redis.Redis, what: Script, key: str, *arguments: Any) -> Any:
    try:
        return client.evalsha(what.sha, 1, key, *arguments)
    except said.NoScriptError:
        return client.eval(what.text, 1, key, *arguments)


def _is_new_life(answer: Any) -> bool:
    """Whether a script has refused to write before somebody has seen to the log."""
    return isinstance(answer, said.ResponseError) and str(answer).startswith(NEW_LIFE)


def _is_moving(answer: Any) -> bool:
    """Whether a Cluster has refused a call before anything was done: its slot is on its way. A
    script says so with words of its own, for it looks before it writes."""
    kinds = said.MovedError, said.AskError, said.TryAgainError, said.ClusterDownError
    return isinstance(answer, kinds) or any(words in str(answer) for words in SCRIPT_MOVES)


def _is_undone(answer: Any) -> bool:
    """Whether a call of many has to be made again."""
    if not isinstance(answer, said.ResponseError):
        return False
    return isinstance(answer, said.NoScriptError) or _is_moving(answer) or _is_new_life(answer)


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
