"""The server: one thread with an asyncio loop, any number of doors and connections."""

import socket
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import msgspec

from bowerbird.errors import ProtocolError, UsageError
from bowerbird.queues.address import Address, TlsAddress, UnixAddress
from bowerbird.queues.door import LOCAL, Caller, Door
from bowerbird.queues.entrance import Entrance, listen_at
from bowerbird.queues.keepalive import hurry
from bowerbird.queues.limits import Limits, strangers_most
from bowerbird.queues.messages import Reply, Request, failure
from bowerbird.queues.oldstyle.values import OldCall, OldHandler, OldMenu, OldReply
from bowerbird.queues.peer import Peer
from bowerbird.queues.refusals import Refusals
from bowerbird.queues.strangers import Strangers
from bowerbird.queues.tls import server_context
from bowerbird.queues.tls_layer import TlsLayer

if TYPE_CHECKING:
    import asyncio
    import ssl

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


@runtime_checkable
class CarefulHandler(Protocol):
    """A handler that wants to know which of its answers reached nobody."""

    def undelivered(self, connection: int, reply: Reply | OldReply) -> None:
        """The connection has ended before this could be sent; called on the server's thread."""
        ...


class Server:
    """Carries requests to a handler, and its replies back."""

    def __init__(self, doors: Sequence[Door], limits: Limits | None = None) -> None:
        self.doors = tuple(doors)  #: after `start` with the ports that were found
        self._limits = limits or Limits()
        self._handler: Handler
        self._old: OldHandler | None = None
        self._careful: CarefulHandler | None = None
        self._peers: dict[int, Peer] = {}
        self._strangers: dict[Door, Strangers] = {}
        self._refusals: dict[Door, Refusals] = {}
        self._contexts: dict[Door, ssl.SSLContext | None] = {}
        self._arrivals: set[asyncio.Task[object]] = set()  # the loop itself holds them weakly
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
            UsageError: an address is in use or none of this machine's; a certificate or key cannot
                be used, or is missing where the address is `tls://`.
        """
        contexts = list(map(_context_of, self.doors))
        with ExitStack() as opened:
            listeners = [_opened(opened, door.address) for door in self.doors]
            opened.pop_all()
        self.doors = tuple(map(_found, self.doors, listeners))
        self._contexts = dict(zip(self.doors, contexts, strict=True))
        self._strangers = {door: self._strangers_of(door) for door in self.doors}
        self._refusals = {door: Refusals(str(door.address)) for door in self.doors}
        self._handler = handler
        self._old = handler if isinstance(handler, OldHandler) else None
        self._careful = handler if isinstance(handler, CarefulHandler) else None
        self._thread = threading.Thread(target=self._run, args=(listeners,), name="queue-server")
        self._thread.daemon = True
        self._thread.start()

    def reply_many(self, replies: Sequence[tuple[int, Reply | OldReply]]) -> None:
        """Send replies to connections by their numbers; one wake-up of the loop for all."""
        if replies:
            here = self._thread is threading.current_thread()  # then the loop is awake
            call_soon = self._loop.call_soon if here else self._loop.call_soon_threadsafe
            with suppress(RuntimeError):  # the loop has ended, and with it who asked
                call_soon(self._deliver, replies)

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
            _remove(address)

    # On the loop's thread: the life of the server.

    def _run(self, listeners: Sequence[socket.socket]) -> None:
        import asyncio  # 40 ms that pass while the caller goes on

        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            self._closing, self._emptied = asyncio.Event(), asyncio.Event()
            self._ready.set()
            runner.run(self._serve(listeners))

    async def _serve(self, listeners: Sequence[socket.socket]) -> None:
        entrances = list(map(self._entrance, self.doors, listeners))
        await self._closing.wait()
        for entrance in entrances:
            entrance.close()
        await self._part()

    def _entrance(self, door: Door, listener: socket.socket) -> Entrance:
        return Entrance(
            listener, self._loop, partial(self._admit, door), partial(self._spare, door)
        )

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

    def _admit(self, door: Door, sock: socket.socket) -> None:
        hurry(sock)
        arrival = self._loop.create_task(
            self._loop.connect_accepted_socket(partial(self._protocol, door), sock)
        )
        self._arrivals.add(arrival)
        arrival.add_done_callback(self._arrivals.discard)

    def _protocol(self, door: Door) -> Any:
        self._count += 1
        peer = Peer(self._count, self, door, self._limits_of(door), self._loop)
        context = self._contexts.get(door)
        return TlsLayer(peer, context) if context else peer

    def _limits_of(self, door: Door) -> Limits:
        return door.limits or self._limits

    def _strangers_of(self, door: Door) -> Strangers:
        limits = self._limits_of(door)
        most = strangers_most(limits, tls=door.tls is not None)
        return Strangers(most, limits.unauthenticated_each)

    def _spare(self, door: Door) -> None:
        """There is no descriptor left: a stranger gives way."""
        self._push_out(door, self._strangers[door].first_to_go())

    def _push_out(self, door: Door, number: int | None) -> None:
        peer = self._peers.get(number or 0)
        if peer is not None:
            self._strangers[door].left(peer.number, peer.source)
            peer.drop("too many that have not authenticated")

    def _deliver(self, replies: Sequence[tuple[int, Reply | OldReply]]) -> None:
        for number, reply in replies:
            peer = self._peers.get(number)
            if self._careful is not None and (peer is None or peer.is_gone()):
                self._careful.undelivered(number, reply)
            elif peer is not None:
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
        self._peers[peer.number] = peer
        if self._closing.is_set():
            peer.drop("the server closes")
        else:
            gone = self._strangers[peer.door].arrived(peer.number, peer.source)
            self._push_out(peer.door, gone)

    def authenticated(self, peer: Peer) -> None:
        for gone in self._strangers[peer.door].authenticated(peer.number, peer.source):
            self._push_out(peer.door, gone)

    def refused(self, peer: Peer, why: str) -> None:
        self._refusals[peer.door].note(peer.caller.peer, why)

    def asked(self, peer: Peer, request: Request | OldCall) -> None:
        if isinstance(request, Request):
            self._handler.asked(Call(peer.number, request, peer.caller))
        elif self._old is not None:
            self._old.asked_old(request)

    def old_menu(self) -> OldMenu | None:
        """What old-style clients find here; None: they are not served."""
        return None if self._old is None else self._old.old_menu()

    def left(self, peer: Peer) -> None:
        self._strangers[peer.door].left(peer.number, peer.source)
        self._peers.pop(peer.number, None)
        if not self._peers:
            self._emptied.set()
        if peer.known:
            self._handler.closed(peer.number)


def rehearse(doors: Sequence[Door]) -> None:
    """See that a server could listen at these doors, before anything is built for it.

    Raises:
        UsageError: see `Server.start`.
    """
    for door in doors:
        _context_of(door)
        with ExitStack() as opened:
            _opened(opened, door.address)


def _found(door: Door, listener: socket.socket) -> Door:
    if isinstance(door.address, UnixAddress):
        return door
    address = msgspec.structs.replace(door.address, port=listener.getsockname()[1])
    return msgspec.structs.replace(door, address=address)


def _opened(opened: ExitStack, address: Address) -> socket.socket:
    listener = opened.enter_context(listen_at(address))
    opened.callback(_remove, address)
    return listener


def _remove(address: Address) -> None:
    if isinstance(address, UnixAddress):
        Path(address.path).unlink(missing_ok=True)


def _context_of(door: Door) -> "ssl.SSLContext | None":
    if door.tls is None and not isinstance(door.address, TlsAddress):
        return None
    if door.tls is None or not isinstance(door.address, TlsAddress):
        raise UsageError(
            f"{door.address}: a tls:// address, and no other, takes a certificate and its key "
            "(--tls-cert, --tls-key; `bowerbird keygen --tls` makes both)."
        )
    return server_context(door.tls)
