"""One connection of the server: handshake, requests, back-pressure. Lives on the loop's thread.

An asyncio protocol by its methods; asyncio itself is not needed here.
"""

import logging
import select
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from bowerbird.errors import AuthenticationError, ProtocolError
from bowerbird.queues.address import host_port
from bowerbird.queues.door import LOCAL, Caller, Door, is_secure
from bowerbird.queues.handshake import server_handshake
from bowerbird.queues.keepalive import acknowledge, watch
from bowerbird.queues.limits import Limits
from bowerbird.queues.messages import (
    MAGIC,
    Reply,
    Request,
    failure,
    framed,
    is_of_another_version,
    read_request,
)
from bowerbird.queues.strangers import source_of
from bowerbird.queues.wire import HANDSHAKE_LIMIT, FrameReader, frame

if TYPE_CHECKING:
    import asyncio

    from bowerbird.queues.oldstyle.dialect import OldDialect
    from bowerbird.queues.oldstyle.values import OldCall, OldMenu, OldReply
    from bowerbird.queues.tls_layer import TlsLayer

_log = logging.getLogger(__name__)

#: What the kernel says of a socket whose other end has closed; macOS tells it with POLLHUP alone.
_GONE = getattr(select, "POLLRDHUP", 0)


#: All that another version needs of this is its first byte.
_ANOTHER_VERSION = framed(failure(0, ProtocolError("another version is spoken here.")))


class Dialect(Protocol):
    """How requests and replies look on one connection, told by the first byte of its requests."""

    def read(self, frame: bytes) -> "Request | OldCall | bytes":
        """What the handler is asked; bytes: a whole frame that answers at once.

        Raises ProtocolError where the frame is no request.
        """
        ...

    def write(self, reply: Any) -> bytes | bytearray:
        """A whole frame for a reply of its own kind.

        Raises ProtocolError where the reply does not fit into one.
        """
        ...


class OurDialect:
    """msgpack, for our own clients."""

    def __init__(self, _peer: "Peer") -> None:
        pass

    read = staticmethod(read_request)
    write = staticmethod(framed)


def _old_dialect(peer: "Peer") -> "OldDialect":
    from bowerbird.queues.oldstyle.dialect import OldDialect  # few servers meet such clients

    return OldDialect(peer.number, peer.caller, peer.host.old_menu)


#: First byte of a frame -> its dialect. Old-style requests are pickles: 0x80, or "(" below
#: protocol 2.
DIALECTS: dict[int, Callable[["Peer"], Dialect]] = {
    MAGIC: OurDialect,
    0x80: _old_dialect,
    0x28: _old_dialect,
}


class Host(Protocol):
    """What a peer tells its server."""

    def arrived(self, peer: "Peer") -> None: ...
    def authenticated(self, peer: "Peer") -> None: ...
    def asked(self, peer: "Peer", request: "Request | OldCall") -> None: ...
    def old_menu(self) -> "OldMenu | None": ...
    def refused(self, peer: "Peer", why: str) -> None: ...
    def left(self, peer: "Peer") -> None: ...


