"""The client: blocking calls over one server's connections, from any number of threads.

Kept light: it is part of each worker's start-up.
"""

import itertools
import select
import socket
import threading
import time
from contextlib import suppress

from bowerbird.errors import AuthenticationError, ConnectionLostError, ProtocolError
from bowerbird.queues.address import Address
from bowerbird.queues.dial import Dialler, left_s
from bowerbird.queues.handshake import client_handshake
from bowerbird.queues.messages import Reply, Request, answer_of, framed, read_reply
from bowerbird.queues.tls import ClientTls
from bowerbird.queues.trouble import look_closer, something_else, trouble
from bowerbird.queues.wire import FRAME_LIMIT, HANDSHAKE_LIMIT, FrameReader, frame

#: How long a connection, a handshake or an answer may take unless told otherwise, in seconds.
TIMEOUT_S = 30.0
#: A server speaks first. One that is silent for so long is looked at more closely, in seconds.
PATIENCE_S = 3.0
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
        """Connects at the first call. `tls`: for a `tls://` address; None: the system's CAs.

        Raises:
            UsageError: a file or the fingerprint of `tls` cannot be used.
        """
        self.address = address
        self._authkey = authkey
        self._timeout_s = timeout_s
        self._dialler = Dialler(address, tls)
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._idle: list[_Line] = []
        self._lines: set[_Line] = set()
        self._closed = False

    def open(self) -> None:
        """Connect and authenticate now rather than at the first call.

        Raises:
            ConnectionLostError: nothing answers there, or it stopped answering; it may yet.
            AuthenticationError: the keys differ.
            CertificateError: one end does not trust the other's certificate.
            ProtocolError: something else listens there.
        """
        self._put_back(self._take(time.monotonic() + self._timeout_s))

    def call(self, method: str, payload: bytes = b"", timeout_s: float | None = None) -> bytes:
        """Call a method of the server and wait for its answer, for `timeout_s` at most, with what
        it takes to connect.

        Raises:
            ConnectionLostError: the server went away or did not answer in time. Whether the call
                was carried out is not known.
            RemoteCallError: it failed there; SessionGoneError and some others keep their class.
        """
        deadline_s = time.monotonic() + (self._timeout_s if timeout_s is None else timeout_s)
        request = Request(next(self._ids), method, payload)
        message = framed(request)
        line = self._take(deadline_s)
        try:
            reply = line.exchange(message, deadline_s)
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

    def _take(self, deadline_s: float) -> "_Line":
        """A line to ask by. Those that the server has closed meanwhile, as in a restart, are left
        here, before anything is said: a call that has been sent is never sent again."""
        while (line := self._latest()) is not None:
            if line.is_quiet():
                return line
            self._discard(line)
        deadline_s = min(deadline_s, time.monotonic() + self._timeout_s)
        return self._keep(_connect(self._dialler, self._authkey, deadline_s))

    def _latest(self) -> "_Line | None":
        with self._lock:
            if self._closed:
                raise ConnectionLostError("This connection has been closed.")
            return self._idle.pop() if self._idle else None

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

    def __init__(self, sock: socket.socket, address: Address) -> None:
        self._socket = sock
        self._address = address
        self._reader = FrameReader(HANDSHAKE_LIMIT)
        self.heard = b""  #: the first that was said

    def is_greeted(self, deadline_s: float) -> bool:
        """Wait for the server to say something; false: it has not, or has closed."""
        try:
            self.heard = self._hear(deadline_s)
        except ConnectionLostError:
            return False
        return True

    def authenticate(self, authkey: bytes, deadline_s: float) -> None:
        handshake = client_handshake(authkey)
        while not handshake.done:
            try:
                handshake.receive(self._receive(deadline_s))
            finally:
                for message in handshake.take():
                    self._send(frame(message), deadline_s)
        self._reader.limit = FRAME_LIMIT

    def exchange(self, message: bytes | bytearray, deadline_s: float) -> Reply:
        self._send(message, deadline_s)
        return read_reply(self._receive(deadline_s))

    def is_quiet(self) -> bool:
        """Whether it can be used: nothing came unasked, not even an end."""
        poll = select.poll()
        try:
            poll.register(self._socket, select.POLLIN)
        except ValueError:  # closed
            return False
        return not poll.poll(0)

    def close(self) -> None:
        """Also wakes a thread that waits in `exchange`."""
        with suppress(OSError):  # the other end was first
            socket.socket.shutdown(
                self._socket, socket.SHUT_RDWR
            )  # TLS would forget that it is TLS
        self._socket.close()

    def _send(self, message: bytes | bytearray, deadline_s: float) -> None:
        try:
            self._socket.settimeout(left_s(deadline_s))
            self._socket.sendall(message)
        except OSError as error:
            raise trouble(error, self._address) from None

    def _receive(self, deadline_s: float) -> bytes:
        while (message := self._reader.next()) is None:
            self._hear(deadline_s)
        return message

    def _hear(self, deadline_s: float) -> bytes:
        try:
            self._socket.settimeout(left_s(deadline_s))
            data = self._socket.recv(_CHUNK)
        except OSError as error:
            raise trouble(error, self._address) from None
        if not data:
            raise ConnectionLostError("The other end has closed the connection.")
        self._reader.feed(data)
        return data


def _connect(dialler: Dialler, authkey: bytes, deadline_s: float) -> _Line:
    line = _Line(dialler.dial(deadline_s), dialler.address)
    try:
        if not line.is_greeted(min(deadline_s, time.monotonic() + PATIENCE_S)):
            look_closer(dialler.address, deadline_s)
        line.authenticate(authkey, deadline_s)
    except AuthenticationError as error:
        line.close()
        raise AuthenticationError(
            f"No entry at {dialler.address}: {error} Both machines need the same one."
        ) from None
    except ProtocolError:
        line.close()
        if not line.heard:
            raise
        raise something_else(dialler.address, line.heard) from None
    except BaseException:
        line.close()
        raise
    return line
