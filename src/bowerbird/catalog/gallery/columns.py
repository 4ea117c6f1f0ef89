"""What filters and orders need of every image, in memory: 17 bytes each, in order of arrival."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: As they lie in memory and in the file.
FIELDS = np.dtype(
    [("host", "<u4"), ("bytes", "<u4"), ("when", "<u4"), ("width", "<u2"), ("height", "<u2"),
     ("type", "u1")]
)  # fmt: skip
#: Images of one block in the file.
BLOCK = 1_000
#: Room is made for this much more than is needed, each time it has run out.
GROWTH = 1.1

U2, U4 = 0xFFFF, 0xFFFFFFFF


def row(host: int, size: int, when: float, width: int, height: int, type: int) -> tuple[int, ...]:
    """One image's fields; what is too large for its field is the largest that fits."""
    return host, min(size, U4), min(max(int(when), 0), U4), min(width, U2), min(height, U2), type


class Columns:
    """Rows of `FIELDS`, added at the end. One thread adds; others may read meanwhile."""

    def __init__(self) -> None:
        self._rows = np.zeros(BLOCK, FIELDS)
        self.count = 0

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A field of all images."""
        found: NDArray[Any] = self._rows[: self.count][name]
        return found

    def extend(self, rows: NDArray[Any]) -> None:
        """Add rows."""
        count = self.count + len(rows)
        if count > len(self._rows):
            self.reserve(int(count * GROWTH) + BLOCK)
        self._rows[self.count : count] = rows
        self.count = count

    def reserve(self, count: int) -> None:
        """Have room for so many."""
        if count > len(self._rows):
            grown = np.zeros(count, FIELDS)
            grown[: self.count] = self._rows[: self.count]
            self._rows = grown

    def set_type(self, image: int, type: int) -> None:
        """Change one image's type."""
        self._rows["type"][image] = type

    def cut(self, count: int) -> None:
        """Forget all from this one on."""
        self.count = min(self.count, count)

    def at(self, images: NDArray[Any]) -> NDArray[Any]:
        """The rows of these images: a copy, 17 bytes each."""
        found: NDArray[Any] = self._rows[images]
        return found

    def field(self, name: str, images: NDArray[Any]) -> NDArray[Any]:
        """One field of these images."""
        found: NDArray[Any] = self._rows[name][images]
        return found

    def block(self, number: int) -> bytes:
        """A block as bytes."""
        return self._rows[: self.count][number * BLOCK : (number + 1) * BLOCK].tobytes()


def rows_of(data: bytes | Iterable[tuple[int, ...]]) -> NDArray[Any]:
    """Rows from a block's bytes, or from tuples."""
    if isinstance(data, bytes):
        return np.frombuffer(data, FIELDS)
    return np.array(list(data), FIELDS)
