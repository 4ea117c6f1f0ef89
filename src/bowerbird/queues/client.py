"""The client: blocking calls over one server's connections, from any number of threads.

Kept light: it is part of each worker's start-up.
"""

import itertools
import time

from bowerbird.errors import ProtocolError
from bowerbird.queues.address import Address
from bowerbird.queues.dial import Dialler
from bowerbird.queues.line import Lines, connect
from bowerbird.queues.messages import Request, answer_of, framed, read_reply
from bowerbird.queues.tls import ClientTls

#: How long a connection, a handshake or an answer may take unless told otherwise, in seconds.
TIMEOUT_S = 30.0


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
        self._timeout_s = timeout_s
        dialler = Dialler(address, tls)
        self._lines = Lines(lambda deadline_s: connect(dialler, authkey, deadline_s), timeout_s)
        self._ids = itertools.count(1)

    def open(self) -> None:
        """Connect and authenticate now rather than at the first call.

        Raises:
            ConnectionLostError: nothing answers there, or it stopped answering; it may yet.
            AuthenticationError: the keys differ.
            CertificateError: one end does not trust the other's certificate.
            ProtocolError: something else listens there.
        """
        self._lines.put_back(self._lines.take(time.monotonic() + self._timeout_s))

    def call(self, method: str, payload: bytes = b"", timeout_s: float | None = None) -> bytes:
        """Call a method of the server and wait for its answer, for `timeout_s` at most, with what
        it takes to connect.

        Raises:
            ConnectionLostError: the server went away or did not answer in time. Whether the call
                was carried out is not known.
            PlainManagerError: a manager of the standard library is what listens there; it has
                understood nothing (`bowerbird.queues.oldstyle.client` speaks to it).
            RemoteCallError: it failed there; SessionGoneError and some others keep their class.
        """
        deadline_s = time.monotonic() + (self._timeout_s if timeout_s is None else timeout_s)
        request = Request(next(self._ids), method, payload)
        message = framed(request)
        line = self._lines.take(deadline_s)
        try:
            reply = read_reply(line.exchange(message, deadline_s))
            if reply.id != request.id:
                raise ProtocolError("an answer to a question that was not asked.")
        except BaseException:  # even an interrupt: an answer may still be on its way
            self._lines.discard(line)
            raise
        self._lines.put_back(line)
        return answer_of(reply)

    def close(self) -> None:
        """Close all sockets; calls under way end with ConnectionLostError. Idempotent."""
        self._lines.close()
