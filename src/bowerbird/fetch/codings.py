"""Content codings (RFC 9110 section 8.4.1): bodies unpacked in small steps, as browsers do.

Not by libcurl, which refuses a body whose coding it does not know (what was put on S3 in chunks
says `aws-chunked`, others say `utf-8`), gzip of several members, and gzip with something behind it.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Protocol

from bowerbird.deflated import RAW, STEP, ZLIB, Gzip, steps

#: What requests ask for.
ACCEPTED = "gzip, deflate, br"
#: Codings that there are and that we have no decoder for, since they are not asked for.
_NOT_ASKED_FOR = frozenset(("zstd", "compress", "x-compress", "dcb", "dcz"))


class BrokenCodingError(ValueError):
    """A body is not what its Content-Encoding says."""


class Unpacker(Protocol):
    """Undoes one coding. `feed` raises BrokenCodingError."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What these bytes bring, in pieces of about `STEP`."""
        ...


def named(value: str) -> list[str]:
    """The codings of a Content-Encoding, in the order they were applied; `identity` is none."""
    names = (name.strip().lower() for name in value.split(","))
    return [name for name in names if name not in ("", "identity")]


def unpacker(codings: Sequence[str]) -> Unpacker | None:
    """What undoes these. None where one of them is no coding at all: the body is as it is.

    Raises BrokenCodingError: one of them was not asked for.
    """
    if missing := _NOT_ASKED_FOR.intersection(codings):
        raise BrokenCodingError(f"{', '.join(sorted(missing))} was not asked for")
    real = [name for name in codings if name != "aws-chunked"]
    if not real or any(name not in _MAKERS for name in real):
        return None
    return reduce(_Chain, (_MAKERS[name]() for name in reversed(real)))


class _Chain:
    """One coding in another."""

    def __init__(self, outer: Unpacker, inner: Unpacker) -> None:
        self._outer = outer
        self._inner = inner

    def feed(self, data: bytes) -> Iterator[bytes]:
        for piece in self._outer.feed(data):
            yield from self._inner.feed(piece)


class _Gzip:
    def __init__(self) -> None:
        self._members = Gzip()

    def feed(self, data: bytes) -> Iterator[bytes]:
        return _told(self._members.feed(data))


class _Deflate:
    """In zlib's wrapping, as the standard has it, or bare, as some servers do."""

    def __init__(self) -> None:
        self._machine: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._machine is None and data:
            # A zlib header's low four bits name its method, 8; a bare stream of that first byte
            # would be a block of a kind that encoders do not begin with.
            self._machine = zlib.decompressobj(ZLIB if data[0] & 15 == 8 else RAW)
        return _told(steps(self._machine, data)) if self._machine else iter(())


def _told(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces; zlib's error becomes ours."""
    try:
        yield from pieces
    except zlib.error as error:
        raise BrokenCodingError(str(error)) from error


class _Brotli:
    def __init__(self) -> None:
        import brotli

        self._machine = brotli.Decompressor()
        self._broken = brotli.error

    def feed(self, data: bytes) -> Iterator[bytes]:
        machine = self._machine
        while not machine.is_finished():
            try:
                piece = machine.process(data, output_buffer_limit=STEP)
            except self._broken as error:
                raise BrokenCodingError(str(error)) from error
            data = b""
            if piece:  # there may be more of it, though all input is taken
                yield piece
            elif machine.can_accept_more_data():
                return


_MAKERS: dict[str, Callable[[], Unpacker]] = {
    "gzip": _Gzip, "x-gzip": _Gzip, "deflate": _Deflate, "br": _Brotli,
}  # fmt: skip
