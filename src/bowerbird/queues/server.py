"""The server: one thread with an asyncio loop, any number of doors and connections."""

import socket
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from bowerbird.errors import ProtocolError, UsageError
from bowerbird.queues.address import Address, UnixAddress
from bowerbird.queues.door import LOCAL, Caller, Door
from bowerbird.queues.messages import Reply, Request, failure
from bowerbird.queues.oldstyle.values import OldCall, OldHandler, OldMenu, OldReply
from bowerbird.queues.peer import Limits, Peer

if TYPE_CHECKING:
    import asyncio

#: Connections that the kernel keeps for us until we accept them.
BACKLOG = 1_024
#: How long answers may take to go out when the server closes, in seconds.
FLUSH_S = 2.0


class Call(NamedTuple):
    """A request and the connection it came by."""

    connection: int
    request: Request
    caller: Caller = LOCAL


class Handler(Protocol):
    """Who answers. Both methods are called on the server's thread and must not block."""

    def asked(self, call: Call) -> None:
        """A request came; its reply is given to `reply_many`, from whichever thread."""
        ...

    def closed(self, connection: int) -> None:
        """An authenticated connection has ended; replies to it go nowhere from now on."""
        ...


class Server:
    """Carries requests to a handler, and its replies back."""

    def __init__(self, doors: Sequence[Door], limits: Limits | None = None) -> None:
        self.doors = tuple(doors)  #: after `start` with the ports that were found
        self._limits = limits or Limits()
        self._handler: Handler
        self._peers: dict[int, Peer] = {}
        self._strangers: dict[int, Peer] = {}  # oldest first
        self._count = 0
        self._loop: asyncio.AbstractEventLoop
        self._closing: asyncio.Event
        self._emptied: asyncio.Event
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where it listens, door by door; after `start` with the ports that were found."""
        return tuple(door.address for door in self.doors)

    def start(self, handler: Handler) -> None:
        """Listen at all doors. Clients can connect when this returns; the loop starts meanwhile.

        Raises:
            UsageError: an address is in use or cannot be listened at.
        """
        with ExitStack() as opened:
            listeners = [opened.enter_context(_listen(door.address)) for door in self.doors]
            opened.pop_all()
        self.doors = tuple(map(_found, self.doors, listeners))
        self._handler = handler
        self._thread = threading.Thread(target=self._run, args=(listeners,), name="queue-server")
        self._thread.daemon = True
        self._thread.start()

    def reply_many(self, replies: Sequence[tuple[int, Reply | OldReply]]) -> None:
        """Send replies to connections by their numbers; one wake-up of the loop for all."""
        if replies:
            with suppress(RuntimeError):  # the loop has ended, and with it who asked
                self._loop.call_soon_threadsafe(self._deliver, replies)

    def close(self) -> None:
        """Stop listening, send what was answered, end all connections. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._ready.wait()
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._closing.set)
        thread.join()
        for address in self.addresses:
            if isinstance(address, UnixAddress):
                Path(address.path).unlink(missing_ok=True)

    # On the loop's thread: the life of the server.

    def _run(self, listeners: Sequence[socket.socket]) -> None:
        import asyncio  # 40 ms that pass while the caller goes on

        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            self._closing, self._emptied = asyncio.Event(), asyncio.Event()
            self._ready.set()
            runner.run(self._serve(listeners))

    async def _serve(self, listeners: Sequence[socket.socket]) -> None:
        servers = [await self._open(*pair) for pair in zip(self.doors, listeners, strict=True)]
        await self._closing.wait()
        for server in servers:
            server.close()
        await self._part()

    async def _open(self, door: Door, listener: socket.socket) -> "asyncio.Server":
        listen = (
            self._loop.create_unix_server
            if isinstance(door.address, UnixAddress)
            else self._loop.create_server
        )
        return await listen(partial(self._peer, door), sock=listener, backlog=BACKLOG)  # type: ignore[arg-type]

    async def _part(self) -> None:
        import asyncio

        for peer in tuple(self._peers.values()):
            peer.close()
        if self._peers:
            try:
                await asyncio.wait_for(self._emptied.wait(), FLUSH_S)
            except TimeoutError:
                for peer in tuple(self._peers.values()):
                    peer.drop("the server closes")

    def _peer(self, door: Door) -> Peer:
        self._count += 1
        return Peer(self._count, self, door, self._limits, self._loop)

    def _deliver(self, replies: Sequence[tuple[int, Reply | OldReply]]) -> None:
        for number, reply in replies:
            peer = self._peers.get(number)
            if peer is not None:
                self._deliver_one(peer, reply)

    def _deliver_one(self, peer: Peer, reply: Reply | OldReply) -> None:
        try:
            peer.reply(reply)
        except ProtocolError as error:
            if isinstance(reply, Reply):
                peer.reply(failure(reply.id, error))
            else:  # its dialect has told the client what can be told
                peer.drop(str(error))

    # On the loop's thread: what the peers tell.

    def arrived(self, peer: Peer) -> None:
        self._peers[peer.number] = self._strangers[peer.number] = peer
        if len(self._strangers) > self._limits.unauthenticated:
            oldest = next(iter(self._strangers.values()))
            del self._strangers[oldest.number]
            oldest.drop("too many that have not authenticated")

    def authenticated(self, peer: Peer) -> None:
        self._strangers.pop(peer.number, None)

    def asked(self, peer: Peer, request: Request | OldCall) -> None:
        if isinstance(request, Request):
            self._handler.asked(Call(peer.number, request, peer.caller))
        elif isinstance(self._handler, OldHandler):
            self._handler.asked_old(request)

    def old_menu(self) -> OldMenu | None:
        """What old-style clients find here; None: they are not served."""
        return self._handler.old_menu() if isinstance(self._handler, OldHandler) else None

    def left(self, peer: Peer) -> None:
        self._strangers.pop(peer.number, None)
        self._peers.pop(peer.number, None)
        if not self._peers:
            self._emptied.set()
        if peer.known:
            self._handler.closed(peer.number)


def _found(door: Door, listener: socket.socket) -> Door:
    if isinstance(door.address, UnixAddress):
        return door
    address = msgspec.structs.replace(door.address, port=listener.getsockname()[1])
    return msgspec.structs.replace(door, address=address)


def _listen(address: Address) -> socket.socket:
    try:
        if isinstance(address, UnixAddress):
            return _listen_unix(address.path)
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        return socket.create_server((address.host, address.port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise UsageError(f"Cannot listen at {address}: {error.strerror or error}.") from None


def _listen_unix(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(path)
        Path(path).chmod(0o600)  # the folder is private already; this is for those that are not
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
