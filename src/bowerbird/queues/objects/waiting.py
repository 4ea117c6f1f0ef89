"""Calls to objects, none of which blocks: what would wait is tried again later.

A `get`, `put` or `join` that has to wait is *parked*; a client that goes while it waits has taken
nothing.
"""

import logging
from collections.abc import Collection
from math import inf
from queue import Empty, Full
from typing import Any

import msgspec

from bowerbird.errors import NotPlainError
from bowerbird.queues.objects.registry import Shown
from bowerbird.queues.oldstyle.names import NEW_BUILTIN_ERRORS, OLD_BUILTIN_ERRORS, QUEUE_ERRORS
from bowerbird.queues.oldstyle.plain import Scale
from bowerbird.queues.oldstyle.values import (
    EMPTY,
    FULL,
    Kind,
    OldCall,
    OldReply,
    Raised,
    raised,
    refused,
    returned,
)

_log = logging.getLogger(__name__)

#: Errors of an object that keep their class for whoever called it.
_KEPT = (
    ArithmeticError,
    AttributeError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class Got(OldReply):
    """An answer that holds an item of a queue: should it reach nobody, the item goes back."""

    source: Any


class _Wish(msgspec.Struct, frozen=True, eq=False):
    """A call that may wait."""

    call: OldCall
    shown: Shown
    item: Any  #: of a put
    until_s: float


class Desk:
    """The objects, and what waits for them. `now_s`: any clock that no one sets."""

    def __init__(self, objects: Collection[Shown]) -> None:
        self._objects = {one.typeid: one for one in objects}
        self._parked: dict[_Wish, None] = {}

    @property
    def waits(self) -> bool:
        """Whether a call is parked."""
        return bool(self._parked)

    def next_s(self) -> float:
        """When the first wait is over."""
        return min((wish.until_s for wish in self._parked), default=inf)

    def serve(self, call: OldCall, now_s: float) -> OldReply | None:
        """Carry out a call; None: it waits."""
        target = self._objects[call.typeid]
        try:
            if target.is_queue and call.method in _WAITING:
                return self._wait(_WAITING[call.method](call, target, now_s), now_s)
            return returned(call, getattr(target.target, call.method)(*call.args, **call.kwds))
        except Exception as error:
            return _failure(call, error)

    def again(self, now_s: float) -> list[tuple[int, OldReply]]:
        """Try what is parked, in the order in which it came: what is to be said."""
        replies = []
        stuck: set[tuple[str, str]] = set()
        for wish in tuple(self._parked):
            kind = wish.call.typeid, wish.call.method.removesuffix("_nowait")
            reply = None if kind in stuck else self._try(wish)
            stuck.add(kind)
            if reply is not None:
                stuck.discard(kind)
            elif wish.until_s <= now_s:
                reply = raised(wish.call, FULL if kind[1] == "put" else EMPTY)
            if reply is not None:
                del self._parked[wish]
                replies.append((wish.call.connection, reply))
        return replies

    def drop(self, connection: int) -> None:
        """Forget what a connection waits for that has closed."""
        for wish in [wish for wish in self._parked if wish.call.connection == connection]:
            del self._parked[wish]

    def _wait(self, wish: _Wish, now_s: float) -> OldReply | None:
        kind = wish.call.typeid, wish.call.method
        first = all((one.call.typeid, one.call.method) != kind for one in self._parked)
        reply = self._try(wish) if first or wish.until_s <= now_s else None
        if reply is None and wish.until_s <= now_s:
            return raised(wish.call, FULL if wish.call.method.startswith("put") else EMPTY)
        if reply is None:
            self._parked[wish] = None
        return reply

    def _try(self, wish: _Wish) -> OldReply | None:
        try:
            return _TRY[wish.call.method](wish)
        except (Empty, Full):
            return None
        except Exception as error:
            return _failure(wish.call, error)


def put_back(reply: OldReply) -> None:
    """Whom an answer was for has gone: an item that it holds is the next to be given."""
    if isinstance(reply, Got):
        source, item = reply.source, reply.value
        mutex = getattr(source, "mutex", None)
        if mutex is None:
            source.put(item)
            return
        with mutex:  # a `queue.Queue`: as if it had not been taken, whatever its bound
            if hasattr(source.queue, "appendleft"):
                source.queue.appendleft(item)
            else:
                source._put(item)
            source.not_empty.notify()


def _get(wish: _Wish) -> OldReply:
    reply = Got(wish.call.id, Kind.RETURN, wish.shown.target.get(False))
    reply.source = wish.shown.target
    return reply


def _put(wish: _Wish) -> OldReply:
    wish.shown.target.put(wish.item, False)
    return returned(wish.call)


def _join(wish: _Wish) -> OldReply | None:
    unfinished = getattr(wish.shown.target, "unfinished_tasks", None)
    if unfinished is None:
        return refused(wish.call, f"{wish.call.typeid} cannot be joined from another process.")
    return None if unfinished else returned(wish.call)


_TRY = {"get": _get, "get_nowait": _get, "put": _put, "put_nowait": _put, "join": _join}


def _get_wish(call: OldCall, shown: Shown, now_s: float) -> _Wish:
    def until_s(block: Any = True, timeout: Any = None) -> float:
        return _until_s(block, timeout, now_s)

    return _Wish(call, shown, None, until_s(*call.args, **call.kwds))


def _put_wish(call: OldCall, shown: Shown, now_s: float) -> _Wish:
    def wish(item: Any, block: Any = True, timeout: Any = None) -> _Wish:
        return _Wish(call, shown, item, _until_s(block, timeout, now_s))

    return wish(*call.args, **call.kwds)


def _get_now(call: OldCall, shown: Shown, now_s: float) -> _Wish:
    _nothing(*call.args, **call.kwds)
    return _Wish(call, shown, None, now_s)


def _put_now(call: OldCall, shown: Shown, now_s: float) -> _Wish:
    def wish(item: Any) -> _Wish:
        return _Wish(call, shown, item, now_s)

    return wish(*call.args, **call.kwds)


def _join_wish(call: OldCall, shown: Shown, _now_s: float) -> _Wish:
    _nothing(*call.args, **call.kwds)
    return _Wish(call, shown, None, inf)


def _nothing() -> None:
    """Takes no arguments; raises TypeError where there are some."""


def _until_s(block: Any, timeout: Any, now_s: float) -> float:
    if not block:
        return now_s
    if timeout is None:
        return inf
    if not timeout >= 0:
        raise ValueError("'timeout' must be a non-negative number")
    return now_s + float(timeout)


_WAITING = {
    "get": _get_wish,
    "get_nowait": _get_now,
    "put": _put_wish,
    "put_nowait": _put_now,
    "join": _join_wish,
}


def _failure(call: OldCall, error: Exception) -> OldReply:
    name = type(error).__name__
    if isinstance(error, Empty | Full) or (name == "ShutDown" and name in QUEUE_ERRORS):
        return raised(call, Raised(f"queue.{name}"))
    if isinstance(error, _KEPT):
        return raised(call, Raised(_builtin(type(error)), _plain(error.args)))
    _log.error("%s.%s failed", call.typeid, call.method, exc_info=error, extra={"action": "call"})
    return refused(call, f"{type(error).__name__} in {call.typeid}.{call.method}")


def _builtin(kind: type[BaseException]) -> str:
    """The name of the nearest class that can travel."""
    names = (one.__name__ for one in kind.__mro__ if one.__module__ == "builtins")
    return next(name for name in names if name in OLD_BUILTIN_ERRORS | NEW_BUILTIN_ERRORS)


def _plain(args: tuple[Any, ...]) -> tuple[Any, ...]:
    try:
        Scale().check(args)
    except NotPlainError:
        return tuple(map(str, args))
    return args
