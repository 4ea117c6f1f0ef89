"""Calls over one connection, for asyncio: many at once, each with a number of its own."""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress

from bowerbird.errors import AuthenticationError, BowerbirdError, ConnectionLostError, ProtocolError
from bowerbird.queues import keepalive
from bowerbird.queues.address import Address, TlsAddress, UnixAddress
from bowerbird.queues.handshake import client_handshake
from bowerbird.queues.messages import Reply, Request, answer_of, framed, read_reply
from bowerbird.queues.tls import ClientTls, check_pin, client_context
from bowerbird.queues.trouble import something_else, trouble
from bowerbird.queues.wire import FRAME_LIMIT, HANDSHAKE_LIMIT, FrameReader, frame

#: Bytes asked of the stream at once.
_CHUNK = 64 << 10

#: What is done with an answer whose caller has gone.
Late = Callable[[bytes], None]


class Stream:
    """One authenticated connection.

    A call that is cancelled leaves its number behind: its answer, when it comes, is nobody else's.
    """

    def __init__(
        self, address: Address, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.heard = b""  #: the first that was said
        self._address = address
        self._reader, self._writer = reader, writer
        self._frames = FrameReader(HANDSHAKE_LIMIT)
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._late: dict[int, Late | None] = {}
        self._early: dict[int, Reply] = {}
        self._error: BowerbirdError | None = None
        self._listener: asyncio.Task[None] | None = None

    @property
    def under_way(self) -> int:
        """Calls whose answers have not come, also those that nobody waits for."""
        return len(self._waiting) + len(self._late)

    @property
    def is_open(self) -> bool:
        """Whether calls can be made."""
        return self._error is None

    async def authenticate(self, authkey: bytes) -> None:
        """Shake hands, and listen from then on."""
        handshake = client_handshake(authkey)
        while not handshake.done:
            try:
                handshake.receive(await self._receive())
            finally:
                for message in handshake.take():
                    self._writer.write(frame(message))
        self._frames.limit = FRAME_LIMIT
        self._listener = asyncio.create_task(self._listen(), name="queue-answers")

    async def call(self, method: str, payload: bytes, late: Late | None = None) -> bytes:
        """Make a call. Should it be cancelled, `late` gets what is answered all the same.

        Raises:
            ConnectionLostError: the server went away. Whether the call was carried out is not
                known.
            RemoteCallError: it failed there; some others keep their class.
        """
        if self._error is not None:
            raise self._error
        id = next(self._ids)
        message = framed(Request(id, method, payload))
        future = self._waiting[id] = asyncio.get_running_loop().create_future()
        self._writer.write(message)
        try:
            await self._writer.drain()
            return answer_of(await future)
        except asyncio.CancelledError:
            self._leave(id, future, late)
            raise
        except OSError as error:
            raise trouble(error, self._address) from None
        finally:
            self._waiting.pop(id, None)

    def _leave(self, id: int, future: asyncio.Future[Reply], late: Late | None) -> None:
        reply = self._early.pop(id, None)
        if future.done() and not future.cancelled() and future.exception() is None:
            reply = future.result()
        if reply is None:
            self._late[id] = late
        elif late is not None and not reply.error:
            late(reply.payload)

    async def close(self) -> None:
        """End the connection; calls under way end with ConnectionLostError."""
        self._end(ConnectionLostError("This connection has been closed."))
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener
        with suppress(OSError):
            await self._writer.wait_closed()

    # What comes.

    async def _listen(self) -> None:
        try:
            while True:
                self._take(read_reply(await self._receive()))
        except BowerbirdError as error:
            self._end(error)

    def _take(self, reply: Reply) -> None:
        future = self._waiting.pop(reply.id, None)
        if future is not None and not future.done():
            future.set_result(reply)
        elif future is not None:
            self._early[reply.id] = reply  # cancelled, and its caller is about to leave
        elif reply.id in self._late:
            late = self._late.pop(reply.id)
            if late is not None and not reply.error:
                late(reply.payload)
        else:
            raise ProtocolError("an answer to a question that was not asked.")

    def _end(self, error: BowerbirdError) -> None:
        if self._error is None:
            self._error = error
        self._writer.close()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(self._error)
        self._waiting.clear()
        self._late.clear()

    async def _receive(self) -> bytes:
        while (message := self._frames.next()) is None:
            try:
                data = await self._reader.read(_CHUNK)
            except OSError as error:
                raise trouble(error, self._address) from None
            if not data:
                raise ConnectionLostError("The other end has closed the connection.")
            self.heard = self.heard or data
            self._frames.feed(data)
        return message


async def open_stream(
    address: Address, authkey: bytes, tls: ClientTls | None, timeout_s: float
) -> Stream:
    """Connect and authenticate; raises what `Connection.open` raises."""
    try:
        async with asyncio.timeout(timeout_s):
            return await _opened(address, authkey, tls or ClientTls())
    except TimeoutError:
        raise ConnectionLostError(f"{address} did not answer in time.") from None


async def _opened(address: Address, authkey: bytes, tls: ClientTls) -> Stream:
    try:
        reader, writer = await _connected(address, tls)
    except OSError as error:
        if isinstance(address, TlsAddress):
            raise trouble(error, address) from None
        reason = error.strerror or str(error)
        raise ConnectionLostError(f"Nothing answers at {address}: {reason}.") from None
    stream = Stream(address, reader, writer)
    try:
        _look_at(address, tls, writer)
        await stream.authenticate(authkey)
    except AuthenticationError as error:
        await stream.close()
        raise AuthenticationError(
            f"No entry at {address}: {error} Both machines need the same one."
        ) from None
    except ProtocolError:
        await stream.close()
        raise something_else(address, stream.heard) from None
    except BaseException:
        await stream.close()
        raise
    return stream


async def _connected(
    address: Address, tls: ClientTls
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(address, UnixAddress):
        return await asyncio.open_unix_connection(address.path)
    context = client_context(tls) if isinstance(address, TlsAddress) else None
    return await asyncio.open_connection(address.host, address.port, ssl=context)


def _look_at(address: Address, tls: ClientTls, writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    keepalive.watch(sock)  # asyncio has set TCP_NODELAY
    if isinstance(address, TlsAddress):
        shown = writer.get_extra_info("ssl_object").getpeercert(True)
        check_pin(tls.fingerprint, shown, str(address))
