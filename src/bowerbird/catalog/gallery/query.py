"""A filter and an order over all images."""

from enum import StrEnum

import msgspec


class Sort(StrEnum):
    """An order of images; among equals the newest is first."""

    NEWEST = "newest"  #: as they arrived, the last one first
    OLDEST = "oldest"
    LARGEST = "largest"  #: by pixels
    SMALLEST = "smallest"
    HEAVIEST = "heaviest"  #: by bytes
    LIGHTEST = "lightest"
    HOST = "host"  #: by the name of their host


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which images, in which order. Empty fields and zeros match all."""

    words: str = ""  #: all of these in alt texts or file name; the last may be unfinished
    host: str = ""  #: a part of the host's name
    types: tuple[str, ...] = ()
    min_side: int = 0  #: pixels of the longer side
    max_side: int = 0
    min_bytes: int = 0
    max_bytes: int = 0
    since: int = 0  #: fetched at this time or later, seconds since 1970
    until: int = 0  #: fetched before this time
    sort: Sort = Sort.NEWEST
