"""Tasks as rows of a table, and back."""

from array import array
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from bowerbird.frontier.tasks import KINDS, NUMBER, Entry, priority_of
from bowerbird.model import Task

Row = tuple[Any, ...]


def row_of(number: int, task: Task, origin: int) -> Row:
    """A waiting task as the statement `insert` takes it."""
    kind = NUMBER[task.kind]
    return (
        number,
        origin,
        kind,
        priority_of(kind, task.depth),
        task.depth,
        task.hops,
        task.url,
        task.first_url or None,
        task.referrer or None,
        " ".join(task.alternates) or None,
    )


def entry_of(row: Row, origin: int, host: int) -> Entry:
    """The columns id … alternates as an entry."""
    number, kind, attempts, deaths, crashes, depth, hops, url, first, referrer, others = row
    task = Task(
        url=url,
        kind=KINDS[kind],
        depth=depth,
        hops=hops,
        first_url=first or "",
        referrer=referrer or "",
        alternates=tuple(others.split(" ")) if others else (),
    )
    return Entry(
        id=number,
        task=task,
        kind=kind,
        origin=origin,
        host=host,
        attempts=attempts,
        deaths=deaths,
        crashes=crashes,
    )


def fingerprint(url: str, key: bytes) -> int:
    """Keyed 64-bit BLAKE2b (RFC 7693) of a URL, signed as SQLite's integers are.

    The key is the crawl's own, so that nobody can make URLs that hide each other; by chance about
    three of 10^10 do.
    """
    digest = blake2b(url.encode("utf-8", "surrogatepass"), digest_size=8, key=key).digest()
    return int.from_bytes(digest, "little", signed=True)


def numbers(entries: Iterable[Entry]) -> "array[int]":
    """Task numbers as SQLite's carray takes them."""
    return array("q", [entry.id for entry in entries])
