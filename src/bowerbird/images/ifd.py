"""Image file directories, the tagged tables of TIFF and EXIF (TIFF 6.0 section 2, BigTIFF)."""

from collections.abc import Iterator
from struct import unpack_from

from bowerbird.images.base import Body, CorruptError

#: More entries than any real directory has.
MAX_ENTRIES = 1_024
#: Values read of one tag: strips of a tall scan, not more.
MAX_VALUES = 1 << 18
#: type -> (bytes, struct code); what is absent is never needed here.
_CODES = {1: "B", 2: "s", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_SIZES = {"B": 1, "s": 1, "H": 2, "I": 4, "Q": 8}

#: tag -> (struct code, count, where the values lie)
Directory = dict[int, tuple[str, int, int]]


class Tables:
    """The directories of one TIFF structure that begins at `base`."""

    def __init__(self, data: Body, base: int = 0, end: int | None = None) -> None:
        self._data = data
        self._base = base
        self._end = len(data) if end is None else end
        self.order = _order(data[base : base + 2])
        self._big = unpack_from(self.order + "H", data, base + 2)[0] == 43
        at, code = (8, "Q") if self._big else (4, "I")
        self.first: int = self._read(code, at)

    def directories(self, limit: int) -> Iterator[Directory]:
        """The main chain, at most `limit` of it; a loop is a flaw."""
        at, seen = self.first, set[int]()
        while at:
            if at in seen:
                raise CorruptError("directories in a loop")
            if len(seen) == limit:
                return
            seen.add(at)
            directory, at = self.directory(at)
            yield directory

    def directory(self, at: int) -> tuple[Directory, int]:
        """The directory at this offset, and the offset of the next one."""
        head, size, code = (8, 20, "Q") if self._big else (2, 12, "I")
        count = self._read("Q" if self._big else "H", at)
        if count > MAX_ENTRIES:
            raise CorruptError(f"directory of {count} entries")
        entries = range(at + head, at + head + count * size, size)
        directory = dict(self._entry(entry) for entry in entries)
        try:
            following = self._read(code, at + head + count * size)
        except IndexError:  # the last pointer is often left out
            following = 0
        return directory, following

    def _entry(self, at: int) -> tuple[int, tuple[str, int, int]]:
        code_of_count, room = ("Q", 8) if self._big else ("I", 4)
        tag, kind = self._read("H", at), self._read("H", at + 2)
        count = self._read(code_of_count, at + 4)
        code = _CODES.get(kind, "")
        place = at + 4 + room
        if code and count * _SIZES[code] > room:
            place = self._read(code_of_count, place)
        return tag, (code, count, place)

    def numbers(self, directory: Directory, tag: int) -> tuple[int, ...]:
        """The values of a tag; () where it is absent or holds no integers."""
        code, count, at = directory.get(tag, ("", 0, 0))
        if not code or code == "s" or not count:
            return ()
        if count > MAX_VALUES:
            raise CorruptError(f"tag of {count} values")
        self._bound(at, count * _SIZES[code])
        return unpack_from(f"{self.order}{count}{code}", self._data, self._base + at)

    def number(self, directory: Directory, tag: int, default: int = 0) -> int:
        """The first value of a tag."""
        values = self.numbers(directory, tag)
        return values[0] if values else default

    def text(self, directory: Directory, tag: int) -> str:
        """The value of a text tag, at most 64 characters; "" where it is absent."""
        code, count, at = directory.get(tag, ("", 0, 0))
        if code != "s":
            return ""
        length = min(count, 64)
        self._bound(at, length)
        at += self._base
        return self._data[at : at + length].split(b"\0")[0].decode("ascii", "replace")

    def _read(self, code: str, at: int) -> int:
        self._bound(at, _SIZES[code])
        value: int = unpack_from(self.order + code, self._data, self._base + at)[0]
        return value

    def _bound(self, at: int, size: int) -> None:
        if self._base + at + size > self._end:
            raise IndexError("past the end")


def _order(mark: bytes) -> str:
    if mark == b"II":
        return "<"
    if mark == b"MM":
        return ">"
    raise CorruptError("no byte order mark")
