"""Values to bytes and back: msgpack by `msgspec`, typed on arrival, never pickle."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec

from bowerbird.errors import ProtocolError

T = TypeVar("T")

_encoder = msgspec.msgpack.Encoder()

encode: Callable[[Any], bytes] = _encoder.encode


@cache
def _decoder(shape: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(shape)


def decode(data: bytes | memoryview, shape: type[T]) -> T:
    """Read bytes as a value of this type.

    Raises:
        ProtocolError: the bytes are no such value.
    """
    try:
        value: T = _decoder(shape).decode(data)  # type: ignore[arg-type]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        name = getattr(shape, "__name__", str(shape))
        raise ProtocolError(f"bytes that are no {name}: {error}") from None
    return value


def named(value: Any) -> Any:
    """Values with the names of their fields, for JSON that people's programs read; on the wire
    they travel as arrays."""
    if isinstance(value, msgspec.Struct):
        return {name: named(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {key: named(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [named(item) for item in value]
    return value


def as_json(value: Any) -> bytes:
    """Indented JSON of a value, with a line's end."""
    return msgspec.json.format(msgspec.json.encode(named(value)), indent=2) + b"\n"
