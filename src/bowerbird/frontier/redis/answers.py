"""What scripts answer, read and put together: several calls of a script make one of a caller's."""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from bowerbird.codec import decode
from bowerbird.errors import SessionGoneError
from bowerbird.model import Grant, Lease, State, Task

H = TypeVar("H")

#: Bytes of a waiting task before what the client packed: `lua/shared/queues.lua`.
_HEAD = 10


class Judged(msgspec.Struct, frozen=True, array_like=True):
    """Leases of an origin that are to be judged by its robots.txt of this stamp."""

    origin: str
    stamp: float
    slots: int  #: that the session had at the host before
    host: str
    indices: list[int]


class BeatHead(msgspec.Struct, frozen=True, array_like=True):
    """The answer of `beat` and `refuse`."""

    state: State
    grants: tuple[Grant, ...]
    seq: int
    sessions: int = 0  #: of the crawl; `refuse` does not say


class LeaseHead(msgspec.Struct, frozen=True, array_like=True):
    """The answer of `lease`, before its tasks; each has a code: attempts * 2 + alone."""

    state: State
    grants: tuple[Grant, ...]
    next_in_s: float
    seq: int
    codes: list[int]
    judged: list[Judged]
    chosen: bool = False  #: the session is being let run empty, for a suspect


class Sent(msgspec.Struct, frozen=True, array_like=True):
    """What is in the outbox now."""

    partition: int
    entry: str
    place: int  #: of the message in the arguments; 0: it is in the outbox alone


class FinishHead(msgspec.Struct, frozen=True, array_like=True):
    """The answer of `finish`; accepted is 1 or 0 for each."""

    accepted: str
    grants: tuple[Grant, ...]
    state: State
    seq: int
    sent: list[Sent]


def read(answer: bytes, shape: type[H]) -> H:
    """An answer as a value.

    Raises:
        SessionGoneError: it is empty: the script knows no such session.
    """
    if not answer:
        raise SessionGoneError()
    return decode(answer, shape)


def leases_of(head: LeaseHead, call: bytes, tasks: Iterable[bytes]) -> tuple[Lease, ...]:
    """The leases of an answer; `call` begins their tokens."""
    return tuple(
        Lease(
            token=call + index.to_bytes(2),
            task=decode(memoryview(task)[_HEAD:], Task),
            attempts=code >> 1,
            suspect=bool(code & 1),
        )
        for index, (code, task) in enumerate(zip(head.codes, tasks, strict=True))
    )
