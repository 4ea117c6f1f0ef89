"""Lists of image URLs: .txt .csv .tsv .json .jsonl .parquet, each also as .gz, or standard input.

Read once, from front to back, in bounded memory. A bad line among good ones is counted, and the
first are kept for the report; a list without any URL is refused before anything is begun.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path, PurePath
from typing import Self

import msgspec

from bowerbird.errors import ListError
from bowerbird.manager import list_rows as rows
from bowerbird.manager.list_text import PARQUET, Text, open_bytes, shown, unpacked
from bowerbird.urls import MAX_URL, canonical
from bowerbird.words import many

#: Bad lines that are kept word for word; the others are counted.
BAD_SHOWN = 20
#: Characters of a bad line that are kept.
BAD_LENGTH = 200

_READERS: dict[str, rows.Reader] = {
    ".txt": rows.plain_rows,
    ".csv": rows.comma_rows,
    ".tsv": rows.tab_rows,
    ".json": rows.json_rows,
    ".jsonl": rows.json_line_rows,
    ".ndjson": rows.json_line_rows,
}


class Listed(msgspec.Struct, frozen=True, gc=False):
    """One entry of a list."""

    url: str  #: canonical
    alt: str = ""  #: its caption, where the list has one


class BadLine(msgspec.Struct, frozen=True):
    """A line that is no image URL."""

    number: int  #: from 1: line of a text, element of a JSON array, row of Parquet
    text: str
    why: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.why}: {self.text!r}"


class ImageUrls:
    """Image URLs, checked as they come. Iterate once; close, or use as a context."""

    def __init__(self, given: Iterable[object]) -> None:
        """Take them from anywhere; what is no text is read as what it writes itself as."""
        self.good = 0  #: entries read so far
        self.bad = 0  #: bad lines so far
        self.bad_lines: list[BadLine] = []  #: the first of them
        self._files = ExitStack()
        self._entries = self._checked((n, str(url), "") for n, url in enumerate(given, 1))

    def __iter__(self) -> Iterator[str]:
        """The canonical URLs."""
        return (entry.url for entry in self._entries)

    def notes(self) -> list[str]:
        """What was wrong so far, for people."""
        if not self.bad:
            return []
        more = f"; {self.bad - len(self.bad_lines)} more" if self.bad > len(self.bad_lines) else ""
        listed = "; ".join(map(str, self.bad_lines))
        return [f"{many(self.bad, 'bad line')} left out: {listed}{more}"]

    def close(self) -> None:
        """Let go of the file, where there is one."""
        self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _checked(self, found: Iterable[rows.Row]) -> Iterator[Listed]:
        for number, text, alt in found:
            url = canonical(text)
            if url is None:
                self._fault(number, text, _why(text))
            else:
                self.good += 1
                yield Listed(url, alt.strip())

    def _fault(self, number: int, text: str, why: str) -> None:
        self.bad += 1
        if len(self.bad_lines) < BAD_SHOWN:
            self.bad_lines.append(BadLine(number, text[:BAD_LENGTH], why))


class UrlList(ImageUrls):
    """The entries of an open list, in order."""

    def __init__(self, name: str) -> None:
        """Open a list and read as far as its first URL.

        Args:
            name: a path, or `-` for standard input.

        Raises:
            ListError: missing, unreadable, empty, binary, broken, or without any URL.
        """
        super().__init__(())
        self.name = name
        try:
            self._entries = self._begin(self._checked(self._rows()))
        except BaseException:
            self._files.close()
            raise

    def __repr__(self) -> str:
        return f"<UrlList {self.name} [{self.good} good, {self.bad} bad]>"

    def entries(self) -> Iterator[Listed]:
        """URLs with captions, in place of the plain iteration.

        Raises:
            ListError: the rest of the list is damaged; what came before stands.
        """
        return self._entries

    def _rows(self) -> Iterator[rows.Row]:
        raw = open_bytes(self.name)
        if self.name != "-":  # which is not ours, and whose end would wait for a read under way
            self._files.enter_context(raw)
        if raw.peek(4).startswith(PARQUET):
            return rows.parquet_rows(self._parquet_name())
        text = Text(self.name, unpacked(self.name, raw))
        return _reader(self.name, text.head)(text, self._fault)

    def _parquet_name(self) -> str:
        if self.name == "-":  # its table of contents is at the end
            raise ListError("Standard input is Parquet, which cannot be streamed. Name the file.")
        return self.name

    def _begin(self, found: Iterator[Listed]) -> Iterator[Listed]:
        first = next(found, None)
        if first is None:
            seen = f" The first line that is none: {self.bad_lines[0]}." if self.bad_lines else ""
            raise ListError(f"{shown(self.name)} has no http or https URL in it.{seen}")
        return chain((first,), found)


def open_list(name: str) -> UrlList:
    """Open a list of image URLs; see `UrlList`."""
    return UrlList(name)


def image_urls(given: Iterable[object] | str | Path) -> ImageUrls:
    """URLs from anywhere, or from the list of that path."""
    return open_list(str(given)) if isinstance(given, str | Path) else ImageUrls(given)


def _reader(name: str, head: str) -> rows.Reader:
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes if suffix.lower() != ".gz"]
    reader = _READERS.get(suffixes[-1]) if suffixes else None
    if reader is None or reader is rows.json_rows:
        return _sniffed(head, reader)
    return reader


def _sniffed(head: str, named: rows.Reader | None) -> rows.Reader:
    """What a text is by its beginning, where its name does not say (or says JSON, of any sort)."""
    start = head.lstrip()
    first, _, more = start.partition("\n")
    if _is_object(first) and (more.lstrip().startswith("{") or rows.has_url(first)):
        return rows.json_line_rows
    if named or start.startswith(("[", "{")):
        return rows.json_rows
    if first.count("\t") and not first.startswith(("http:", "https:")):
        return rows.tab_rows
    return rows.comma_rows if _looks_like_table(first) else rows.plain_rows


def _is_object(line: str) -> bool:
    return line.startswith("{") and line.rstrip().endswith("}")


def _looks_like_table(first: str) -> bool:
    # A URL may have commas in it: a line that is one URL is a plain list's.
    return "," in first and (canonical(first) is None or ",http" in first or '","' in first)


def _why(text: str) -> str:
    if not text:
        return "no URL in this row"
    if len(text) > MAX_URL:
        return f"longer than {MAX_URL:,} characters"
    head, colon, _ = text.partition(":")
    if colon and head.isalpha() and head.lower() not in {"http", "https"}:
        return f"{head}: is neither http nor https"
    if not colon and "." in text.partition("/")[0] and canonical("https://" + text):
        return "a URL begins with http:// or https://"
    return "not a URL"
