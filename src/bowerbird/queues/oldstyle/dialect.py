"""One stock client: what `multiprocessing.managers.Server` would say to it, without its dangers.

A connection begins at the server itself, which makes, counts and describes objects; after
`accept_connection` its requests are method calls.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from bowerbird.errors import NotPlainError, ProtocolError
from bowerbird.queues.oldstyle.reader import protocol_of, read_call, read_request
from bowerbird.queues.oldstyle.values import Kind, OldCall, OldMenu, OldReply, Token
from bowerbird.queues.oldstyle.writer import write_reply
from bowerbird.queues.wire import frame

if TYPE_CHECKING:
    from bowerbird.queues.door import Caller
    from bowerbird.queues.messages import Reply

_log = logging.getLogger(__name__)

#: What every proxy can be asked, whatever it shows (managers.py, Server.fallback_mapping).
_TEXTS = ("__str__", "__repr__")
_VALUE = "#GETVALUE"
#: Characters of a name that are kept or shown.
_NAME = 200


class _RefusedError(Exception):
    """What the client asks cannot be; its text goes to the client."""


class OldDialect:
    """Reads the requests of one connection; answers those to the server itself at once."""

    def __init__(
        self, connection: int, caller: "Caller | None", menu: Callable[[], OldMenu | None]
    ) -> None:
        self._connection = connection
        self._caller = caller
        self._menu = menu
        self._protocol = 0
        self._client: str | None = None  # its name once it calls methods
        self._count = 0
        self._waiting = 0  # the call that has no answer yet

    def read(self, data: bytes) -> OldCall | bytes:
        """A method call for the handler, or the frame that answers what was asked.

        Raises:
            ProtocolError: this is no request, or comes before the answer to the last one.
        """
        if self._waiting:
            raise ProtocolError("a second request before the answer to the first.")
        self._protocol = protocol_of(data)
        try:
            return self._take(_request_of(self._value_of(data)))
        except (NotPlainError, _RefusedError) as error:
            _log.info("connection %d: %s", self._connection, error, extra={"action": "refuse-old"})
            return self._frame(Kind.TRACEBACK, str(error))

    def write(self, reply: "OldReply | Reply") -> bytes:
        """The frame of an answer; one that cannot travel is told to the client as such."""
        if not isinstance(reply, OldReply) or reply.id != self._waiting:
            raise ProtocolError("an answer to a question that was not asked.")
        self._waiting = 0
        return self._frame(reply.kind, reply.value)

    def _frame(self, kind: Kind, value: Any) -> bytes:
        try:
            body = write_reply(OldReply(0, kind, value), self._protocol)
        except NotPlainError as error:
            told = OldReply(0, Kind.UNSERIALIZABLE, str(error))
            body = write_reply(told, self._protocol)
        return frame(body)

    def _value_of(self, data: bytes) -> Any:
        return read_request(data) if self._client is None else read_call(data)

    def _take(self, request: "_Request") -> OldCall | bytes:
        menu = self._menu()
        if menu is None:
            raise _RefusedError("This manager serves no clients of the standard library.")
        if self._client is not None:
            return self._call(menu, request)
        if request.method == "accept_connection":
            self._client = _name_of(request)
            return self._frame(Kind.RETURN, None)
        return self._frame(Kind.RETURN, _told(menu, request))

    def _call(self, menu: OldMenu, request: "_Request") -> OldCall | bytes:
        typeid = _known(menu, request.ident)
        if request.method in menu[typeid]:
            return self._asked(typeid, request)
        if request.method in _TEXTS:
            return self._frame(Kind.RETURN, f"<{typeid} of a Bowerbird manager>")
        if request.method == _VALUE:
            return self._frame(Kind.UNSERIALIZABLE, f"{typeid} cannot travel; call its methods.")
        has = ", ".join(menu[typeid])
        raise _RefusedError(f"{typeid} has no method {_shown(request.method)}; it has {has}.")

    def _asked(self, typeid: str, request: "_Request") -> OldCall:
        self._count += 1
        self._waiting = self._count
        _, method, args, kwds = request
        call = (self._connection, self._count, typeid, method, args, kwds)
        return OldCall(*call, self._client or "", self._caller)


class _Request(NamedTuple):
    ident: object
    method: str
    args: tuple[Any, ...]
    kwds: dict[str, Any]

    @property
    def subject(self) -> object:
        """What a request to the server itself is about."""
        return self.args[0] if self.args else None


def _request_of(value: Any) -> _Request:
    match value:
        case (ident, str(method), tuple(args), dict(kwds)) if all(type(k) is str for k in kwds):
            return _Request(ident, method, args, kwds)
    raise ProtocolError("a request without ident, method and arguments.")


def _name_of(request: _Request) -> str:
    return request.subject[:_NAME] if isinstance(request.subject, str) else ""


def _told(menu: OldMenu, request: _Request) -> Any:
    """What the server itself answers. Nothing is counted, since nothing is ever thrown away."""
    match request.method:
        case "create":
            return _created(menu, request)
        case "dummy":
            return None
        case "incref" | "decref":
            _known(menu, request.subject)
            return None
        case "get_methods":
            return set(menu[_known(menu, request.subject)])
        case "number_of_objects":
            return len(menu)
        case "debug_info":
            return "\n".join(f"  {typeid}" for typeid in menu)
        case "shutdown":
            raise _RefusedError("No client can shut this manager down.")
    raise _RefusedError(f"A manager has no method {_shown(request.method)}.")


def _created(menu: OldMenu, request: _Request) -> tuple[str, tuple[str, ...]]:
    """(ident, exposed methods): the object is there already, under the name of its type."""
    typeid = _known(menu, request.subject)
    if len(request.args) > 1 or request.kwds:
        raise _RefusedError(f"{typeid} takes no arguments.")
    return typeid, tuple(menu[typeid])


def _known(menu: OldMenu, name: object) -> str:
    if isinstance(name, Token):
        name = name.ident
    if isinstance(name, str) and name in menu:
        return name
    raise _RefusedError(f"There is no {_shown(name)} here; there is {', '.join(menu)}.")


def _shown(name: object) -> str:
    """A name for a message; what is no text may be too long to be written down at all."""
    return repr(name[:_NAME]) if isinstance(name, str) else type(name).__name__
