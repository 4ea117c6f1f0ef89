"""The few names that an old-style message may hold, and what we make of them: values of ours.

No name is ever imported. Where a pickle would call what a name stands for, a function of this
module is called with the same arguments, which are plain values.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from bowerbird.queues.oldstyle.plain import not_plain
from bowerbird.queues.oldstyle.values import Raised

Maker = Callable[..., Any]
Names = Mapping[tuple[str, str], Maker]

#: Called with a list of items, below protocol 4.
SETS: tuple[Maker, ...] = (set, frozenset)

#: Exceptions of `queue`, told apart by their last part.
QUEUE_ERRORS = ("Empty", "Full", "ShutDown")
#: Where each Python has them: `_queue.Empty` is that of 3.7 and later, `Queue` that of 2.7.
QUEUE_MODULES = ("queue", "_queue", "Queue")

#: Builtin exceptions that a call on a queue or a simple object may raise.
OLD_BUILTIN_ERRORS = frozenset(
    (
        *("ArithmeticError", "AssertionError", "AttributeError", "BufferError", "EOFError"),
        *("EnvironmentError", "Exception", "FloatingPointError", "IOError", "ImportError"),
        *("IndexError", "KeyError", "LookupError", "MemoryError", "NameError"),
        *("NotImplementedError", "OSError", "OverflowError", "ReferenceError", "RuntimeError"),
        *("StopIteration", "SystemError", "TypeError", "UnboundLocalError", "UnicodeError"),
        *("ValueError", "ZeroDivisionError"),
    )
)
#: The same, unknown to Python 2.7.
NEW_BUILTIN_ERRORS = frozenset(
    (
        *("BlockingIOError", "BrokenPipeError", "ChildProcessError", "ConnectionAbortedError"),
        *("ConnectionError", "ConnectionRefusedError", "ConnectionResetError"),
        *("FileExistsError", "FileNotFoundError", "InterruptedError", "IsADirectoryError"),
        *("ModuleNotFoundError", "NotADirectoryError", "PermissionError", "ProcessLookupError"),
        *("RecursionError", "TimeoutError"),
    )
)


class Blank:
    """A Token that has not got its state yet."""

    __slots__ = ()


def _encoded(text: object, encoding: object) -> bytes:
    """Bytes below protocol 3, as Python 3 writes them."""
    if type(text) is not str or encoding != "latin1":
        raise not_plain("such a text")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    return b""


def _raised(name: str, *args: Any) -> Raised:
    return Raised(name, args)


def _plain_names() -> dict[tuple[str, str], Maker]:
    sets = {(m, s.__name__): s for s in SETS for m in ("builtins", "__builtin__")}
    return {**sets, ("_codecs", "encode"): _encoded, ("__builtin__", "bytes"): _no_bytes}


def _error_names() -> dict[tuple[str, str], Maker]:
    queue = {(m, e): partial(_raised, f"queue.{e}") for m in QUEUE_MODULES for e in QUEUE_ERRORS}
    known = OLD_BUILTIN_ERRORS | NEW_BUILTIN_ERRORS
    builtin = {(m, e): partial(_raised, e) for m in ("builtins", "exceptions") for e in known}
    remote = ("multiprocessing.managers", "RemoteError")
    return {**queue, **builtin, remote: partial(_raised, "RemoteError")}


_TOKEN: dict[tuple[str, str], Maker] = {("multiprocessing.managers", "Token"): Blank}

#: What a client may name in a method call.
CALL_NAMES: Names = _plain_names()
#: What it may name in a request to the server itself.
REQUEST_NAMES: Names = _plain_names() | _TOKEN
#: What a manager may name in a reply.
REPLY_NAMES: Names = _plain_names() | _error_names() | _TOKEN
