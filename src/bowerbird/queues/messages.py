"""What our own client and server say to each other once they have shaken hands.

A frame of ours begins with `MAGIC`, which begins no pickle, so that one port can serve old-style
clients too. The rest is one msgpack array.
"""

import msgspec

from bowerbird.codec import decode
from bowerbird.errors import (
    BowerbirdError,
    ConnectionLostError,
    FrontierError,
    PlainManagerError,
    ProtocolError,
    RemoteCallError,
    SessionGoneError,
    StorageFullError,
    UsageError,
)
from bowerbird.queues.wire import FRAME_LIMIT, write_length

#: First byte of each frame of ours; its lower half is the version of this format.
MAGIC = 0xB1
#: Begins the pickles in which a stock manager says that it does not understand us.
_PICKLE = b"\x80"

_HEAD = b"\0\0\0\0" + bytes((MAGIC,))
_encode_into = msgspec.msgpack.Encoder().encode_into

#: Errors that keep their class across the wire; all others become RemoteCallError.
_ERRORS: dict[str, type[BowerbirdError]] = {
    kind.__name__: kind
    for kind in (
        SessionGoneError, StorageFullError, FrontierError, ProtocolError, UsageError,
        ConnectionLostError, RemoteCallError,
    )
}  # fmt: skip


class Request(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A call. `id` is the caller's, unique among its calls under way on this connection."""

    id: int
    method: str
    payload: bytes = b""


class Reply(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The answer to the request of this id."""

    id: int
    error: str = ""  #: "": it went well; else the name of an error
    payload: bytes = b""  #: the answer, or the error's message as UTF-8


def framed(message: Request | Reply) -> bytearray:
    """A whole frame.

    Raises:
        ProtocolError: it is larger than the other end would take.
    """
    buffer = bytearray(_HEAD)
    _encode_into(message, buffer, len(_HEAD))
    length = len(buffer) - 4
    if length > FRAME_LIMIT:
        raise ProtocolError(f"a message of {length} bytes; at most {FRAME_LIMIT} are sent.")
    write_length(buffer, 0, length)
    return buffer


def read_request(frame: bytes) -> Request:
    """Raises ProtocolError where the frame is no request."""
    return decode(_body(frame), Request)


def read_reply(frame: bytes) -> Reply:
    """Raises ProtocolError where the frame is no reply, PlainManagerError where it is a pickle."""
    if frame[:1] == _PICKLE:
        raise PlainManagerError(
            "A manager of Python's standard library listens there, none of ours."
        )
    return decode(_body(frame), Reply)


def _body(frame: bytes) -> memoryview:
    if is_of_another_version(frame):
        raise ProtocolError(
            "The other end is a Bowerbird that speaks another version of this protocol: "
            "install the same version on both machines."
        )
    if not frame or frame[0] != MAGIC:
        raise ProtocolError("a frame of another protocol or version.")
    return memoryview(frame)[1:]


def is_of_another_version(frame: bytes) -> bool:
    """Whether a later or earlier Bowerbird has sent this; it is told so in a frame of ours."""
    return bool(frame) and frame[0] != MAGIC and frame[0] >> 4 == MAGIC >> 4


def failure(id: int, error: BowerbirdError) -> Reply:
    """The reply that carries an error."""
    names = (kind.__name__ for kind in type(error).__mro__)
    name = next((name for name in names if name in _ERRORS), RemoteCallError.__name__)
    return Reply(id, name, str(error).encode("utf-8", "replace"))


def answer_of(reply: Reply) -> bytes:
    """The payload of a reply; raises the error it carries."""
    if not reply.error:
        return reply.payload
    kind = _ERRORS.get(reply.error, RemoteCallError)
    raise kind(reply.payload.decode("utf-8", "replace"))
