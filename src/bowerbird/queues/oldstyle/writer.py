"""Writes old-style messages: with `pickle` what is plain, by hand what names a class."""

import pickle
from typing import Any

from bowerbird.queues.oldstyle.names import NEW_BUILTIN_ERRORS, OLD_BUILTIN_ERRORS, QUEUE_ERRORS
from bowerbird.queues.oldstyle.plain import Scale, not_plain
from bowerbird.queues.oldstyle.values import Kind, OldReply, Raised
from bowerbird.queues.wire import FRAME_LIMIT

#: The protocol of our own requests: the newest that Python 2.7 reads.
REQUEST_PROTOCOL = 2
#: From this one on it is a Python 3 that reads.
_PYTHON3 = 3


def write_request(ident: str | None, method: str, args: tuple[Any, ...], kwds: Any) -> bytes:
    """One request of a client.

    Raises:
        NotPlainError: an argument is no plain value, or the message is too large.
    """
    return _pickled((ident, method, args, kwds), REQUEST_PROTOCOL)


def write_reply(reply: OldReply, protocol: int) -> bytes:
    """One reply of a manager, in the protocol of its request. Raises as `write_request` does."""
    kind = str(reply.kind)
    if isinstance(reply.value, Raised):
        return _raised(kind, reply.value, protocol)
    return _pickled((kind, _readable(reply, protocol)), protocol)


def _readable(reply: OldReply, protocol: int) -> Any:
    """Python 2.7 asserts that such a text is a `str`, its word for bytes."""
    if protocol < _PYTHON3 and reply.kind in (Kind.TRACEBACK, Kind.UNSERIALIZABLE):
        return str(reply.value).encode("utf-8", "replace")
    return reply.value


def _pickled(value: Any, protocol: int) -> bytes:
    Scale().check(value)
    data = pickle.dumps(value, protocol)
    if len(data) > FRAME_LIMIT:
        raise not_plain(f"a message of {len(data)} bytes")
    return data


def _raised(kind: str, error: Raised, protocol: int) -> bytes:
    """(kind, exception): an exception is its class, called with its arguments."""
    Scale().check(error.args)
    head = bytes((0x80, protocol)) if protocol >= 2 else b""
    module, name = _class_of(error.name, protocol)
    called = f"c{module}\n{name}\n".encode("ascii") + _bare(error.args, protocol) + b"R"
    return head + b"(" + _bare(kind, protocol) + called + b"t."


def _bare(value: Any, protocol: int) -> bytes:
    """A pickle to stand within another: without start and end; no frames below protocol 4."""
    data = pickle.dumps(value, min(protocol, _PYTHON3))
    return data[2:-1] if protocol >= 2 else data[:-1]


def _class_of(name: str, protocol: int) -> tuple[str, str]:
    """Module and name in the form that every Python loads which speaks this protocol.

    3.6 has no `_queue`, and 2.7 no `queue`; 3.x knows the names of 2.7 below protocol 3.
    """
    old = protocol < _PYTHON3
    if name.startswith("queue.") and name[6:] in QUEUE_ERRORS:
        return ("Queue" if old else "queue"), name[6:]
    if name in OLD_BUILTIN_ERRORS:
        return ("exceptions" if old else "builtins"), name
    if name in NEW_BUILTIN_ERRORS:
        return ("exceptions", "EnvironmentError") if old else ("builtins", name)
    raise not_plain(f"the exception {name}")
