"""One stock client: what `multiprocessing.managers.Server` would say to it, without its dangers.

A connection begins at the server itself, which makes, counts and describes objects; after
`accept_connection` its requests are method calls.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bowerbird.errors import NotPlainError, ProtocolError
from bowerbird.queues.oldstyle.reader import protocol_of, read_request
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
            return self._take(*_request_of(data))
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

    def _take(
        self, ident: object, method: str, args: tuple[Any, ...], kwds: dict[str, Any]
    ) -> OldCall | bytes:
        menu = self._menu()
        if menu is None:
            raise _RefusedError("This manager serves no clients of the standard library.")
        if self._client is None:
            return self._frame(Kind.RETURN, self._serve(menu, method, args, kwds))
        return self._call(menu, ident, method, args, kwds)

    # Requests to the server itself.

    def _serve(
        self, menu: OldMenu, method: str, args: tuple[Any, ...], kwds: dict[str, Any]
    ) -> Any:
        if method == "create":
            return _created(menu, args, kwds)
        if method == "accept_connection":
            self._client = args[0][:_NAME] if args and isinstance(args[0], str) else ""
            return None
        return _told(menu, method, args)

    # Method calls.

    def _call(
        self,
        menu: OldMenu,
        ident: object,
        method: str,
        args: tuple[Any, ...],
        kwds: dict[str, Any],
    ) -> OldCall | bytes:
        typeid = _known(menu, ident)
        if method in menu[typeid]:
            self._count += 1
            self._waiting = self._count
            name = self._client or ""
            return OldCall(
                self._connection, self._count, typeid, method, args, kwds, name, self._caller
            )
        if method in _TEXTS:
            return self._frame(Kind.RETURN, f"<{typeid} of a Bowerbird manager>")
        if method == _VALUE:
            return self._frame(Kind.UNSERIALIZABLE, f"{typeid} cannot travel; call its methods.")
        raise _RefusedError(
            f"{typeid} has no method {_shown(method)}; it has {', '.join(menu[typeid])}."
        )


def _request_of(data: bytes) -> tuple[object, str, tuple[Any, ...], dict[str, Any]]:
    match read_request(data):
        case (ident, str(method), tuple(args), dict(kwds)):
            return ident, method, args, kwds
    raise ProtocolError("a request without ident, method and arguments.")


def _known(menu: OldMenu, typeid: object) -> str:
    if isinstance(typeid, Token):
        typeid = typeid.ident
    if isinstance(typeid, str) and typeid in menu:
        return typeid
    raise _RefusedError(f"There is no {_shown(typeid)} here; there is {', '.join(menu)}.")


def _shown(name: object) -> str:
    """A name for a message; what is no text may be too long to be written down at all."""
    return repr(name[:_NAME]) if isinstance(name, str) else type(name).__name__


def _created(menu: OldMenu, args: tuple[Any, ...], kwds: dict[str, Any]) -> Any:
    """(ident, exposed methods): the object is there already, under the name of its type."""
    typeid = _known(menu, args[0] if args else None)
    if len(args) > 1 or kwds:
        raise _RefusedError(f"{typeid} takes no arguments.")
    return typeid, tuple(menu[typeid])


def _told(menu: OldMenu, method: str, args: tuple[Any, ...]) -> Any:
    """Nothing is counted, since nothing is ever thrown away."""
    if method in ("dummy", "incref", "decref"):
        return _known(menu, args[0]) and None if args else None
    if method == "get_methods":
        return set(menu[_known(menu, args[0] if args else None)])
    if method == "number_of_objects":
        return len(menu)
    if method == "debug_info":
        return "\n".join(f"  {typeid}" for typeid in menu)
    if method == "shutdown":
        raise _RefusedError("No client can shut this manager down.")
    raise _RefusedError(f"A manager has no method {_shown(method)}.")
