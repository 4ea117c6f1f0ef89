"""Plain values: what may travel in an old-style message, and how much of it."""

from collections.abc import Iterable
from typing import Any

import msgspec

from bowerbird.errors import NotPlainError


class PlainLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one message may hold."""

    opcodes: int = 250_000  #: steps of the reader, about 0.1 s of them
    depth: int = 100  #: containers within containers
    size: int = 64 << 20  #: values + bytes, counting what is shared as often as it is seen
    integer_bytes: int = 256  #: arithmetic on longer ones takes noticeable time
    odd_keys: int = 1_000  #: keys of one message whose hash a stranger can choose


DEFAULT = PlainLimits()

_FIXED = frozenset((type(None), bool, int, float))
_SIZED = frozenset((str, bytes))
CONTAINERS = frozenset((list, tuple, dict, set, frozenset))

#: Below this, integers have hashes of their own (CPython, Include/cpython/pyhash.h).
_HASH_MODULUS = (1 << 61) - 1
#: Items of a tuple that may be a key; its hash is made anew at each use.
_KEY_ITEMS = 16

_Measure = tuple[int, int]  # size, height


class Scale:
    """Measures values against limits; raises NotPlainError beyond them."""

    def __init__(self, limits: PlainLimits = DEFAULT, also: frozenset[type] = frozenset()) -> None:
        self._limits = limits
        self._containers = CONTAINERS | also
        self._known: dict[int, _Measure | None] = {}

    def check(self, value: Any) -> None:
        """Raises NotPlainError: it is no plain value, or too large, deep or endless."""
        self._measure(value, 0)

    def _measure(self, value: Any, depth: int) -> _Measure:
        kind = type(value)
        if kind in _FIXED:
            return 1, 0
        if kind in _SIZED:
            return 1 + len(value), 0
        if kind not in self._containers:
            raise not_plain(kind.__qualname__)
        size, height = self._once(value, depth)
        if depth + height > self._limits.depth:
            raise NotPlainError("A value is nested too deeply.")
        return size, height

    def _once(self, value: Any, depth: int) -> _Measure:
        """What is shared is measured once, so that no bomb of references takes time."""
        key = id(value)
        if key not in self._known:
            self._known[key] = None
            self._known[key] = self._all(_parts(value), depth + 1)
        measure = self._known[key]
        if measure is None:
            raise NotPlainError("A value contains itself.")
        return measure

    def _all(self, parts: Iterable[Any], depth: int) -> _Measure:
        if depth > self._limits.depth:
            raise NotPlainError("A value is nested too deeply.")
        size = height = 0
        for part in parts:
            part_size, part_height = self._measure(part, depth)
            size += part_size
            height = max(height, part_height)
            if size > self._limits.size:
                raise NotPlainError("A value is too large.")
        return size + 1, height + 1


def not_plain(what: str) -> NotPlainError:
    """The refusal of something that is no plain value."""
    return NotPlainError(f"Only plain values can travel here, and {what} is none.")


def _parts(value: Any) -> Any:
    return (part for item in value.items() for part in item) if type(value) is dict else value


def is_odd_key(key: Any) -> bool:
    """Whether a stranger can find many such keys with one hash.

    Raises:
        NotPlainError: it cannot be a key here at all.
    """
    kind = type(key)
    if kind is int:
        return not -_HASH_MODULUS < key < _HASH_MODULUS
    if kind is tuple:
        if len(key) > _KEY_ITEMS or not all(type(item) in _FIXED | _SIZED for item in key):
            raise NotPlainError("A key is too complex.")
        return True
    if kind not in _FIXED and kind not in _SIZED:
        raise not_plain(f"a key of type {kind.__qualname__}")
    return False