class Peer:
    """One connection."""

    def __init__(
        self,
        number: int,
        host: Host,
        door: Door,
        limits: Limits,
        loop: "asyncio.AbstractEventLoop",
    ) -> None:
        self.number = number
        self.known = False  #: it has shown that it knows the key
        self.caller = LOCAL
        self.host = host
        self.door = door
        self.source = b""  #: what strangers are counted by
        self._limits = limits
        self._handshake = server_handshake(door.authkey, legacy=door.legacy)
        self._reader = FrameReader(HANDSHAKE_LIMIT)
        self._dialect: Dialect | None = None
        self._transport: asyncio.Transport | TlsLayer
        self._in_flight = 0
        self._choked = False  # it does not read what we send
        self._reading = True
        self._deadline = loop.call_later(limits.handshake_s, self._late)

    # Called by asyncio.

    def connection_made(self, transport: "asyncio.Transport | TlsLayer") -> None:
        self._transport = transport
        transport.set_write_buffer_limits(high=self._limits.write_high)
        peername = transport.get_extra_info("peername")
        self.source = source_of(peername)
        self.caller = Caller(_text_of(peername), is_secure(self.door.address))
        self.host.arrived(self)
        self._send_handshake()

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        self._pump()

    def eof_received(self) -> bool:
        return False  # whoever says no more wants no answers either

    def pause_writing(self) -> None:
        self._choked = True
        self._pace()

    def resume_writing(self) -> None:
        self._choked = False
        self._pump()

    def connection_lost(self, _error: Exception | None) -> None:
        self._deadline.cancel()
        self.host.left(self)

    # Called by the server.

    def reply(self, reply: "Reply | OldReply") -> None:
        """Send the answer to a request; too late for a connection that is closing."""
        if self._dialect is None or self._transport.is_closing():
            return
        self._transport.write(self._dialect.write(reply))
        self._in_flight -= 1
        if self._transport.get_write_buffer_size() > self._limits.write_most:
            self.drop("does not read its answers")
        elif not self._reading:
            self._pump()

    def is_gone(self) -> bool:
        """Whether the other end has gone, also where the loop has not been told yet."""
        if self._transport.is_closing():
            return True
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), _GONE)
        return bool(poll.poll(0))

    def drop(self, why: str) -> None:
        """End it at once."""
        level = logging.INFO if self.known else logging.DEBUG  # strangers could fill the disk
        _log.log(level, "%s dropped: %s", self._name(), why, extra={"action": "drop"})
        self._transport.abort()

    def close(self) -> None:
        """End it once what was written has gone out."""
        self._transport.close()

    # Inside.

    def _name(self) -> str:
        return f"connection {self.number} {self.caller.peer}".strip()

    def _late(self) -> None:
        self.drop("no handshake in time")

    def _busy(self) -> bool:
        return self._choked or self._in_flight >= self._limits.in_flight

    def _pump(self) -> None:
        """Take frames as long as their answers find room."""
        try:
            while not self._busy() and not self._transport.is_closing():
                frame = self._reader.next()
                if frame is None:
                    break
                self._take(frame)
        except AuthenticationError as error:
            self._send_handshake()
            self.host.refused(self, str(error))
            self.close()
        except ProtocolError as error:
            self.drop(str(error))
        else:
            self._pace()

    def _pace(self) -> None:
        """Read from the connection, or leave its bytes with the kernel."""
        if self._transport.is_closing() or self._reading is not self._busy():
            return
        self._reading = not self._reading
        if self._reading:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _take(self, frame: bytes) -> None:
        if not self.known:
            self._shake(frame)
            return
        if is_of_another_version(frame):
            self._transport.write(_ANOTHER_VERSION)
            self.close()
            return
        if self._dialect is None:
            self._dialect = _dialect_of(frame)(self)
        request = self._dialect.read(frame)
        if isinstance(request, bytes):
            self._transport.write(request)
            return
        self._in_flight += 1
        self.host.asked(self, request)

    def _shake(self, frame: bytes) -> None:
        self._handshake.receive(frame)
        self._send_handshake()
        acknowledge(self._transport.get_extra_info("socket"))
        if self._handshake.done:
            self.known = True
            self._deadline.cancel()
            watch(self._transport.get_extra_info("socket"))
            self._reader.limit = self._limits.frame
            self.host.authenticated(self)

    def _send_handshake(self) -> None:
        for message in self._handshake.take():
            self._transport.write(frame(message))


def _text_of(peername: object) -> str:
    if not isinstance(peername, tuple):
        return ""
    return host_port(peername[0].removeprefix("::ffff:"), peername[1])


def _dialect_of(frame: bytes) -> Callable[[Peer], Dialect]:
    speak = DIALECTS.get(frame[0]) if frame else None
    if speak is None:
        raise ProtocolError("a request of an unknown kind or of another version.")
    return speak
