"""The blocking client of named queues; threads may share it."""

import logging
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, Full
from typing import Any, Generic, Self, TypeVar, Unpack, overload

import msgspec

from bowerbird.codec import decode, encode
from bowerbird.errors import BowerbirdError, ConnectionLostError
from bowerbird.leases import Counts, Ticket, Verb
from bowerbird.queues.address import Address, parse_address
from bowerbird.queues.client import TIMEOUT_S, Connection
from bowerbird.queues.named import calls
from bowerbird.queues.named.calls import Ask, Get, Put, QueueInfo
from bowerbird.queues.named.items import Batch, Item, Leased
from bowerbird.queues.named.keys import key_of
from bowerbird.queues.named.lending import DeadLetter, Lending, Loan, QueueTerms, Until, merged
from bowerbird.queues.tls import ClientTls

_log = logging.getLogger(__name__)

T = TypeVar("T")

#: Items of a batch unless told otherwise.
BATCH = 64


class QueueClient:
    """Queues of one server."""

    def __init__(
        self,
        address: str | Address,
        authkey: bytes | str,
        *,
        timeout_s: float = TIMEOUT_S,
        tls: ClientTls | None = None,
    ) -> None:
        """Connects at the first call; an answer may take `timeout_s`, waits of calls apart.

        Raises:
            UsageError: the address is none, or a file of `tls` cannot be used.
        """
        found = parse_address(address) if isinstance(address, str) else address
        self.address = found
        self.closed = False
        self._timeout_s = timeout_s
        self._connect = partial(Connection, found, key_of(authkey), timeout_s, tls)
        self._connections = {os.getpid(): self._connect()}

    def __repr__(self) -> str:
        return f"<QueueClient of {self.address}>"

    @property
    def _connection(self) -> Connection:
        """A forked child has connections of its own: over its parent's, answers would mix."""
        found = self._connections.get(os.getpid())
        if found is None:
            found = self._connections.setdefault(os.getpid(), self._connect())
        return found

    @overload
    def queue(self, name: str, **terms: Unpack[QueueTerms]) -> "NamedQueue[Any]": ...
    @overload
    def queue(self, name: str, type: type[T], **terms: Unpack[QueueTerms]) -> "NamedQueue[T]": ...
    def queue(self, name: str, type: Any = Any, **terms: Unpack[QueueTerms]) -> "NamedQueue[Any]":
        """A queue, made if it is not there. The terms that are given are so from now on, for all;
        those left out stay, or are as with new queues.

        `type`: of its values (a msgspec.Struct, a dataclass, …), checked on arrival; one of another
        type becomes a dead letter. Plain values where it is left out.

        Raises:
            UsageError: the queue is there and not as durable as wished, or cannot be; or a term
                is out of range.
            BowerbirdError: the server cannot be reached; see `Connection.open`.
        """
        queue: NamedQueue[Any] = NamedQueue(self, Lending(name, type, terms))
        self.call(queue.lending.ask(calls.Open))
        return queue

    def queues(self) -> dict[str, QueueInfo]:
        """All queues of the server by name."""
        return decode(self._connection.call(calls.LIST), dict[str, QueueInfo])

    def close(self) -> None:
        """Close all connections: what is still leased goes to the next. Idempotent."""
        self.closed = True
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, ask: Ask, wait_s: float = 0.0) -> bytes:
        """Make a call that may wait at the server for so long."""
        return self._connection.call(calls.method_of(ask), encode(ask), wait_s + self._timeout_s)


