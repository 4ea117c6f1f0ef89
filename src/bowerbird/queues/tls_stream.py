"""The server's side of TLS on one connection, without any I/O.

asyncio's own form takes 256 KiB for each connection before anything is said; this one takes nothing
until the first byte, and lets one deadline and one cap hold for both handshakes.
"""

from contextlib import suppress
from typing import TYPE_CHECKING

from bowerbird.errors import CertificateError, ProtocolError

if TYPE_CHECKING:
    import ssl

#: Bytes taken from OpenSSL at once: a record holds 16 KiB at most (RFC 8446, 5.1).
_CHUNK = 64 << 10
#: First byte of a TLS record that carries a handshake (RFC 8446, 5.1).
HANDSHAKE_RECORD = 0x16


class TlsStream:
    """Give it what comes, send what `take` has.

    `open`: the handshake is over. `ended`: the other end will say no more.
    """

    __slots__ = ("_context", "_incoming", "_outgoing", "_ssl", "ended", "open")

    def __init__(self, context: "ssl.SSLContext") -> None:
        self.open = False
        self.ended = False
        self._context = context
        self._ssl: ssl.SSLObject | None = None
        self._incoming: ssl.MemoryBIO
        self._outgoing: ssl.MemoryBIO

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the network; those that were meant come back.

        Raises:
            ProtocolError: the other end does not speak TLS.
            CertificateError: it has no certificate that is trusted here, or does not trust ours.
        """
        import ssl

        try:
            return self._feed(self._ssl or self._begin(data), data)
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLError as error:
            raise _refusal(error) from None

    def seal(self, data: bytes | bytearray) -> bytes:
        """Bytes for the network; only once the stream is open."""
        assert self._ssl is not None
        self._ssl.write(data)
        return self._outgoing.read()

    def take(self) -> bytes:
        """What has to be sent of the handshake, or of a refusal."""
        return self._outgoing.read() if self._ssl is not None else b""

    def end(self) -> bytes:
        """Bytes that say that no more comes."""
        import ssl

        if self._ssl is not None and self.open:
            with suppress(ssl.SSLError):  # the other end says it later, or never
                self._ssl.unwrap()
        return self.take()

    def _begin(self, data: bytes) -> "ssl.SSLObject":
        import ssl

        if data[:1] != bytes((HANDSHAKE_RECORD,)):
            raise ProtocolError("no TLS where TLS is spoken.")
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ssl = self._context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        return self._ssl

    def _feed(self, stream: "ssl.SSLObject", data: bytes) -> bytes:
        self._incoming.write(data)
        if not self.open:
            stream.do_handshake()
            self.open = True
        return b"".join(self._read(stream))

    def _read(self, stream: "ssl.SSLObject") -> list[bytes]:
        import ssl

        parts: list[bytes] = []
        try:
            while part := stream.read(_CHUNK):
                parts.append(part)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        return parts


def _refusal(error: "ssl.SSLError") -> ProtocolError | CertificateError:
    reason = (error.reason or "no reason given").replace("_", " ").lower()
    if "certificate" in reason or "unknown ca" in reason:
        return CertificateError(f"no trust in a certificate ({reason}).")
    return ProtocolError(f"TLS failed ({reason}).")
