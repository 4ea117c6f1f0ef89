"""What is registered under a name, and what callers may do with it."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from bowerbird.errors import UsageError
from bowerbird.queues.oldstyle.values import QUEUE_METHODS

#: What tells a queue from other objects.
_QUEUE_LIKE = ("get", "put", "get_nowait", "put_nowait", "empty")


class Registered(NamedTuple):
    """A name's object, to be made by whoever serves it; None: it is served by another."""

    make: Callable[[], Any] | None
    exposed: tuple[str, ...] | None  #: None: as the object has them


class Shown(NamedTuple):
    """An object that is served."""

    typeid: str
    target: Any
    exposed: tuple[str, ...]
    is_queue: bool


def shown(typeid: str, registered: Registered) -> Shown:
    """Make the object of a name that has one.

    Raises:
        UsageError: it has no such method as is to be exposed, or cannot be made without arguments.
    """
    assert registered.make is not None
    _require_no_arguments(typeid, registered.make)
    target = registered.make()
    is_queue = all(callable(getattr(target, name, None)) for name in _QUEUE_LIKE)
    exposed = registered.exposed or (
        _existing(target, QUEUE_METHODS) if is_queue else _public(target)
    )
    for name in exposed:
        if name.startswith("_") or not callable(getattr(target, name, None)):
            raise UsageError(f"What is registered as {typeid!r} has no method {name!r} to show.")
    return Shown(typeid, target, tuple(exposed), is_queue)


def _require_no_arguments(typeid: str, make: Callable[[], Any]) -> None:
    try:
        needed = [
            one.name for one in inspect.signature(make).parameters.values()
            if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
        ]  # fmt: skip
    except (TypeError, ValueError):  # some builtins do not say
        return
    if needed:
        raise UsageError(
            f"The callable of {typeid!r} wants {', '.join(needed)}: there is one object for each "
            "name, made once, without arguments. Register a callable that takes none, or an object "
            "with a method that takes them."
        )


def _existing(target: object, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if callable(getattr(target, name, None)))


def _public(target: object) -> tuple[str, ...]:
    return _existing(target, [name for name in dir(target) if not name.startswith("_")])