class NamedQueue(Generic[T]):
    """One queue. Waits are in seconds; None: for ever."""

    def __init__(self, client: QueueClient, lending: Lending[T]) -> None:
        self.lending = lending
        self._client = client

    def __repr__(self) -> str:
        return f"<NamedQueue {self.name!r}>"

    @property
    def name(self) -> str:
        """Its name at the server."""
        return self.lending.name

    # Putting.

    def put(
        self, value: T, *, wait_s: float | None = None, priority: int = 0, in_s: float = 0.0
    ) -> None:
        """Put a value; `put_many` says how, and what it raises."""
        self.put_many((value,), wait_s=wait_s, priority=priority, in_s=in_s)

    def put_many(
        self,
        values: Iterable[T],
        *,
        wait_s: float | None = None,
        priority: int = 0,
        in_s: float = 0.0,
    ) -> None:
        """Put values, in few calls. Once it returns they are the server's, and survive it where
        the queue is durable.

        Args:
            wait_s: how long to wait for room in a bounded queue.
            priority: -100 to 100, the higher are given first.
            in_s: none of them is given before.

        Raises:
            queue.Full: there was no room; `args` say how many found some.
            UsageError: a value is not made of what msgpack holds.
            ConnectionLostError: the server went away. What was under way may have been put.
        """
        until = Until(wait_s)
        done = 0
        for put, number in self.lending.puts(values, priority, in_s):
            went = self._put(put, number, until)
            done += went
            if went < number:
                raise Full(f"The queue {self.name!r} is full; {done} of the values were put.")

    def _put(self, put: Put, number: int, until: "Until") -> int:
        done = 0
        while True:
            wait_s = until.slice_s()
            rest = msgspec.structs.replace(put, items=put.items[done:], wait_s=wait_s)
            done += decode(self._client.call(rest, wait_s), int)
            if done == number or until.over:
                return done

    # Getting.

    def get(self, wait_s: float | None = None, *, lease_s: float | None = None) -> Item[T]:
        """Lease the next value. A server that goes away meanwhile is waited for.

        Raises:
            queue.Empty: there was none in time.
        """
        batch = self.get_many(1, wait_s, lease_s=lease_s)
        if not batch:
            raise Empty
        return batch[0]

    def get_many(
        self,
        limit: int = BATCH,
        wait_s: float | None = None,
        *,
        lease_s: float | None = None,
        done: Iterable[Leased[int]] = (),
    ) -> Batch[T]:
        """Lease up to `limit` values (1,000 at most) as soon as there is one; none where there was
        none in time. `done`: these are done, said in the same call."""
        return self._get(self.lending.get(limit, lease_s, _tickets(done)), Until(wait_s))

    def _get(self, get: Get, until: "Until") -> Batch[T]:
        lost = 0
        while True:
            wait_s = until.slice_s()
            try:
                payload = self._client.call(msgspec.structs.replace(get, wait_s=wait_s), wait_s)
            except ConnectionLostError as error:  # a lease that got lost goes back by itself
                lost += 1
                if until.over or self._client.closed:
                    raise
                _log.warning("%s Trying again.", error)
                time.sleep(until.pause_s(lost))
                continue
            lost = 0
            batch = self._batch(payload)
            if batch or until.over:
                return batch

    def _batch(self, payload: bytes) -> Batch[T]:
        loans = self.lending.lent(payload)
        if loans is None:
            return Batch(self, Loan(b"", [], ()))
        for ticket, why in loans.misfits:
            self.settle([ticket], Verb.DEAD, why=why)
        return Batch(self, loans.loan)

    def __iter__(self) -> Iterator[Item[T]]:
        return self.items()

    def items(self, wait_s: float | None = None, *, ahead: int = 1) -> Iterator[Item[T]]:
        """Lease values one after the other, until none came for `wait_s`.

        An item is done when the next is asked for, unless something was said of it. Where the loop
        is left, by `break` or an exception, its item goes back with no attempt counted: `ack` it
        before the `break` if it is done. `ahead`: so many are leased at once, for bodies that are
        short against the lease time.
        """
        done: list[Ticket] = []
        while batch := self._get(self.lending.get(ahead, None, done), Until(wait_s)):
            done = []
            try:
                for item in batch:
                    yield item
                    if not item.settled:
                        done.append(item.take_ticket())
            except GeneratorExit:
                self._leave(batch, done)
                raise
            done = merged(done)

    def _leave(self, batch: Batch[T], done: list[Ticket]) -> None:
        """Should the server have gone, it all goes back by itself."""
        with suppress(BowerbirdError):
            if done:
                self.settle(merged(done), Verb.DONE)
            batch.release()

    # Settling.

    def ack_many(self, items: Iterable[Leased[int]]) -> int:
        """All these are done, in one call; answers for how many that counted."""
        return self.settle(_tickets(items), Verb.DONE)

    def settle(
        self, tickets: Sequence[Ticket], verb: Verb, in_s: float | None = None, why: str = ""
    ) -> int:
        """Say what became of leases; for `Item` and `Batch`."""
        if not tickets:
            return 0
        return decode(self._client.call(self.lending.settle(tickets, verb, in_s, why)), int)

    def renew(self, tickets: Sequence[Ticket], lease_s: float | None = None) -> int:
        """Let leases begin anew; for `Item` and `Batch`."""
        return decode(self._client.call(self.lending.ask(calls.Renew, list(tickets), lease_s)), int)

    # Looking.

    def counts(self) -> Counts:
        """How many items there are, by state."""
        return decode(self._client.call(self.lending.ask(calls.Count)), Counts)

    def dead(self, limit: int = 100, after: int = 0) -> list[DeadLetter[T]]:
        """Dead letters with an id above `after`, in the order of their ids."""
        return self.lending.letters(
            self._client.call(self.lending.ask(calls.ListDead, after, limit))
        )

    def requeue(self, ids: Iterable[int] | None = None) -> int:
        """Let dead letters (None: all) be given again, as new: how many."""
        return self._count(calls.Requeue, ids)

    def forget(self, ids: Iterable[int] | None = None) -> int:
        """Forget dead letters (None: all): how many."""
        return self._count(calls.Forget, ids)

    def _count(
        self, shape: type[calls.Requeue] | type[calls.Forget], ids: Iterable[int] | None
    ) -> int:
        ask = self.lending.ask(shape, None if ids is None else list(ids))
        return decode(self._client.call(ask), int)


def _tickets(items: Iterable[Leased[int]]) -> list[Ticket]:
    return merged(one.take_ticket() for one in items if not one.settled)
