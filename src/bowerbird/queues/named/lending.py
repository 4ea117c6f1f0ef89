"""What both clients share: values to calls and answers to values, without any I/O."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from math import inf
from typing import Any, Generic, NamedTuple, TypedDict, TypeVar

import msgspec

from bowerbird.backoff import retry_in_s
from bowerbird.codec import decode, encode
from bowerbird.errors import ProtocolError, UsageError
from bowerbird.leases import Ticket, Verb
from bowerbird.queues.named import calls
from bowerbird.queues.named.calls import Get, Lent, Put, Settle, Wish

_log = logging.getLogger(__name__)

T = TypeVar("T")

#: Bytes of the items of one call, beside which there is little.
_PUT_MOST = 12 << 20


#: First and longest pause between two tries to reach a server that has gone, in seconds.
PAUSE_FIRST_S, PAUSE_MOST_S = 0.05, 5.0


class QueueTerms(TypedDict, total=False):
    """How a queue is to be; what is left out stays as it is."""

    durable: bool  #: kept in the server's folder; as soon as the server has one, unless False
    lease_s: float  #: what is not settled or renewed by then goes to the next (60)
    attempts: int  #: times an item is given before it is a dead letter; 0: no end (5)
    retry_s: float  #: wait after the first failure, doubled with each, up to an hour (1)
    maxsize: int  #: items that may wait; then `put` waits. 0: no bound (0)


class DeadLetter(NamedTuple, Generic[T]):
    """An item that failed for good, or too often."""

    id: int  #: for `requeue` and `forget`
    value: T
    attempts: int
    why: str
    died_at: float  #: seconds since 1970-01-01 UTC


class Loan(Generic[T]):
    """Values that came at once, under one token."""

    __slots__ = ("attempts", "left", "token", "values")

    def __init__(self, token: bytes, values: list[T], attempts: Sequence[int]) -> None:
        self.token = token
        self.values = values
        self.attempts = attempts  #: empty: the first of each
        self.left: set[int] | None = None  #: places not settled yet; None: all

    def ticket(self) -> Ticket:
        """All that is not settled yet; it is from now on."""
        left, self.left = self.left, set()
        return Ticket(self.token, None if left is None else tuple(sorted(left)))

    def ticket_of(self, place: int) -> Ticket:
        """One of them; it is settled from now on."""
        if self.left is None:
            self.left = set(range(len(self.values)))
        self.left.discard(place)
        return Ticket(self.token, (place,))

    def is_settled(self, place: int) -> bool:
        """Whether something was said of it."""
        return self.left is not None and place not in self.left

    @property
    def settled(self) -> bool:
        """Whether something was said of all."""
        return self.left is not None and not self.left


def merged(tickets: Iterable[Ticket]) -> list[Ticket]:
    """The same, one for each token."""
    places: dict[bytes, tuple[int, ...] | None] = {}
    for token, more in tickets:
        known = places.get(token, ())
        places[token] = None if more is None or known is None else (*known, *more)
    return [Ticket(*pair) for pair in places.items()]


class Until:
    """The end of a wait, in slices that one call may wait."""

    def __init__(self, wait_s: float | None) -> None:
        """None: there is no end. Raises UsageError where it is no number of seconds."""
        if wait_s is not None and not wait_s >= 0:
            raise UsageError(f"A wait is 0 seconds or more, not {wait_s}.")
        self._until_s = inf if wait_s is None else time.monotonic() + wait_s

    @property
    def _left_s(self) -> float:
        return max(0.0, self._until_s - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether the wait is over."""
        return not self._left_s

    def slice_s(self) -> float:
        """How long the next call may wait."""
        return min(self._left_s, calls.WAIT_MOST_S)

    def pause_s(self, lost: int) -> float:
        """How long to wait before the next try to reach a server that has gone."""
        return min(self._left_s, PAUSE_MOST_S, retry_in_s(lost, first_s=PAUSE_FIRST_S))


class Loans(NamedTuple, Generic[T]):
    """What an answer holds: values, and tickets of those that are of another type."""

    loan: Loan[T]
    misfits: list[tuple[Ticket, str]]


