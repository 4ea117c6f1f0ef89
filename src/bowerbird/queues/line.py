"""The authenticated sockets of a client, whatever is spoken on them afterwards."""

import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from bowerbird.errors import AuthenticationError, ConnectionLostError, ProtocolError
from bowerbird.queues.address import Address
from bowerbird.queues.dial import Dialler, left_s
from bowerbird.queues.handshake import client_handshake
from bowerbird.queues.trouble import look_closer, something_else, trouble
from bowerbird.queues.wire import FRAME_LIMIT, HANDSHAKE_LIMIT, FrameReader, frame

#: A server speaks first. One that is silent for so long is looked at more closely, in seconds.
PATIENCE_S = 3.0
#: Bytes asked of the kernel at once; below the size from which malloc maps fresh pages.
_CHUNK = 64 << 10


class Line:
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

    def exchange(self, message: bytes | bytearray, deadline_s: float) -> bytes:
        """Send a whole frame and wait for the body of the next one."""
        self._send(message, deadline_s)
        return self._receive(deadline_s)

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
            # Not that of an SSLSocket, which forgets its TLS while another thread reads.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
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


def connect(dialler: Dialler, authkey: bytes, deadline_s: float) -> Line:
    """A line that has shaken hands.

    Raises:
        ConnectionLostError, AuthenticationError, CertificateError, ProtocolError: as
            `Connection.open` does.
    """
    line = Line(dialler.dial(deadline_s), dialler.address)
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


class Lines:
    """Lines to one server, kept and used again, the latest first; safe for threads."""

    def __init__(self, connect: Callable[[float], Line], timeout_s: float) -> None:
        """`connect` makes a new line by a deadline; `timeout_s`: the longest it may take."""
        self._connect = connect
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._idle: list[Line] = []
        self._all: set[Line] = set()
        self._closed = False

    def take(self, deadline_s: float) -> Line:
        """A line to ask by. Those that the server has closed meanwhile, as in a restart, are left
        here, before anything is said: a call that has been sent is never sent again."""
        while (line := self._latest()) is not None:
            if line.is_quiet():
                return line
            self.discard(line)
        return self._keep(self._connect(min(deadline_s, time.monotonic() + self._timeout_s)))

    def put_back(self, line: Line) -> None:
        """Keep it for the next call."""
        with self._lock:
            if not self._closed:
                self._idle.append(line)

    def discard(self, line: Line) -> None:
        """Close it."""
        with self._lock:
            self._all.discard(line)
        line.close()

    def close(self) -> None:
        """Close all; who waits for an answer gets ConnectionLostError. Idempotent."""
        with self._lock:
            self._closed = True
            self._idle.clear()
            lines, self._all = self._all, set()
        for line in lines:
            line.close()

    def _latest(self) -> Line | None:
        with self._lock:
            if self._closed:
                raise ConnectionLostError("This connection has been closed.")
            return self._idle.pop() if self._idle else None

    def _keep(self, line: Line) -> Line:
        with self._lock:
            if not self._closed:
                self._all.add(line)
                return line
        line.close()
        raise ConnectionLostError("This connection has been closed.")
