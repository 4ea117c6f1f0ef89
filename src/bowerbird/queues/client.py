"""The client: blocking calls over one server's connections, from any number of threads.

Kept light: it is part of each worker's start-up.
"""

import itertools
import socket
import threading
import time
from contextlib import suppress

from bowerbird.errors import (
    AuthenticationError,
    BowerbirdError,
    ConnectionLostError,
    ProtocolError,
)
from bowerbird.queues.address import Address, UnixAddress
from bowerbird.queues.handshake import client_handshake
from bowerbird.queues.messages import Reply, Request, answer_of, framed, read_reply
from bowerbird.queues.tls import ClientTls
from bowerbird.queues.wire import FRAME_LIMIT, HANDSHAKE_LIMIT, FrameReader, frame

#: How long a connection, a handshake or an answer may take unless told otherwise, in seconds.
TIMEOUT_S = 30.0
#: Bytes asked of the kernel at once; below the size from which malloc maps fresh pages.
_CHUNK = 64 << 10


class Connection:
    """Calls to one server.

    Each call that is under way has a socket of its own; sockets are kept and used again, the
    latest first, so there are as many as there were calls at the same time.
    """

    def __init__(
        self,
        address: Address,
        authkey: bytes,
        timeout_s: float = TIMEOUT_S,
        tls: ClientTls | None = None,
    ) -> None:
        self.address = address
        self._tls = tls
        self._authkey = authkey
        self._timeout_s = timeout_s
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._idle: list[_Line] = []
        self._lines: set[_Line] = set()
        self._closed = False

    def open(self) -> None:
        """Connect and authenticate now rather than at the first call.

        Raises:
            ConnectionLostError: nothing answers there, or it stopped answering.
            AuthenticationError: the keys differ.
            ProtocolError: something else listens there.
        """
        self._put_back(self._take())

    def call(self, method: str, payload: bytes = b"", timeout_s: float | None = None) -> bytes:
        """Call a method of the server and wait for its answer, for `timeout_s` at most.

        Raises:
            ConnectionLostError: the server went away or did not answer in time. Whether the call
                was carried out is not known.
            RemoteCallError: it failed there; SessionGoneError and some others keep their class.
        """
        request = Request(next(self._ids), method, payload)
        message = framed(request)
        line = self._take()
        try:
            reply = line.exchange(message, self._timeout_s if timeout_s is None else timeout_s)
            if reply.id != request.id:
                raise ProtocolError("an answer to a question that was not asked.")
        except BaseException:  # even an interrupt: an answer may still be on its way
            self._discard(line)
            raise
        self._put_back(line)
        return answer_of(reply)

    def close(self) -> None:
        """Close all sockets; calls under way end with ConnectionLostError. Idempotent."""
        with self._lock:
            self._closed = True
            self._idle.clear()
            lines, self._lines = self._lines, set()
        for line in lines:
            line.close()

    # The sockets.

    def _take(self) -> "_Line":
        with self._lock:
            if self._closed:
                raise ConnectionLostError("This connection has been closed.")
            if self._idle:
                return self._idle.pop()
        return self._keep(_connect(self.address, self._authkey, self._timeout_s))

    def _keep(self, line: "_Line") -> "_Line":
        with self._lock:
            if not self._closed:
                self._lines.add(line)
                return line
        line.close()
        raise ConnectionLostError("This connection has been closed.")

    def _put_back(self, line: "_Line") -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(line)

    def _discard(self, line: "_Line") -> None:
        with self._lock:
            self._lines.discard(line)
        line.close()


class _Line:
    """One authenticated socket; used by one thread at a time."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._reader = FrameReader(HANDSHAKE_LIMIT)

    def authenticate(self, authkey: bytes, timeout_s: float) -> None:
        deadline_s = time.monotonic() + timeout_s
        handshake = client_handshake(authkey)
        while not handshake.done:
            try:
                handshake.receive(self._receive(deadline_s))
            finally:
                for message in handshake.take():
                    self._send(frame(message), deadline_s)
        self._reader.limit = FRAME_LIMIT

    def exchange(self, message: bytes | bytearray, timeout_s: float) -> Reply:
        deadline_s = time.monotonic() + timeout_s
        self._send(message, deadline_s)
        return read_reply(self._receive(deadline_s))

    def close(self) -> None:
        """Also wakes a thread that waits in `exchange`."""
        with suppress(OSError):  # the other end was first
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _send(self, message: bytes | bytearray, deadline_s: float) -> None:
        try:
            self._socket.settimeout(_left_s(deadline_s))
            self._socket.sendall(message)
        except OSError as error:
            raise _lost(error) from None

    def _receive(self, deadline_s: float) -> bytes:
        while (message := self._reader.next()) is None:
            try:
                self._socket.settimeout(_left_s(deadline_s))
                data = self._socket.recv(_CHUNK)
            except OSError as error:
                raise _lost(error) from None
            if not data:
                raise ConnectionLostError("The other end has closed the connection.")
            self._reader.feed(data)
        return message


def _connect(address: Address, authkey: bytes, timeout_s: float) -> _Line:
    line = _Line(_socket_to(address, timeout_s))
    try:
        line.authenticate(authkey, timeout_s)
    except AuthenticationError as error:
        line.close()
        raise AuthenticationError(f"No entry at {address}: {error}") from None
    except ProtocolError:
        line.close()
        raise ProtocolError(f"What answers at {address} is no queue of this kind.") from None
    except BaseException:
        line.close()
        raise
    return line


def _socket_to(address: Address, timeout_s: float) -> socket.socket:
    try:
        if isinstance(address, UnixAddress):
            return _unix_socket(address.path, timeout_s)
        sock = socket.create_connection((address.host, address.port), timeout_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConnectionLostError(f"Nothing answers at {address}: {reason}.") from None
    return sock


def _unix_socket(path: str, timeout_s: float) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(timeout_s)
    try:
        sock.connect(path)
    except OSError:
        sock.close()
        raise
    return sock


def _left_s(deadline_s: float) -> float:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _lost(error: OSError) -> BowerbirdError:
    if isinstance(error, TimeoutError):
        return ConnectionLostError("The other end did not answer in time.")
    return ConnectionLostError(f"The connection broke: {error.strerror or error}.")