class Lending(Generic[T]):
    """One queue as its clients see it: how its values become calls, and answers values."""

    def __init__(self, name: str, kind: Any, terms: QueueTerms) -> None:
        """Raises UsageError where the name, the type or a term is none."""
        if not 1 <= len(name) <= calls.NAME_MOST:
            raise UsageError(f"A queue's name has 1 to {calls.NAME_MOST} characters: {name!r}.")
        self.name = name
        self._wish = _wish(name, terms)
        try:
            self._one = msgspec.msgpack.Decoder(kind)
            self._many = msgspec.msgpack.Decoder(list[kind])
        except TypeError as error:
            raise UsageError(f"Values of a queue cannot be of this type: {error}") from None

    # Calls.

    def ask(self, shape: type[calls.A], *arguments: Any) -> calls.A:
        """A call about this queue."""
        return shape(self.name, self._wish, *arguments)

    def puts(self, values: Iterable[T], priority: int, in_s: float) -> Iterator[tuple[Put, int]]:
        """The calls that put values, and how many each holds."""
        if not -calls.PRIORITY_MOST <= priority <= calls.PRIORITY_MOST:
            most = calls.PRIORITY_MOST
            raise UsageError(f"A priority lies between -{most} and {most}, not at {priority}.")
        for items in _chunks(values):
            yield self.ask(Put, items, priority, in_s), len(items)

    def get(self, limit: int, lease_s: float | None, done: Sequence[Ticket] = ()) -> Get:
        """The call that takes values; to be given its wait."""
        return self.ask(Get, limit, 0.0, lease_s, list(done))

    def settle(
        self, tickets: Sequence[Ticket], verb: Verb, in_s: float | None = None, why: str = ""
    ) -> Settle:
        """The call that settles leases."""
        why = why[: calls.WHY_MOST].encode("utf-8", "replace").decode()  # no lone surrogates
        return self.ask(Settle, list(tickets), verb, in_s, why)

    # Answers.

    def lent(self, payload: bytes) -> Loans[T] | None:
        """The values of an answer; None: there are none."""
        lent = decode(payload, Lent)
        if not lent.token:
            return None
        try:
            values: list[T] = self._many.decode(lent.items)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return self._sorted_out(lent)
        return Loans(Loan(lent.token, values, lent.attempts), [])

    def _sorted_out(self, lent: Lent) -> Loans[T]:
        """Values of another type are no reason to lose those that are right."""
        loan: Loan[T] = Loan(lent.token, [], lent.attempts)
        misfits, fits = [], set()
        for place, item in enumerate(decode(memoryview(lent.items), list[msgspec.Raw])):
            try:
                loan.values.append(self._one.decode(item))
                fits.add(place)
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
                loan.values.append(None)  # type: ignore[arg-type]
                misfits.append((Ticket(lent.token, (place,)), f"wrong-type: {error}"))
                _log.warning("queue %s: an item of another type: %s", self.name, error)
        loan.left = fits
        return Loans(loan, misfits)

    def letters(self, payload: bytes) -> list[DeadLetter[Any]]:
        """The dead items of an answer; one of another type has its plain value."""
        return [
            DeadLetter(one.id, self._read(one.item), one.attempts, one.why, one.died_at)
            for one in decode(payload, list[calls.Buried])
        ]

    def _read(self, item: msgspec.Raw) -> Any:
        try:
            return self._one.decode(item)
        except msgspec.ValidationError:
            return msgspec.msgpack.decode(item)


def _wish(name: str, terms: QueueTerms) -> msgspec.Raw:
    wish = encode(Wish(**terms))
    try:
        decode(wish, Wish)
    except ProtocolError as error:
        raise UsageError(f"The terms {terms} of queue {name!r} cannot be: {error}") from None
    return msgspec.Raw(wish)


def _chunks(values: Iterable[Any]) -> Iterator[list[msgspec.Raw]]:
    chunk: list[msgspec.Raw] = []
    size = 0
    for value in values:
        item = msgspec.Raw(calls.plain(value))
        size += len(memoryview(item))
        if chunk and (len(chunk) == calls.ITEMS_MOST or size > _PUT_MOST):
            yield chunk
            chunk, size = [], len(memoryview(item))
        chunk.append(item)
    if chunk:
        yield chunk
