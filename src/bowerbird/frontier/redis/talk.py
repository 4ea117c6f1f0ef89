"""One connection for a while: commands go out as they are made, and all answers are read behind."""

from typing import Any, Self

import redis
from redis.exceptions import ResponseError

#: Short commands leave together, in bytes; a long one is carried out while the next is being made.
TOGETHER = 32_768


class Talk:
    """Commands to one Redis, and its answers in the same order. For one thread."""

    def __init__(self, client: redis.Redis) -> None:
        """Takes a connection of the client, until the block ends."""
        self._pool = client.connection_pool
        self._connection = self._pool.get_connection()
        self._pieces: list[bytes] = []
        self._size = self._waits = 0

    def __repr__(self) -> str:
        return f"<Talk [{self._waits} answers to come]>"

    def __enter__(self) -> Self:
        return self

    def say(self, command: tuple[Any, ...]) -> None:
        """One more command; it leaves at once or with the next ones."""
        for piece in self._connection.pack_command(*command):  # type: ignore[no-untyped-call]
            self._pieces.append(piece)
            self._size += len(piece)
        self._waits += 1
        if self._size >= TOGETHER:
            self.send()

    def send(self) -> None:
        """All that has not left yet."""
        pieces, self._pieces, self._size = self._pieces, [], 0
        if pieces:
            self._connection.send_packed_command([b"".join(pieces)])  # type: ignore[no-untyped-call]

    def hear(self) -> list[Any]:
        """The answers so far; a refusal is one as well."""
        self.send()
        answers = []
        while self._waits:
            answers.append(self._answer())
            self._waits -= 1
        return answers

    def _answer(self) -> Any:
        try:
            return self._connection.read_response()
        except ResponseError as error:
            return error

    def __exit__(self, *_: object) -> None:
        if self._waits:  # the next one to have it would hear what was meant for us
            self._connection.disconnect()  # type: ignore[no-untyped-call]
        self._pool.release(self._connection)
