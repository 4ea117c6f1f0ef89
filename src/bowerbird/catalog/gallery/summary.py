"""What a report draws of all images: when they came, how large they are, from where. Pure."""

from itertools import pairwise

import msgspec
import numpy as np

from bowerbird.catalog.gallery.columns import Columns
from bowerbird.catalog.gallery.query import Ids

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


def arrivals(when: Ids) -> list[int]:
    """Images in each of `BARS` equal stretches between first and last."""
    counts, _ = np.histogram(when, bins=BARS)
    return [int(one) for one in counts]


def sides(columns: Columns, ids: Ids) -> list[tuple[str, int]]:
    """How many images have a longer side of which length."""
    rows = columns.at(ids)
    longest = np.maximum(rows["width"], rows["height"])
    counts = np.bincount(np.searchsorted(SIDES, longest, side="right"), minlength=len(SIDES) + 1)
    between = (f"{low} to {high - 1}" for low, high in pairwise(SIDES))
    names = [f"under {SIDES[0]}", *between, f"{SIDES[-1]} and more"]
    return [(name, int(count)) for name, count in zip(names, counts, strict=True)]


def shares(columns: Columns, ids: Ids) -> tuple[int, list[tuple[int, int, int]]]:
    """How many hosts there are, and (host, images, bytes) of those with most images."""
    rows = columns.at(ids)
    images = np.bincount(rows["host"])
    sizes = np.bincount(rows["host"], weights=rows["bytes"])
    most = np.argsort(images)[::-1][:HOSTS]
    found = [(int(one), int(images[one]), int(sizes[one])) for one in most if images[one]]
    return int(np.count_nonzero(images)), found
