"""The bytes of a list as lines of text: gzip, byte order marks, line ends, caps."""

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from bowerbird.deflated import MAGIC
from bowerbird.errors import ListError

#: Read at once, in bytes.
CHUNK = 1 << 18
#: Longest line, in characters; a line of JSON may carry much beside its URL.
MAX_LINE = 1 << 20

PARQUET = b"PAR1"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

#: Told of what cannot be used: its place in the list (from 1), its text, and why.
Fault = Callable[[int, str, str], None]


def open_bytes(name: str) -> "io.BufferedReader[io.RawIOBase]":
    """The bytes of a list as they lie there; `-` is standard input.

    Raises:
        ListError: there is nothing to read.
    """
    raw = io.BufferedReader(_raw(name), CHUNK)
    if not raw.peek(1):
        raw.close()
        raise ListError(f"{shown(name)} is empty. It should have one image URL on each line.")
    return raw


def unpacked(name: str, raw: "io.BufferedReader[io.RawIOBase]") -> "Readable":
    """The same, unpacked if they are gzip.

    Raises:
        ListError: they are not, and the name says they are.
    """
    if raw.peek(2).startswith(MAGIC):
        return gzip.GzipFile(fileobj=raw)
    if name.lower().endswith(".gz"):
        raise ListError(f"{name} is not gzip, whatever its name says. Rename it without .gz.")
    return raw


def _raw(name: str) -> io.RawIOBase:
    if name == "-":
        return io.FileIO(sys.stdin.fileno(), closefd=False)
    path = Path(name)
    if path.is_dir():
        raise ListError(f"{name} is a folder. Name a file of image URLs.")
    try:
        return io.FileIO(path)
    except FileNotFoundError:
        if "://" in name:
            raise ListError(
                f"{name} is a URL, not a list of them: `crawl` takes pages, and an image alone may "
                "come from standard input, as the list -."
            ) from None
        raise ListError(f"{name} does not exist. Name a file of image URLs.") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ListError(f"{name} cannot be read: {why}.") from None


def shown(name: str) -> str:
    """A list's name for people."""
    return "Standard input" if name == "-" else name


class Readable(Protocol):
    """What can be read on."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most so many; none at the end."""
        ...

    def read1(self, size: int, /) -> bytes:
        """The same, and no more than are there."""
        ...


class Text:
    """A list's text, read once, in bounded memory."""

    def __init__(self, name: str, file: Readable) -> None:
        """Look at the first bytes of an open file; `name` is for messages.

        Raises:
            ListError: they are no text.
        """
        self.name = name
        # A pipe may be slow. A file is whole, or told to be broken before anything begins.
        self._next = file.read1 if name == "-" else file.read
        head = self._head()
        encoding = next((codec for mark, codec in _MARKS if head.startswith(mark)), "utf-8")
        if encoding != "utf-16" and b"\0" in head:
            raise ListError(
                f"{shown(name)} is binary, not a list. It should have one image URL on each line."
            )
        self._decoder = io.IncrementalNewlineDecoder(
            codecs.getincrementaldecoder(encoding)("replace"), translate=True
        )
        self.head = self._decoder.decode(head, final=not head)
        self._first: str | None = self.head

    def chunks(self) -> Iterator[str]:
        """All text, a piece at a time, lines ended by `\\n` only.

        Raises:
            ListError: the file breaks off or cannot be unpacked.
        """
        first, self._first = self._first, None
        if first:
            yield first
        while body := self._read():
            yield self._decoder.decode(body)
        yield self._decoder.decode(b"", final=True)

    def lines(self, fault: Fault) -> Iterator[tuple[int, str]]:
        """(number from 1, line without its end); too long ones are told to `fault`."""
        number, rest, skipping = 0, "", False
        for chunk in self.chunks():
            *lines, rest = (rest + chunk).split("\n")
            for line in lines:
                number += 1
                if not skipping:
                    yield number, line
                skipping = False
            if len(rest) > MAX_LINE and not skipping:
                fault(number + 1, rest, f"longer than {MAX_LINE:,} characters")
                skipping = True
            rest = "" if skipping else rest
        if rest:
            yield number + 1, rest

    def _head(self) -> bytes:
        """The first bytes, as many as show what they are."""
        head = piece = self._read()
        while piece and not _shows_its_form(head) and len(head) < CHUNK:
            piece = self._read()
            head += piece
        return head

    def _read(self) -> bytes:
        try:
            return self._next(CHUNK)
        except (EOFError, zlib.error, OSError) as error:
            raise ListError(
                f"{shown(self.name)} breaks off or is damaged: {error}. Make it anew."
            ) from None


def _shows_its_form(head: bytes) -> bool:
    """Whether there is a whole line and, in JSON, a first object of a line or the beginning of an
    array. A pipe may bring them one by one."""
    first, end, more = head.removeprefix(codecs.BOM_UTF8).lstrip().partition(b"\n")
    if not end or not first.startswith(b"{"):
        return bool(end)
    if first.rstrip().endswith(b"}"):
        return b"://" in first or b"{" in more
    return b"[" in first or b"[" in more
