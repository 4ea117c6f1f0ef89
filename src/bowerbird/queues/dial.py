"""The client's way to a server: a socket, and TLS around it where the address says so."""

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from bowerbird.errors import BowerbirdError, ConnectionLostError
from bowerbird.queues import keepalive
from bowerbird.queues.address import Address, NetAddress, TlsAddress, UnixAddress
from bowerbird.queues.tls import ClientTls, check_pin, client_context
from bowerbird.queues.trouble import trouble

if TYPE_CHECKING:
    import ssl

#: What getaddrinfo answers: family, type, protocol, canonical name, address.
_Place = tuple[Any, Any, int, str, Any]


class Dialler:
    """Opens sockets to one address."""

    def __init__(self, address: Address, tls: ClientTls | None = None) -> None:
        """Raises UsageError where a file or the fingerprint of `tls` cannot be used."""
        self.address = address
        self._tls = tls or ClientTls()
        self._context: ssl.SSLContext | None = None
        if isinstance(address, TlsAddress):
            self._context = client_context(self._tls)

    def dial(self, deadline_s: float) -> socket.socket:
        """A connected socket; `deadline_s` is of the monotonic clock.

        Raises:
            ConnectionLostError: nothing answers there, or not in time.
            CertificateError: one end does not trust the other.
            ProtocolError: no TLS is spoken there.
        """
        sock = self._open(deadline_s)
        if self._context is None:
            return sock
        try:
            return self._secured(sock, self._context, deadline_s)
        except OSError as error:
            raise trouble(error, self.address) from None

    def _open(self, deadline_s: float) -> socket.socket:
        try:
            if isinstance(self.address, UnixAddress):
                return _connected(socket.AF_UNIX, self.address.path, deadline_s)
            return _first_of(_places(self.address, deadline_s), deadline_s)
        except OSError as error:
            raise _nobody(error, self.address) from None

    def _secured(
        self, sock: socket.socket, context: "ssl.SSLContext", deadline_s: float
    ) -> socket.socket:
        assert isinstance(self.address, TlsAddress)
        try:
            sock.settimeout(left_s(deadline_s))
            secured = context.wrap_socket(sock, server_hostname=self.address.host)
        except BaseException:
            sock.close()
            raise
        try:
            check_pin(self._tls.fingerprint, secured.getpeercert(True), str(self.address))
        except BaseException:
            secured.close()
            raise
        return secured


def left_s(deadline_s: float) -> float:
    """How long until then; raises TimeoutError where it is over."""
    left = deadline_s - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _first_of(places: list[_Place], deadline_s: float) -> socket.socket:
    """The first address of a name that answers; IPv6 and IPv4 share the time."""
    for count, (family, _, _, _, place) in enumerate(places, 1):
        share_s = left_s(deadline_s) / (len(places) - count + 1)
        try:
            return _connected(family, place, time.monotonic() + share_s)
        except OSError:
            if count == len(places):
                raise
    raise OSError("the name has no address")


def _connected(family: int, place: Any, deadline_s: float) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(left_s(deadline_s))
        sock.connect(place)
        keepalive.hurry(sock)
        keepalive.watch(sock)
    except BaseException:
        sock.close()
        raise
    return sock


def _places(address: NetAddress, deadline_s: float) -> list[_Place]:
    try:
        return _resolved(address, socket.AI_NUMERICHOST)
    except socket.gaierror:
        return _resolved_aside(address, deadline_s)


def _resolved(address: NetAddress, flags: int = 0) -> list[_Place]:
    return socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=flags)


def _resolved_aside(address: NetAddress, deadline_s: float) -> list[_Place]:
    """A name server that is silent holds a thread of its own, and not the caller."""
    found: list[_Place | Exception] = []

    def resolve() -> None:
        try:
            found.extend(_resolved(address))
        except (OSError, UnicodeError) as error:
            found.append(error)

    thread = threading.Thread(target=resolve, name="resolve", daemon=True)
    thread.start()
    thread.join(left_s(deadline_s))
    answer = found[:]
    if not answer:
        raise TimeoutError
    if isinstance(answer[0], UnicodeError):
        raise OSError("that is no name of a host")
    if isinstance(answer[0], Exception):
        raise answer[0]
    return [place for place in answer if not isinstance(place, Exception)]


def _nobody(error: OSError, address: Address) -> BowerbirdError:
    reason = error.strerror or str(error) or "no answer in time"
    hint = _HINTS.get(type(error), "")
    return ConnectionLostError(f"Nothing answers at {address}: {reason}.{hint}")


_HINTS: dict[type[OSError], str] = {
    ConnectionRefusedError: " Is the manager running, and is this its port?",
    TimeoutError: " Is it the right machine, and does a firewall let the port through?",
    socket.gaierror: " Is the name spelt right?",
    FileNotFoundError: " The manager has ended.",
}
