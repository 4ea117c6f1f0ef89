"""TLS between a connection of the server and its peer, who need not know of it.

Towards asyncio a protocol, towards the peer a transport. The peer is there from the first moment,
so that its deadline and the cap of strangers hold for the TLS handshake too.
"""

import logging
from typing import TYPE_CHECKING, Any

from bowerbird.errors import BowerbirdError, CertificateError
from bowerbird.queues.tls_stream import TlsStream

if TYPE_CHECKING:
    import asyncio
    import ssl

    from bowerbird.queues.peer import Peer

_log = logging.getLogger(__name__)


class TlsLayer:
    """One connection's TLS."""

    def __init__(self, peer: "Peer", context: "ssl.SSLContext") -> None:
        self._peer = peer
        self._stream = TlsStream(context)
        self._early = bytearray()  # what the peer wrote before the handshake was over
        self._transport: asyncio.Transport

    # Called by asyncio.

    def connection_made(self, transport: "asyncio.Transport") -> None:
        self._transport = transport
        self._peer.connection_made(self)

    def data_received(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        try:
            plain = self._stream.feed(data)
        except BowerbirdError as error:
            level = logging.INFO if isinstance(error, CertificateError) else logging.DEBUG
            _log.log(level, "%s refused: %s", self._peer.caller.peer, error)
            self._transport.write(self._stream.take())
            self._transport.close()
            return
        self._answer()
        if plain:
            self._peer.data_received(plain)
        if self._stream.ended:
            self._transport.close()

    def eof_received(self) -> bool:
        return self._peer.eof_received()

    def pause_writing(self) -> None:
        self._peer.pause_writing()

    def resume_writing(self) -> None:
        self._peer.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        self._peer.connection_lost(error)
        del self._peer  # else both, and 46 KB of OpenSSL's, would wait for the garbage collector

    # Called by the peer: what it uses of a transport.

    def write(self, data: bytes | bytearray) -> None:
        if self._stream.open:
            self._transport.write(self._stream.seal(data))
        else:
            self._early += data

    def close(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._stream.end())
            self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int) -> None:
        self._transport.set_write_buffer_limits(high)

    def get_extra_info(self, name: str) -> Any:
        return self._transport.get_extra_info(name)

    # Inside.

    def _answer(self) -> None:
        """Send what the handshake asks for, and after it what has waited."""
        self._transport.write(self._stream.take())
        if self._stream.open and self._early:
            early, self._early = self._early, bytearray()
            self.write(early)
