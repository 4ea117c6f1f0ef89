"""Image file directories, the tagged tables of TIFF and EXIF (TIFF 6.0 section 2, BigTIFF)."""

from collections.abc import Iterator
from struct import unpack_from
from typing import NamedTuple

from bowerbird.images.base import Body, CorruptError

#: More entries than any real directory has.
MAX_ENTRIES = 1_024
#: Entries and values read of one file: strips of many pages, not a loop over the same ones.
MAX_READ = 1 << 18
#: type -> struct code; what is absent is never needed here.
_CODES = {1: "B", 2: "s", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
#: type -> bytes of one value
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SIZES |= {16: 8, 17: 8, 18: 8}
_SHORT, _LONG, _WIDE = "H", "I", "Q"
_WIDTHS = {_SHORT: 2, _LONG: 4, _WIDE: 8}


class Values(NamedTuple):
    """Where the values of one tag lie."""

    kind: int
    amount: int
    at: int

    @property
    def end(self) -> int:
        """The offset after the last value."""
        return self.at + self.amount * _SIZES.get(self.kind, 0)


#: tag -> its values
Directory = dict[int, Values]


class Tables:
    """The directories of one TIFF structure that begins at `base`."""

    def __init__(self, data: Body, base: int = 0, end: int | None = None) -> None:
        self._data = data
        self._base = base
        self._left = MAX_READ
        self._end = len(data) if end is None else end
        self.order = _order(data[base : base + 2])
        self._big = unpack_from(self.order + "H", data, base + 2)[0] == 43
        self.first = self._read(_WIDE, 8) if self._big else self._read(_LONG, 4)

    def directories(self, limit: int) -> Iterator[Directory]:
        """The main chain, at most `limit` of it; a loop is a flaw."""
        at, seen = self.first, set[int]()
        while at and len(seen) < limit:
            if at in seen:
                raise CorruptError("directories in a loop")
            seen.add(at)
            directory, end = self.directory(at)
            at = self._read(_WIDE if self._big else _LONG, end)
            yield directory

    def directory(self, at: int) -> tuple[Directory, int]:
        """The directory at this offset, and where the offset of the next one lies."""
        head, size = (8, 20) if self._big else (2, 12)
        count = self._read(_WIDE if self._big else _SHORT, at)
        if count > MAX_ENTRIES:
            raise CorruptError(f"directory of {count} entries")
        self._spend(count)
        end = at + head + count * size
        return dict(self._entry(entry) for entry in range(at + head, end, size)), end

    def _entry(self, at: int) -> tuple[int, Values]:
        code, room = (_WIDE, 8) if self._big else (_LONG, 4)
        tag, kind = self._read(_SHORT, at), self._read(_SHORT, at + 2)
        values = Values(kind, self._read(code, at + 4), at + 4 + room)
        if values.end > values.at + room:
            values = values._replace(at=self._read(code, values.at))
        return tag, values

    def numbers(self, directory: Directory, tag: int) -> tuple[int, ...]:
        """The values of a tag; () where it is absent or holds no integers."""
        values = directory.get(tag)
        code = _CODES.get(values.kind, "s") if values else "s"
        if values is None or code == "s":
            return ()
        self._bound(values.end)
        self._spend(values.amount)
        return unpack_from(f"{self.order}{values.amount}{code}", self._data, self._base + values.at)

    def number(self, directory: Directory, tag: int, default: int = 0) -> int:
        """The first value of a tag."""
        values = self.numbers(directory, tag)
        return values[0] if values else default

    def text(self, directory: Directory, tag: int) -> str:
        """The value of a text tag, at most 64 characters; "" where it is absent."""
        values = directory.get(tag)
        if values is None or _CODES.get(values.kind) != "s":
            return ""
        self._bound(values.end)
        at = self._base + values.at
        text = self._data[at : at + min(values.amount, 64)]
        return text.split(b"\0")[0].decode("ascii", "replace")

    def _read(self, code: str, at: int) -> int:
        self._bound(at + _WIDTHS[code])
        value: int = unpack_from(self.order + code, self._data, self._base + at)[0]
        return value

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise CorruptError("too many entries")

    def _bound(self, end: int) -> None:
        if self._base + end > self._end:
            raise IndexError("past the end")


def _order(mark: bytes) -> str:
    if mark == b"II":
        return "<"
    if mark == b"MM":
        return ">"
    raise CorruptError("no byte order mark")
