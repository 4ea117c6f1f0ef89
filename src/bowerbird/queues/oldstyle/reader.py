"""Reads what the other end of an old-style connection sends, and runs none of it."""

from typing import Any

from bowerbird.errors import ProtocolError
from bowerbird.queues.oldstyle.names import CALL_NAMES, REPLY_NAMES, REQUEST_NAMES, Names
from bowerbird.queues.oldstyle.opcodes import NEWEST, Machine
from bowerbird.queues.oldstyle.plain import DEFAULT, PlainLimits, Scale
from bowerbird.queues.oldstyle.values import Raised, Token

_PROTO = 0x80
#: What a broken pickle makes the machine raise.
_BROKEN = (LookupError, ValueError, TypeError, OverflowError, RecursionError)


def protocol_of(data: bytes) -> int:
    """The pickle protocol of a message, as far as replies must keep to it: 0 to 5."""
    if data[:1] == bytes((_PROTO,)) and len(data) > 1:
        return min(data[1], NEWEST)
    return 0


def read_request(data: bytes, limits: PlainLimits = DEFAULT) -> Any:
    """What a client asked of the server itself: plain values and `Token`.

    Raises:
        NotPlainError: it names something else, or holds too much.
        ProtocolError: it is no pickle.
    """
    return _read(data, REQUEST_NAMES, frozenset((Token,)), limits)


def read_call(data: bytes, limits: PlainLimits = DEFAULT) -> Any:
    """What a client asked of an object: plain values only. Raises as `read_request` does."""
    return _read(data, CALL_NAMES, frozenset(), limits)


def read_reply(data: bytes, limits: PlainLimits = DEFAULT) -> Any:
    """What a manager sent: plain values, `Token`, `Raised`. Raises as `read_request` does."""
    return _read(data, REPLY_NAMES, frozenset((Token, Raised)), limits)


def _read(data: bytes, names: Names, also: frozenset[type], limits: PlainLimits) -> Any:
    try:
        value = Machine(data, names, limits).run()
    except ProtocolError:
        raise
    except _BROKEN:
        raise ProtocolError("a message that is no pickle.") from None
    Scale(limits, also).check(value)
    return value
