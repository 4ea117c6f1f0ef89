"""A client of the standard library's managers: blocking calls, from any number of threads.

What `multiprocessing.managers.BaseManager.connect` and its proxies do, without unpickling:
a manager can make nothing run here.
"""

import os
import queue
import time
from typing import Any

from bowerbird.errors import BowerbirdError, ProtocolError, RemoteCallError
from bowerbird.queues.address import Address
from bowerbird.queues.dial import Dialler
from bowerbird.queues.line import Line, Lines, connect
from bowerbird.queues.oldstyle.reader import read_reply
from bowerbird.queues.oldstyle.values import Kind, Raised, Token
from bowerbird.queues.oldstyle.writer import write_request
from bowerbird.queues.tls import ClientTls
from bowerbird.queues.wire import frame

#: How long a connection or a call may take unless told otherwise, in seconds.
TIMEOUT_S = 30.0
#: Characters of a manager's error that are shown.
_SHOWN = 500


class PlainManager:
    """A stock manager.

    A request to the manager itself has a socket of its own, as the standard library has it;
    method calls share some, as many as there were calls at the same time.
    """

    def __init__(
        self,
        address: Address,
        authkey: bytes,
        timeout_s: float = TIMEOUT_S,
        tls: ClientTls | None = None,
    ) -> None:
        """Connects at the first call. `tls`: for a `tls://` address, such as behind a tunnel."""
        self.address = address
        self._authkey = authkey
        self._timeout_s = timeout_s
        self._dialler = Dialler(address, tls)
        self._lines = Lines(self._accepted, timeout_s)

    def open(self) -> None:
        """Connect and authenticate now rather than at the first call.

        Raises:
            ConnectionLostError, AuthenticationError, CertificateError: as `Connection.open`.
            ProtocolError: no manager answers there.
        """
        self.ask("dummy")

    def object(self, typeid: str, *args: Any, **kwds: Any) -> "PlainProxy":
        """What the manager has registered under this name.

        Raises:
            RemoteCallError: nothing, or making it failed there.
        """
        match self.ask("create", typeid, *args, **kwds):
            case (str(ident), tuple(exposed)):
                return PlainProxy(self, typeid, ident, _texts(exposed))
        raise ProtocolError(f"{self.address} gives no object for {typeid!r}.")

    def ask(self, method: str, *args: Any, **kwds: Any) -> Any:
        """A request to the manager itself; it closes the connection after it."""
        deadline_s = time.monotonic() + self._timeout_s
        line = connect(self._dialler, self._authkey, deadline_s)
        try:
            return self._answer(line, (None, method, args, kwds), deadline_s)
        finally:
            line.close()

    def call(
        self,
        ident: str,
        method: str,
        args: tuple[Any, ...],
        kwds: dict[str, Any],
        timeout_s: float | None = None,
    ) -> Any:
        """A method call; see `PlainProxy.call`."""
        deadline_s = time.monotonic() + (self._timeout_s if timeout_s is None else timeout_s)
        line = self._lines.take(deadline_s)
        try:
            kind, value = _exchanged(line, (ident, method, args, kwds), deadline_s)
        except BaseException:  # even an interrupt: an answer may still be on its way
            self._lines.discard(line)
            raise
        self._lines.put_back(line)
        return self._result(kind, value)

    def close(self) -> None:
        """Close all sockets; calls under way end with ConnectionLostError. Idempotent."""
        self._lines.close()

    def __enter__(self) -> "PlainManager":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _accepted(self, deadline_s: float) -> Line:
        line = connect(self._dialler, self._authkey, deadline_s)
        try:
            name = f"bowerbird-{os.getpid()}"
            self._answer(line, (None, "accept_connection", (name,), {}), deadline_s)
        except BaseException:
            line.close()
            raise
        return line

    def _answer(self, line: Line, request: "_Request", deadline_s: float) -> Any:
        return self._result(*_exchanged(line, request, deadline_s))

    def _result(self, kind: str, value: Any) -> Any:
        match kind, value:
            case Kind.RETURN, _:
                return value
            case Kind.PROXY, (tuple(exposed), Token(typeid, _, ident)):
                return PlainProxy(self, str(typeid), str(ident), _texts(exposed))
            case Kind.ERROR, Raised() as error:
                raise _error_of(error)
            case ((Kind.TRACEBACK | Kind.UNSERIALIZABLE), str() | bytes()):
                raise RemoteCallError(f"{self.address} says: {_last_line(value)}")
        raise ProtocolError(f"{self.address} answers in a way that no manager does.")


class PlainProxy:
    """An object that lives in a stock manager."""

    def __init__(
        self, manager: PlainManager, typeid: str, ident: str, exposed: tuple[str, ...]
    ) -> None:
        self.typeid = typeid
        self.exposed = exposed  #: its methods
        self._manager = manager
        self._ident = ident

    def call(self, method: str, *args: Any, timeout_s: float | None = None, **kwds: Any) -> Any:
        """Call a method; arguments and result are plain values.

        `timeout_s`: how long the answer may take, to be longer than what the method itself waits;
        what a late `get` has taken is lost.

        Raises:
            queue.Empty, queue.Full: the method raised them.
            RemoteCallError: it raised something else, or the manager does not know the object, as
                after its restart.
            NotPlainError: the answer is no plain value.
            ConnectionLostError: the manager went away or did not answer in time.
        """
        return self._manager.call(self._ident, method, args, kwds, timeout_s)

    def close(self) -> None:
        """Tell the manager that we no longer need it; whatever comes of that."""
        try:
            self._manager.ask("decref", self._ident)
        except BowerbirdError:
            return


_Request = tuple[str | None, str, tuple[Any, ...], dict[str, Any]]


def _exchanged(line: Line, request: _Request, deadline_s: float) -> tuple[str, Any]:
    match read_reply(line.exchange(frame(write_request(*request)), deadline_s)):
        case (str(kind), value):
            return kind, value
    raise ProtocolError("What answers there is no manager of Python's standard library.")


def _texts(names: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(str(name) for name in names)


def _error_of(error: Raised) -> Exception:
    if error.name == "queue.Empty":
        return queue.Empty()
    if error.name == "queue.Full":
        return queue.Full()
    told = ", ".join(str(arg)[:_SHOWN] for arg in error.args if isinstance(arg, str | int))
    return RemoteCallError(f"What the manager called raised {error.name}: {told}"[:_SHOWN])


def _last_line(traceback: str | bytes) -> str:
    """Of a traceback, what went wrong; where is the manager's business."""
    if isinstance(traceback, bytes):
        traceback = traceback.decode("utf-8", "replace")
    lines = [line.strip() for line in traceback.splitlines() if line.strip(" -")]
    return (lines or ["nothing"])[-1][:_SHOWN]
