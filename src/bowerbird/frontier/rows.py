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


def fingerprint(url: str, origin: int, key: bytes) -> bytes:
    """Origin and keyed 64-bit BLAKE2b (RFC 7693) of a URL.

    What is found together is of few origins: with these in front, its fingerprints are written to
    few pages of the table. The key is the crawl's own, so that nobody can make URLs that hide
    each other; by chance one of 10^7 URLs of one origin does, once in 400,000 crawls.
    """
    digest = blake2b(url.encode("utf-8", "surrogatepass"), digest_size=8, key=key).digest()
    return origin.to_bytes(4) + digest


def numbers(entries: Iterable[Entry]) -> "array[int]":
    """Task numbers as SQLite's carray takes them."""
    return array("q", [entry.id for entry in entries])
