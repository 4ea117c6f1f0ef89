"""The limited child process that decodes what is large or rare.

`python -m bowerbird.images.child`, standard input a socket to the parent (`warden`). Frames are a
length of 4 bytes, big-endian, and msgpack. It says hello when it is ready, answers one result
for each request, and ends when the socket does.
"""

import contextlib
import mmap
import signal
import socket
import warnings
from collections.abc import Callable, Iterator
from struct import pack, unpack
from typing import TypeVar

import msgspec

from bowerbird.codec import decode as unpacked
from bowerbird.codec import encode
from bowerbird.images.base import Body, Inspected, Refused, Result
from bowerbird.images.inspection import decode

#: Address space, in bytes: 64 MP decoded twice over, and the interpreter.
MEMORY = 1 << 30
#: Processor seconds for one image; the parent's deadline is as long.
CPU_S = 10
#: Largest frame, in bytes: no body is larger than its limit allows; this is past all sense.
MAX_FRAME = 1 << 30

R = TypeVar("R")


class Request(msgspec.Struct, frozen=True, array_like=True):
    """One image to decode: in a file, or in the frame itself where `path` is empty."""

    seen: Inspected
    path: str = ""
    body: bytes = b""


def send(connection: socket.socket, value: object) -> None:
    """Write one frame."""
    data = encode(value)
    connection.sendall(pack(">I", len(data)) + data)


def receive(connection: socket.socket) -> bytes:
    """Read one frame. Raises EOFError where the other end has gone."""
    (size,) = unpack(">I", _exactly(connection, 4))
    if size > MAX_FRAME:
        raise EOFError("no frame is that long")
    return _exactly(connection, size)


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray(size)
    view, at = memoryview(data), 0
    while at < size:
        count = connection.recv_into(view[at:])
        if not count:
            raise EOFError("the other end has gone")
        at += count
    return bytes(data)


def main() -> None:
    """Serve the parent until it goes."""
    serve(Request, _answer)


def serve(kind: type[R], answer: Callable[[R], object]) -> None:
    """Answer requests of one kind, within the limits, until the parent goes."""
    for name in (signal.SIGINT, signal.SIGTERM):  # the parent's to interpret: it may need us still
        signal.signal(name, signal.SIG_IGN)
    warnings.simplefilter("error")
    _limit("RLIMIT_AS", MEMORY)
    _limit("RLIMIT_FSIZE", 0)
    _limit("RLIMIT_CORE", 0)
    with socket.socket(fileno=0) as connection, contextlib.suppress(EOFError, OSError):
        send(connection, "ready")
        while True:
            request = unpacked(receive(connection), kind)
            _limit_cpu()
            send(connection, answer(request))


def _answer(request: Request) -> Result:
    try:
        with body_of(request.path, request.body) as data:
            return decode(data, request.seen)
    except OSError as error:
        return Refused("decoder-died", f"cannot read the file: {error.strerror}")


@contextlib.contextmanager
def body_of(path: str, body: bytes) -> Iterator[Body]:
    """A body that lies in a file, mapped, or came along."""
    if not path:
        yield body
        return
    with (
        open(path, "rb") as file,  # noqa: PTH123 (pathlib costs 4 ms of start-up)
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view,
    ):
        yield view


def _limit(name: str, soft: int) -> None:
    """Set one limit, where the platform knows it."""
    with contextlib.suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        what = getattr(resource, name)
        resource.setrlimit(what, (soft, resource.getrlimit(what)[1]))


def _limit_cpu() -> None:
    """Processor time is counted over the life of a process: each image gets its share anew."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit("RLIMIT_CPU", int(used.ru_utime + used.ru_stime) + CPU_S + 1)


if __name__ == "__main__":
    main()
