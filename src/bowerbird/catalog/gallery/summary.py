"""What a report draws of all images: when they came, how large they are, from where. Pure."""

from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np

from bowerbird.catalog.gallery.columns import Columns
from bowerbird.catalog.gallery.values import TYPES
from bowerbird.catalog.gallery.views import Ids, View

#: Bars of the chart over time.
BARS = 60
#: Upper ends of the stretches of longer sides, in pixels; the last one is open.
SIDES = (64, 128, 256, 512, 1024, 2048, 4096)
#: Hosts that are named.
HOSTS = 20


class HostShare(msgspec.Struct, frozen=True):
    """What came from one host."""

    name: str
    images: int
    bytes: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """All images in few numbers."""

    images: int = 0
    bytes: int = 0
    hosts: int = 0  #: how many there are
    began_at: int = 0  #: seconds since 1970, of the first and last one fetched
    ended_at: int = 0
    arrivals: list[int] = []  #: in as many stretches of equal length between the two
    types: dict[str, int] = {}
    sides: list[tuple[str, int]] = []  #: stretch of longer sides, images
    largest: list[HostShare] = []


class Tally(NamedTuple):
    """Counts over a view."""

    types: Ids  #: images by number of their type
    hosts: Ids  #: images by number of their host
    sizes: Ids  #: bytes by number of their host

    def named_types(self) -> dict[str, int]:
        """Images by type."""
        return {name or "other": int(n) for name, n in zip(TYPES, self.types, strict=False) if n}

    def largest_hosts(self) -> list[int]:
        """Numbers of the hosts with most images."""
        return [int(one) for one in np.argsort(self.hosts)[::-1][:HOSTS] if self.hosts[one]]


def tallied(columns: Columns, view: View, hosts: int) -> Tally:
    """Counts over a view; `hosts`: one more than the largest number of any."""
    tally = Tally(np.zeros(256, np.int64), np.zeros(hosts, np.int64), np.zeros(hosts))
    for ids in view.parts():
        rows = columns.at(ids)
        tally.types[:] += np.bincount(rows["type"], minlength=256)
        tally.hosts[:] += np.bincount(rows["host"], minlength=hosts)
        tally.sizes[:] += np.bincount(rows["host"], weights=rows["bytes"], minlength=hosts)
    return tally


def time_span(columns: Columns, view: View) -> tuple[int, int]:
    """When the first and the last image of a view were fetched."""
    times = [columns.field("when", ids) for ids in view.parts()]
    return min(int(part.min()) for part in times), max(int(part.max()) for part in times)


def arrivals(columns: Columns, view: View, span: tuple[int, int]) -> list[int]:
    """Images in each of `BARS` equal stretches of a span of time."""
    counts = np.zeros(BARS, np.int64)
    for ids in view.parts():
        counts += np.histogram(columns.field("when", ids), bins=BARS, range=span)[0]
    return [int(one) for one in counts]


def sides(columns: Columns, view: View) -> list[tuple[str, int]]:
    """How many images have a longer side of which length."""
    counts = np.zeros(len(SIDES) + 1, np.int64)
    for ids in view.parts():
        longest = np.maximum(columns.field("width", ids), columns.field("height", ids))
        places = np.searchsorted(SIDES, longest, side="right")
        counts += np.bincount(places, minlength=len(counts))
    between = (f"{low} to {high - 1}" for low, high in pairwise(SIDES))
    names = [f"under {SIDES[0]}", *between, f"{SIDES[-1]} and more"]
    return [(name, int(count)) for name, count in zip(names, counts, strict=True)]
