"""What a crawl's counts were, second by second at first and ever more coarsely further back.

Counts are kept, not rates: a rate between two points is exact however far apart they lie.
"""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from bowerbird.manager.progress import ended
from bowerbird.model import Stats

#: (seconds between two points, how many are kept): 10 minutes, 2 hours, 1 day, 30 days.
LEVELS = ((1.0, 600), (10.0, 720), (60.0, 1_440), (600.0, 4_320))
#: A point that comes this much too early is no reason to wait for the next one, as a share.
EARLY = 0.1

_COLUMNS = 6  # time, images, bytes, ended, waiting, leased


@dataclass(slots=True, frozen=True)
class Curves:
    """Columns of equal length; each point speaks of the time since the one before it."""

    every_s: float  #: about so far apart
    at_s: Sequence[float]  #: seconds since 1970
    images_per_s: Sequence[float]
    bytes_per_s: Sequence[float]
    tasks_per_s: Sequence[float] = ()
    waiting: Sequence[float] = ()  #: tasks not yet ended; empty: not known
    leased: Sequence[float] = ()  #: of these, with workers


def past_curves(every_s: float, rows: Sequence[tuple[float, int, int]]) -> Curves:
    """Curves from when stretches of `every_s` began, with their images and bytes; stretches that
    are not named brought none."""
    found = {round(at_s / every_s): (images, size) for at_s, images, size in rows}
    numbers = range(min(found) - 1, max(found) + 2)
    counts = [found.get(number, (0, 0)) for number in numbers]
    return Curves(
        every_s=every_s,
        at_s=[(number + 0.5) * every_s for number in numbers],
        images_per_s=[images / every_s for images, _ in counts],
        bytes_per_s=[size / every_s for _, size in counts],
    )


class History:
    """The points of all levels; about 340 kB when full, after 30 days."""

    def __init__(self) -> None:
        self._levels = [_Level(every_s, most) for every_s, most in LEVELS]

    def add(self, at_s: float, stats: Stats) -> None:
        """One more look at the counts, at a time that does not fall."""
        waiting = sum(stats.waiting.values()) + stats.leased
        row = (at_s, stats.records, stats.bytes, ended(stats), waiting, stats.leased)
        for level in self._levels:
            level.add(row)

    def curves(self, span_s: float, now_s: float) -> Curves:
        """The last `span_s` seconds, from the finest level that reaches so far back."""
        for level in self._levels:
            if level.every_s * level.most >= span_s:
                return level.curves(now_s - span_s)
        return self._levels[-1].curves(now_s - span_s)


class _Level:
    """A ring of points."""

    def __init__(self, every_s: float, most: int) -> None:
        self.every_s, self.most = every_s, most
        self._columns = [array("d") for _ in range(_COLUMNS)]

    def add(self, row: Sequence[float]) -> None:
        times = self._columns[0]
        if times and row[0] - times[-1] < self.every_s * (1 - EARLY):
            return
        for column, value in zip(self._columns, row, strict=True):
            column.append(value)
            if len(column) > self.most + self.most // 8:  # in strides: each moves all points
                del column[: len(column) - self.most]

    def curves(self, since_s: float) -> Curves:
        first = max(0, bisect_left(self._columns[0], since_s) - 1)
        times, images, sizes, tasks, waiting, leased = (one[first:] for one in self._columns)
        return Curves(
            every_s=self.every_s,
            at_s=times[1:],
            images_per_s=_rates(times, images),
            bytes_per_s=_rates(times, sizes),
            tasks_per_s=_rates(times, tasks),
            waiting=waiting[1:],
            leased=leased[1:],
        )


def _rates(times: Sequence[float], counts: Sequence[float]) -> list[float]:
    """Counts that fall, as when images are to be fetched anew, are no negative rate."""
    return [
        max(0.0, counts[n] - counts[n - 1]) / max(times[n] - times[n - 1], 1e-3)
        for n in range(1, len(times))
    ]
