"""The forms of a list, each read as rows of (place in the list from 1, URL as written, caption)."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

import msgspec

from bowerbird.errors import ListError
from bowerbird.manager import list_columns as columns
from bowerbird.manager.list_text import MAX_LINE, Fault, Text, shown

Row = tuple[int, str, str]
Reader = Callable[[Text, Fault], Iterator[Row]]

#: Rows looked at to find the column of URLs.
SAMPLE = 50
#: Rows of a Parquet file read at once.
BATCH = 10_000

#: Columns of Parquet that hold text; those of pandas' categories are dictionaries of it.
_TEXT = re.compile(r"(?:large_)?string(?:_view)?|dictionary<values=(?:large_)?string(?:_view)?,")
#: A bracket in a title begins no array.
_STRING_OR_ARRAY = re.compile(r'"(?:[^"\\]++|\\.|(?!))*+"|(\[)', re.DOTALL)

_QUOTES = "\"'<>,"


def plain_rows(text: Text, fault: Fault) -> Iterator[Row]:
    """A URL a line, with a caption behind a tab if one likes; `#` begins a comment."""
    for number, line in text.lines(fault):
        line = line.strip()
        if not line or line[0] == "#":
            continue
        url, _, alt = line.partition("\t")
        if url[0] in _QUOTES or url[-1] in _QUOTES:
            url = url.strip(_QUOTES + " ")
        if number > 1 or columns.plain(url) not in columns.URL_NAMES:
            yield number, url, alt


def comma_rows(text: Text, fault: Fault) -> Iterator[Row]:
    """Comma-separated values (RFC 4180); semicolons and bars too, whatever line 1 has."""
    first = text.head.partition("\n")[0]
    return _table_rows(text, fault, max(",;|\t", key=first.count))


def tab_rows(text: Text, fault: Fault) -> Iterator[Row]:
    """Tab-separated values."""
    return _table_rows(text, fault, "\t")


def _table_rows(text: Text, fault: Fault, delimiter: str) -> Iterator[Row]:
    rows = _cells(text, fault, delimiter)
    sample = list(islice(rows, SAMPLE))
    cells = [row for _, row in sample]
    if not cells:
        return
    column, alt = columns.url_column(cells), None
    if columns.has_header(cells, column):
        alt = columns.alt_column(cells, column)
        del sample[0]
    for number, row in chain(sample, rows):
        url = row[column].strip() if column < len(row) else ""
        yield number, url, row[alt] if alt is not None and alt < len(row) else ""


def _cells(text: Text, fault: Fault, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    # Its own end goes back to each line: a quoted cell may run over several.
    lines = (line + "\n" for _, line in text.lines(fault))
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fault(reader.line_num, "", f"no row of cells: {error}")
            continue
        if any(row) and not row[0].startswith("#"):
            yield reader.line_num, row


def json_line_rows(text: Text, fault: Fault) -> Iterator[Row]:
    """A JSON value a line: an object with a URL in it, or a string."""
    decode = msgspec.json.Decoder().decode
    for number, line in text.lines(fault):
        if not line.strip():
            continue
        try:
            value = decode(line)
        except (msgspec.DecodeError, RecursionError):
            fault(number, line, "broken JSON")
            continue
        yield from _value_rows(number, value, fault)


def has_url(line: str) -> bool:
    """Whether this line is a JSON object with a URL of its own."""
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return False
    return isinstance(value, dict) and columns.from_object(value) is not None


def json_rows(text: Text, fault: Fault) -> Iterator[Row]:
    """An array of strings or objects, or an object that has one; read element by element."""
    start = next((one.start() for one in _STRING_OR_ARRAY.finditer(text.head) if one[1]), -1)
    if start < 0:
        raise ListError(f"{shown(text.name)} is JSON without an array of image URLs in it.")
    number = 0
    try:
        for number, value in enumerate(_elements(text.chunks(), start + 1), 1):
            yield from _value_rows(number, value, fault)
    except ValueError:
        raise ListError(
            f"{shown(text.name)} is broken JSON behind element {number} of its array."
        ) from None


def _value_rows(number: int, value: Any, fault: Fault) -> Iterator[Row]:
    found = columns.from_object(value) if isinstance(value, dict) else value
    if isinstance(found, str):
        yield number, found.strip(), ""
    elif isinstance(found, tuple):
        yield number, found[0].strip(), found[1]
    else:
        fault(number, repr(value), "no URL in it")


def _elements(chunks: Iterable[str], start: int) -> Iterator[Any]:
    """The elements of the array whose bracket ends at `start`, in memory for one of them.

    Raises:
        ValueError: what follows is no element.
    """
    decode = json.JSONDecoder().raw_decode
    chunks = iter(chunks)
    text, at = next(chunks, ""), start
    while True:
        at = _skip(text, at)
        if text[at : at + 1] == "]":
            return
        try:
            value, end = decode(text, at)
            complete = _skip(text, end) < len(text)  # 12 may be the beginning of 123
        except (ValueError, RecursionError):
            complete = False
        if complete:
            yield value
            at = end
            continue
        more = next(chunks, None)
        if more is None or len(text) - at > MAX_LINE:
            raise ValueError(text[at : at + 100])
        text, at = text[at:] + more, 0


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] in {" ", "\t", "\n", ","}:
        at += 1
    return at


def parquet_rows(name: str) -> Iterator[Row]:
    """The column of URLs of a Parquet file, a batch at a time.

    Raises:
        ListError: pyarrow is missing, or the file is not Parquet.
    """
    try:
        from pyarrow import ArrowInvalid
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise ListError(
            f"{name} needs pyarrow: pip install 'bowerbird[parquet]', or make it a .csv."
        ) from None
    try:
        with ParquetFile(name) as file:
            yield from _parquet_rows(file)
    except (ArrowInvalid, OSError) as error:
        raise ListError(f"{name} cannot be read as Parquet: {error}") from None


def _parquet_rows(file: Any) -> Iterator[Row]:
    names = [field.name for field in file.schema_arrow if _TEXT.match(str(field.type))]
    if not names:
        return
    first = next(file.iter_batches(batch_size=SAMPLE, columns=names), None)
    sample = (
        [[str(row[name] or "") for name in names] for row in first.to_pylist()] if first else []
    )
    url = columns.url_column([names, *sample])
    alt = columns.alt_column([names], url)
    wanted = [names[url]] + ([] if alt is None else [names[alt]])
    number = 0
    for batch in file.iter_batches(batch_size=BATCH, columns=wanted):
        texts = [batch.column(name).to_pylist() for name in wanted]
        for values in zip(*texts, strict=True):
            number += 1
            yield number, (values[0] or "").strip(), (values[1:] or ("",))[0] or ""
