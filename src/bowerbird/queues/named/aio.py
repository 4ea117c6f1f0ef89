"""The client of named queues for asyncio: the same queues, the same words, awaited."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import suppress
from queue import Empty, Full
from typing import Any, Generic, Self, TypeVar, Unpack, overload

import msgspec

from bowerbird.codec import decode, encode
from bowerbird.errors import BowerbirdError, ConnectionLostError
from bowerbird.leases import Counts, Ticket, Verb
from bowerbird.queues.address import Address, parse_address
from bowerbird.queues.client import TIMEOUT_S
from bowerbird.queues.named import calls
from bowerbird.queues.named.calls import Ask, Get, Put, QueueInfo
from bowerbird.queues.named.client import BATCH
from bowerbird.queues.named.items import AsyncBatch, AsyncItem, AsyncLeased
from bowerbird.queues.named.keys import key_of
from bowerbird.queues.named.lending import DeadLetter, Lending, Loan, QueueTerms, Until, merged
from bowerbird.queues.named.stream import Late, Stream, open_stream
from bowerbird.queues.tls import ClientTls

_log = logging.getLogger(__name__)

T = TypeVar("T")

#: Calls under way on one connection; for more there is another. A server reads no further where
#: 64 are unanswered, and calls that wait must not hold up those that do not.
CALLS_MOST = 32


class AsyncQueueClient:
    """Queues of one server, for the tasks of one event loop."""

    def __init__(
        self,
        address: str | Address,
        authkey: bytes | str,
        *,
        timeout_s: float = TIMEOUT_S,
        tls: ClientTls | None = None,
    ) -> None:
        """See `QueueClient`."""
        self._address = parse_address(address) if isinstance(address, str) else address
        self._authkey = key_of(authkey)
        self._timeout_s, self._tls = timeout_s, tls
        self._streams: list[Stream] = []
        self._opening = asyncio.Lock()
        self._errands: set[asyncio.Task[None]] = set()
        self.closed = False

    def __repr__(self) -> str:
        return f"<AsyncQueueClient of {self._address}>"

    @overload
    async def queue(self, name: str, **terms: Unpack[QueueTerms]) -> "AsyncNamedQueue[Any]": ...
    @overload
    async def queue(
        self, name: str, type: type[T], **terms: Unpack[QueueTerms]
    ) -> "AsyncNamedQueue[T]": ...
    async def queue(
        self, name: str, type: Any = Any, **terms: Unpack[QueueTerms]
    ) -> "AsyncNamedQueue[Any]":
        """A queue, made if it is not there; see `QueueClient.queue`."""
        queue: AsyncNamedQueue[Any] = AsyncNamedQueue(self, Lending(name, type, terms))
        await self.call(queue.lending.ask(calls.Open))
        return queue

    async def queues(self) -> dict[str, QueueInfo]:
        """All queues of the server by name."""
        async with asyncio.timeout(self._timeout_s):
            answer = await (await self._stream()).call(calls.LIST, b"")
        return decode(answer, dict[str, QueueInfo])

    async def close(self) -> None:
        """Close all connections: what is still leased goes to the next. Idempotent."""
        self.closed = True
        for errand in tuple(self._errands):
            errand.cancel()
        streams, self._streams = self._streams, []
        for stream in streams:
            await stream.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def call(self, ask: Ask, wait_s: float = 0.0, late: Late | None = None) -> bytes:
        """Make a call that may wait at the server for so long; see `Stream.call`."""
        stream = await self._stream()
        try:
            async with asyncio.timeout(wait_s + self._timeout_s):
                return await stream.call(calls.method_of(ask), encode(ask), late)
        except TimeoutError:
            raise ConnectionLostError(f"{self._address} did not answer in time.") from None

    def send_off(self, errand: Coroutine[Any, Any, object]) -> None:
        """Do something that nobody waits for, and that may fail."""
        task = asyncio.create_task(_quietly(errand))
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _stream(self) -> Stream:
        """A connection with room for a call."""
        if (found := self._free()) is not None:
            return found
        async with self._opening:  # one at a time: the others find room in it
            if (found := self._free()) is not None:
                return found
            if self.closed:
                raise ConnectionLostError("This client has been closed.")
            stream = await open_stream(self._address, self._authkey, self._tls, self._timeout_s)
            self._streams.append(stream)
            return stream

    def _free(self) -> Stream | None:
        self._streams = [stream for stream in self._streams if stream.is_open]
        free = (stream for stream in self._streams if stream.under_way < CALLS_MOST)
        return next(free, None)


async def _quietly(errand: Coroutine[Any, Any, object]) -> None:
    with suppress(BowerbirdError):
        await errand


class AsyncNamedQueue(Generic[T]):
    """One queue; what its words mean is said at `NamedQueue`."""

    def __init__(self, client: AsyncQueueClient, lending: Lending[T]) -> None:
        self.lending = lending
        self._client = client

    def __repr__(self) -> str:
        return f"<AsyncNamedQueue {self.name!r}>"

    @property
    def name(self) -> str:
        """Its name at the server."""
        return self.lending.name

    # Putting.

    async def put(
        self, value: T, *, wait_s: float | None = None, priority: int = 0, in_s: float = 0.0
    ) -> None:
        """See `NamedQueue.put`."""
        await self.put_many((value,), wait_s=wait_s, priority=priority, in_s=in_s)

    async def put_many(
        self,
        values: Iterable[T],
        *,
        wait_s: float | None = None,
        priority: int = 0,
        in_s: float = 0.0,
    ) -> None:
        """See `NamedQueue.put_many`. Cancelled, it may have put some or all."""
        until = Until(wait_s)
        done = 0
        for put, number in self.lending.puts(values, priority, in_s):
            went = await self._put(put, number, until)
            done += went
            if went < number:
                raise Full(f"The queue {self.name!r} is full; {done} of the values were put.")

    async def _put(self, put: Put, number: int, until: Until) -> int:
        done = 0
        while True:
            wait_s = until.slice_s()
            rest = msgspec.structs.replace(put, items=put.items[done:], wait_s=wait_s)
            done += decode(await self._client.call(rest, wait_s), int)
            if done == number or until.over:
                return done

    # Getting.

    async def get(
        self, wait_s: float | None = None, *, lease_s: float | None = None
    ) -> AsyncItem[T]:
        """See `NamedQueue.get`. Cancelled, it loses nothing: what it would have got goes back."""
        batch = await self.get_many(1, wait_s, lease_s=lease_s)
        if not batch:
            raise Empty
        return batch[0]

    async def get_many(
        self,
        limit: int = BATCH,
        wait_s: float | None = None,
        *,
        lease_s: float | None = None,
        done: Iterable[AsyncLeased] = (),
    ) -> AsyncBatch[T]:
        """See `NamedQueue.get_many`. Cancelled, it loses nothing."""
        return await self._get(self.lending.get(limit, lease_s, _tickets(done)), Until(wait_s))

    async def _get(self, get: Get, until: Until) -> AsyncBatch[T]:
        lost = 0
        while True:
            wait_s = until.slice_s()
            ask = msgspec.structs.replace(get, wait_s=wait_s)
            try:
                payload = await self._client.call(ask, wait_s, self._give_back)
            except ConnectionLostError as error:  # a lease that got lost goes back by itself
                lost += 1
                if until.over or self._client.closed:
                    raise
                _log.warning("%s Trying again.", error)
                await asyncio.sleep(until.pause_s(lost))
                continue
            lost = 0
            batch = self._batch(payload)
            if batch or until.over:
                return batch

    def _give_back(self, payload: bytes) -> None:
        """An answer has come for a call that was cancelled."""
        token = decode(payload, calls.Lent).token
        if token and not self._client.closed:
            self._client.send_off(self.settle([Ticket(token)], Verb.RELEASED))

    def _batch(self, payload: bytes) -> AsyncBatch[T]:
        loans = self.lending.lent(payload)
        if loans is None:
            return AsyncBatch(self, Loan(b"", [], ()))
        for ticket, why in loans.misfits:
            self._client.send_off(self.settle([ticket], Verb.DEAD, why=why))
        return AsyncBatch(self, loans.loan)

    def __aiter__(self) -> AsyncIterator[AsyncItem[T]]:
        return self.items()

    async def items(
        self, wait_s: float | None = None, *, ahead: int = 1
    ) -> AsyncGenerator[AsyncItem[T], None]:
        """See `NamedQueue.items`. A loop that is left gives back when its iterator is closed
        (`contextlib.aclosing`), at the latest when its lease time is over."""
        done: list[Ticket] = []
        while batch := await self._get(self.lending.get(ahead, None, done), Until(wait_s)):
            done = []
            try:
                for item in batch:
                    yield item
                    if not item.settled:
                        done.append(item.take_ticket())
            except GeneratorExit:
                self._client.send_off(self._leave(batch, done))
                raise
            done = merged(done)

    async def _leave(self, batch: AsyncBatch[T], done: Sequence[Ticket]) -> None:
        if done:
            await self.settle(merged(done), Verb.DONE)
        await batch.release()

    # Settling.

    async def ack_many(self, items: Iterable[AsyncLeased]) -> int:
        """All these are done, in one call; answers for how many that counted."""
        return await self.settle(_tickets(items), Verb.DONE)

    async def settle(
        self, tickets: Sequence[Ticket], verb: Verb, in_s: float | None = None, why: str = ""
    ) -> int:
        """Say what became of leases; for `AsyncItem` and `AsyncBatch`."""
        if not tickets:
            return 0
        ask = self.lending.settle(tickets, verb, in_s, why)
        return decode(await self._client.call(ask), int)

    async def renew(self, tickets: Sequence[Ticket], lease_s: float | None = None) -> int:
        """Let leases begin anew; for `AsyncItem` and `AsyncBatch`."""
        ask = self.lending.ask(calls.Renew, list(tickets), lease_s)
        return decode(await self._client.call(ask), int)

    # Looking.

    async def counts(self) -> Counts:
        """How many items there are, by state."""
        return decode(await self._client.call(self.lending.ask(calls.Count)), Counts)

    async def dead(self, limit: int = 100, after: int = 0) -> list[DeadLetter[T]]:
        """Dead letters with an id above `after`, in the order of their ids."""
        return self.lending.letters(
            await self._client.call(self.lending.ask(calls.ListDead, after, limit))
        )

    async def requeue(self, ids: Iterable[int] | None = None) -> int:
        """Let dead letters (None: all) be given again, as new: how many."""
        return await self._count(calls.Requeue, ids)

    async def forget(self, ids: Iterable[int] | None = None) -> int:
        """Forget dead letters (None: all): how many."""
        return await self._count(calls.Forget, ids)

    async def _count(
        self, shape: type[calls.Requeue] | type[calls.Forget], ids: Iterable[int] | None
    ) -> int:
        ask = self.lending.ask(shape, None if ids is None else list(ids))
        return decode(await self._client.call(ask), int)


def _tickets(items: Iterable[AsyncLeased]) -> list[Ticket]:
    return merged(one.take_ticket() for one in items if not one.settled)
