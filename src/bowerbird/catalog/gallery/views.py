"""What a query finds: images that pass a filter, in an order."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bowerbird.catalog.gallery.columns import Columns
from bowerbird.catalog.gallery.query import Query, Sort
from bowerbird.catalog.gallery.values import GONE, TYPES

#: Images of one part of a view.
PART = 65_536

Ids = NDArray[Any]


class View(msgspec.Struct, frozen=True):
    """The images that a query found among the first `upto`, in order."""

    query: Query
    upto: int
    found: Ids | None  #: None: all, the newest first; most views are, and they cost nothing so

    def __len__(self) -> int:
        return self.upto if self.found is None else len(self.found)

    @property
    def ids(self) -> Ids:
        """All of them."""
        return self.stretch(0, len(self))

    def parts(self) -> Iterator[Ids]:
        """All of them, in stretches, so that what is reckoned with them takes little memory."""
        return (self.stretch(start, PART) for start in range(0, len(self), PART))

    def stretch(self, start: int, count: int) -> Ids:
        """The images at places `start` and on."""
        end = min(max(start, 0) + count, len(self))
        first = min(max(start, 0), end)
        if self.found is not None:
            return self.found[first:end]
        return np.arange(self.upto - first, self.upto - end, -1, dtype=np.uint32) - 1


def filtered(
    columns: Columns, query: Query, upto: int, hosts: Ids | None, words: Ids | None
) -> Ids:
    """Ids of the images that pass, the newest first.

    Args:
        columns: all images.
        query: what is asked for.
        upto: only images before this one.
        hosts: True at the number of each host that passes; None: all do.
        words: ids of images with its words; None: all have them.
    """
    mask = columns["type"][:upto] != GONE
    for name, passes in _tests(query, hosts):
        mask &= passes(columns[name][:upto])
    if query.min_side or query.max_side:
        side = np.maximum(columns["width"][:upto], columns["height"][:upto])
        mask &= (side >= query.min_side) & (side <= (query.max_side or 0xFFFF))
    if words is not None:
        has = np.zeros(len(mask), bool)
        has[words[words < len(mask)]] = True
        mask &= has
    return np.flatnonzero(mask)[::-1].astype(np.uint32)


Test = Callable[[NDArray[Any]], NDArray[Any]]


def _tests(query: Query, hosts: Ids | None) -> list[tuple[str, Test]]:
    tests: list[tuple[str, Test]] = []
    if query.types:
        wanted = np.zeros(256, bool)
        wanted[[TYPES.index(one) for one in query.types if one in TYPES]] = True
        tests.append(("type", wanted.__getitem__))
    if hosts is not None:
        tests.append(("host", hosts.__getitem__))
    for name, least, most in (
        ("bytes", query.min_bytes, query.max_bytes),
        ("when", query.since, query.until and query.until - 1),
    ):
        if least:
            tests.append((name, lambda field, least=least: field >= least))  # type: ignore[misc]
        if most:
            tests.append((name, lambda field, most=most: field <= most))  # type: ignore[misc]
    return tests


def ordered(columns: Columns, ids: Ids, sort: Sort, ranks: Callable[[], Ids]) -> Ids:
    """Ids, given with the newest first, in order. `ranks`: a host's place by its name."""
    if sort is Sort.NEWEST:
        return ids
    if sort is Sort.OLDEST:
        return ids[::-1]
    if sort is Sort.HOST:
        key = ranks()[columns.field("host", ids)]
    elif sort in (Sort.LARGEST, Sort.SMALLEST):
        key = columns.field("width", ids).astype(np.uint32) * columns.field("height", ids)
    else:
        key = columns.field("bytes", ids)
    if sort in (Sort.LARGEST, Sort.HEAVIEST):
        key = ~key
    return ids[np.argsort(key, kind="stable")]
