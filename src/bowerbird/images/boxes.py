"""Boxes of ISO base media files, and the item tables of HEIF (ISO/IEC 14496-12, 23008-12)."""

from collections.abc import Iterator
from struct import unpack_from
from typing import NamedTuple

from bowerbird.images.base import Body, CorruptError, TruncatedError

#: Boxes walked on one level; items, extents and associations read of one table.
MAX_BOXES = 4_096


class Box(NamedTuple):
    """One box: `start` and `end` are of its payload."""

    name: bytes
    start: int
    end: int


class Extent(NamedTuple):
    """A stretch of an item's data, as an offset into the file."""

    item: int
    start: int
    length: int


def boxes(data: Body, start: int, end: int) -> Iterator[Box]:
    """The boxes of one level. Raises TruncatedError where one reaches beyond `end`."""
    for _ in range(MAX_BOXES):
        if start >= end:
            return
        box = _box(data, start, end)
        yield box
        start = box.end
    raise CorruptError("too many boxes")


def _box(data: Body, at: int, end: int) -> Box:
    if at + 8 > end:
        raise TruncatedError("ends inside a box")
    size, name = unpack_from(">I4s", data, at)
    head = 8
    if size == 1:
        size, head = unpack_from(">Q", data, at + 8)[0], 16
    size = size or end - at  # 0: to the end of the file
    if size < head:
        raise CorruptError(f"box of {size} bytes")
    if at + size > end:
        raise TruncatedError("ends inside a box")
    return Box(name, at + head, at + size)


def find(data: Body, box: Box | None, *path: bytes, skip: int = 0) -> Box | None:
    """The first box along this path of names inside `box`, `skip` bytes into it."""
    for name in path:
        if box is None:
            return None
        inside = boxes(data, box.start + skip, box.end)
        box, skip = next((child for child in inside if child.name == name), None), 0
    return box


class Cursor:
    """Reads numbers one after the other, never past the end of its box."""

    def __init__(self, data: Body, box: Box) -> None:
        self._data = data
        self._at = box.start
        self._end = box.end

    def take(self, size: int) -> int:
        """The next number of `size` bytes; 0 for none."""
        at, self._at = self._at, self._at + size
        if self._at > self._end:
            raise CorruptError("table ends early")
        return int.from_bytes(self._data[at : self._at], "big")

    def version(self) -> int:
        """Version of a full box; its flags are skipped."""
        return self.take(4) >> 24


def primary_item(data: Body, meta: Box) -> int:
    """The item that is the picture (pitm)."""
    box = find(data, meta, b"pitm", skip=4)
    if box is None:
        raise CorruptError("no primary item")
    cursor = Cursor(data, box)
    return cursor.take(4 if cursor.version() else 2)


def properties(data: Body, meta: Box, item: int) -> list[Box]:
    """The property boxes of an item (iprp: ipco, ipma)."""
    box = find(data, meta, b"iprp", skip=4)
    known, links = find(data, box, b"ipco"), find(data, box, b"ipma")
    if known is None or links is None:
        raise CorruptError("no properties")
    all_boxes = list(boxes(data, known.start, known.end))
    wanted = _associations(data, links, item)
    return [all_boxes[index - 1] for index in wanted if 0 < index <= len(all_boxes)]


def _associations(data: Body, box: Box, item: int) -> list[int]:
    cursor = Cursor(data, box)
    flags = cursor.take(4)
    id_size, index_size = (4 if flags >> 24 else 2), (2 if flags & 1 else 1)
    mask = 0x7FFF if index_size == 2 else 0x7F
    for _ in range(min(cursor.take(4), MAX_BOXES)):
        name, count = cursor.take(id_size), cursor.take(1)
        indexes = [cursor.take(index_size) & mask for _ in range(count)]
        if name == item:
            return indexes
    return []


def item_of_type(data: Body, meta: Box, kind: bytes) -> int:
    """The first item of this type (iinf); 0 where there is none."""
    table = find(data, meta, b"iinf", skip=4)
    if table is None:
        return 0
    cursor = Cursor(data, table)
    head = 8 if cursor.version() else 6
    for box in boxes(data, table.start + head, table.end):
        entry = Cursor(data, box)
        version = entry.version()
        item, _ = entry.take(4 if version == 3 else 2), entry.take(2)
        if version >= 2 and entry.take(4) == int.from_bytes(kind, "big"):
            return item
    return 0


def extents(data: Body, meta: Box) -> list[Extent]:
    """Where the items lie in the file (iloc); those inside the meta box itself are left out."""
    table = find(data, meta, b"iloc", skip=4)
    return list(_extents(Cursor(data, table))) if table else []


def _extents(cursor: Cursor) -> Iterator[Extent]:
    version = cursor.version()
    sizes = cursor.take(2)
    offset_size, length_size = sizes >> 12, sizes >> 8 & 15
    base_size, index_size = sizes >> 4 & 15, (sizes & 15 if version else 0)
    wide = 4 if version == 2 else 2
    budget = MAX_BOXES
    for _ in range(min(cursor.take(wide), MAX_BOXES)):
        item, method = cursor.take(wide), (cursor.take(2) & 15 if version else 0)
        cursor.take(2)
        base, count = cursor.take(base_size), cursor.take(2)
        budget -= count
        if budget < 0:
            raise CorruptError("too many extents")
        for _ in range(count):
            cursor.take(index_size)
            extent = Extent(item, base + cursor.take(offset_size), cursor.take(length_size))
            if method == 0:
                yield extent
