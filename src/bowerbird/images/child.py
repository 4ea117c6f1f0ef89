"""The limited child process that decodes what is large or rare.

`python -m bowerbird.images.child`, standard input a socket to the parent (`warden`). Frames are a
length of 4 bytes, big-endian, and msgpack; a body that lies in a file comes along as a descriptor.
It says hello when it is ready, answers one result for each request, and ends when the socket does.
It loads all that it may need first, and then can open nothing any more (`seal`).
"""

import contextlib
import os
import signal
import socket
import warnings
from collections.abc import Callable
from importlib import import_module
from mmap import ACCESS_READ, mmap
from struct import pack, unpack
from typing import Protocol, TypeVar

import msgspec

from bowerbird.codec import decode as unpacked
from bowerbird.codec import encode
from bowerbird.images.base import Body, Inspected
from bowerbird.images.inspection import decode, format_of
from bowerbird.images.seal import seal
from bowerbird.settings import ALL_TYPES

#: Address space, in bytes: 64 MP decoded twice over, and the interpreter.
MEMORY = 1 << 30
#: Processor seconds for one image; the parent's deadline is as long.
CPU_S = 10
#: Largest frame, in bytes: no body is larger than its limit allows; this is past all sense.
MAX_FRAME = 1 << 30

R = TypeVar("R", bound="Question")

#: What our formats, Pillow and codecs load at the first picture that needs it.
_LATER = (
    "bowerbird.images.pillow",
    *(f"PIL.{name}ImagePlugin" for name in ("Avif", "Bmp", "Gif", "Ico", "Jpeg", "Png", "WebP")),
    *("PIL.MpoImagePlugin", "PIL.TiffImagePlugin", "PIL.ImagePalette", "PIL.ImageColor", "copy"),
    *(f"encodings.{name}" for name in ("ascii", "latin_1", "utf_16", "cp1252")),
)


class Request(msgspec.Struct, frozen=True, array_like=True):
    """One image to decode: in the frame itself, or in a file whose descriptor comes along."""

    seen: Inspected
    body: bytes = b""


class Question(Protocol):
    """What a request of any kind has."""

    @property
    def body(self) -> bytes:
        """The picture, unless it comes along as a file."""
        ...


def send(connection: socket.socket, value: object, file: int | None = None) -> None:
    """Write one frame, and a descriptor with it."""
    data = encode(value)
    socket.send_fds(connection, [pack(">I", len(data))], [] if file is None else [file])
    connection.sendall(data)


def receive(connection: socket.socket) -> bytes:
    """Read one frame. Raises EOFError where the other end has gone."""
    return _rest(connection, _exactly(connection, 4))


def _rest(connection: socket.socket, head: bytes) -> bytes:
    (size,) = unpack(">I", head)
    if size > MAX_FRAME:
        raise EOFError("no frame is that long")
    return _exactly(connection, size)


def _receive_both(connection: socket.socket) -> tuple[bytes, int | None]:
    """One frame, and the descriptor that came with it."""
    head, files, _, _ = socket.recv_fds(connection, 4, 1)
    head += _exactly(connection, 4 - len(head)) if head else b""
    if not head:
        raise EOFError("the other end has gone")
    return _rest(connection, head), files[0] if files else None


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
    load("bowerbird.images.turbo")
    serve(Request, lambda request, data: decode(data, request.seen))


def load(*modules: str) -> None:
    """Import what is needed later, when nothing can be opened any more."""
    for name in (*_LATER, *modules):
        import_module(name)
    for kind in ALL_TYPES:
        format_of(kind)


def serve(kind: type[R], answer: Callable[[R, Body], object]) -> None:
    """Answer requests of one kind, within the limits, until the parent goes."""
    for name in (signal.SIGINT, signal.SIGTERM):  # the parent's to interpret: it may need us still
        signal.signal(name, signal.SIG_IGN)
    warnings.simplefilter("error")
    for limit, most in (("RLIMIT_AS", MEMORY), ("RLIMIT_FSIZE", 0), ("RLIMIT_CORE", 0)):
        _limit(limit, most, for_good=True)
    with socket.socket(fileno=0) as connection, contextlib.suppress(EOFError, OSError):
        seal()
        send(connection, "ready")
        while True:
            frame, file = _receive_both(connection)
            _limit_cpu()
            send(connection, _answered(unpacked(frame, kind), file, answer))


def _answered(request: R, file: int | None, answer: Callable[[R, Body], object]) -> object:
    if file is None:
        return answer(request, request.body)
    try:
        with mmap(file, 0, access=ACCESS_READ) as view:
            return answer(request, view)
    finally:
        os.close(file)


def _limit(name: str, soft: int, *, for_good: bool = False) -> None:
    """Set one limit, where the platform knows it; `for_good`: who gets in cannot lift it."""
    with contextlib.suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        what = getattr(resource, name)
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (soft, soft if for_good else hard))


def _limit_cpu() -> None:
    """Processor time is counted over the life of a process: each image gets its share anew."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit("RLIMIT_CPU", int(used.ru_utime + used.ru_stime) + CPU_S + 1)


if __name__ == "__main__":
    main()
