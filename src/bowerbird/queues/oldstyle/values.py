"""What old-style clients ask and what they are answered: plain values, whoever carries them.

The words are those of CPython, Lib/multiprocessing/managers.py: a *typeid* is the name under
which an object is registered, its *ident* the name by which proxies call it. Here both are the
same text, so that a proxy outlives a restart of the manager.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from bowerbird.queues.door import Caller

#: typeid -> the methods that clients may call on that object.
OldMenu = Mapping[str, Sequence[str]]

#: The methods of a `queue.Queue` that a stock manager shows (before 3.13 added `shutdown`).
QUEUE_METHODS = (
    "empty",
    "full",
    "get",
    "get_nowait",
    "join",
    "put",
    "put_nowait",
    "qsize",
    "task_done",
)


class Kind(StrEnum):
    """What a reply is."""

    RETURN = "#RETURN"  #: the value that the call gave
    ERROR = "#ERROR"  #: a `Raised`; the client raises it as it is
    TRACEBACK = "#TRACEBACK"  #: a text; the client raises RemoteError with it
    UNSERIALIZABLE = "#UNSERIALIZABLE"  #: the same, said of a value that cannot travel
    PROXY = "#PROXY"  #: (exposed methods, `Token`); never sent by us


class Raised(NamedTuple):
    """An exception as a value: its name without module for builtins, else `queue.Empty`."""

    name: str
    args: tuple[Any, ...] = ()


EMPTY = Raised("queue.Empty")
FULL = Raised("queue.Full")


class Token(NamedTuple):
    """How a proxy is named on the way."""

    typeid: str
    address: Any
    ident: str


class OldCall(NamedTuple):
    """A method call of an authenticated old-style client, checked against the menu."""

    connection: int
    id: int  #: counts the calls of one connection, from 1
    typeid: str
    method: str
    args: tuple[Any, ...]  #: plain values only
    kwds: dict[str, Any]
    client: str  #: what it calls itself, such as "MainProcess|Thread-1"
    caller: "Caller | None" = None


class OldReply(NamedTuple):
    """The answer to one call."""

    id: int  #: of the call
    kind: Kind
    value: Any = None  #: plain value, `Raised` or text, as the kind has it


@runtime_checkable
class OldHandler(Protocol):
    """Who answers old-style clients; called on the server's thread, must not block.

    A handler of `Server.start` that has these two as well serves old-style clients; its `closed`
    tells of their ends too, also of one that dies while its call waits for an answer.
    """

    def old_menu(self) -> OldMenu:
        """What there is now; asked at each `create` and each call."""
        ...

    def asked_old(self, call: OldCall) -> None:
        """A call came; its `OldReply` is given to `Server.reply_many`, from whichever thread."""
        ...


def returned(call: OldCall, value: Any = None) -> OldReply:
    """The call gave this."""
    return OldReply(call.id, Kind.RETURN, value)


def raised(call: OldCall, error: Raised) -> OldReply:
    """The call raised this; the client raises it too."""
    return OldReply(call.id, Kind.ERROR, error)


def refused(call: OldCall, text: str) -> OldReply:
    """The call makes no sense; the client raises RemoteError with this text."""
    return OldReply(call.id, Kind.TRACEBACK, text)
