"""A crawl on a whole terminal: counts, throughput over time, failures, hosts, workers.

What does not fit is counted, never scrolled: the eye finds each thing where it was.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.rule import Rule
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from bowerbird.cli.panel import mood_of_host, short, top_of
from bowerbird.cli.values import shown_duration
from bowerbird.cli.workers import busiest_first, mood_of, rate_of
from bowerbird.manager.progress import Progress
from bowerbird.model import HostRow, WorkerRow
from bowerbird.words import many

if TYPE_CHECKING:
    from bowerbird.app.history import History
    from bowerbird.app.watch import Moment

#: Heights of a column of the chart, lowest first.
BLOCKS = " ▁▂▃▄▅▆▇█"
#: Seconds for each column of the chart.
COLUMN_S = 2.0
#: Lines of the chart, where the terminal has so many more than the rest needs.
CHART, ROOMY = 4, 28
#: Columns that numbers and remarks of a table take; names have the rest, and so many at least.
NUMBERS, NAME = 58, 12


class Screenful:
    """One moment, drawn to fit whatever terminal there is."""

    def __init__(self, moment: "Moment", history: "History") -> None:
        self._moment, self._history = moment, history

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType | Segment]:
        """See rich."""
        height = (options.height or console.height) - 1
        parts = Group(*self._lines(options.max_width, height))
        lines = console.render_lines(parts, options.update(height=None), pad=False)
        for line in (*lines[:height], *([] for _ in range(height - len(lines)))):
            yield from line
            yield Segment.line()
        yield Text(self._foot(), style="dim", no_wrap=True, overflow="ellipsis", end="")

    def _foot(self) -> str:
        moment = self._moment
        return plain(moment.trouble) or "q leaves · the crawl goes on without this screen"

    def _lines(self, width: int, height: int) -> Iterator[RenderableType]:
        status, progress = self._moment.status, self._moment.progress
        if status is None or progress is None:
            yield Text(self._moment.trouble or "Looking …", style="yellow")
            return
        yield title(status.folder, running=status.running)
        yield from top_of(progress)
        yield from self._charts(width, CHART if height >= ROOMY else 1)
        used = 5 + (CHART if height >= ROOMY else 1) + 1
        yield from tables(progress, width, height - used)

    def _charts(self, width: int, rows: int) -> Iterator[RenderableType]:
        curves = self._history.curves(width * COLUMN_S, self._moment.at_s)
        values = resampled(curves.at_s, curves.images_per_s, self._moment.at_s, width)
        most = max(values, default=0.0)
        yield Text(
            f"images/s over {shown_duration(width * COLUMN_S)}, {most:,.0f} at most", style="dim"
        )
        yield from (Text(line, style="green", no_wrap=True) for line in chart(values, rows))


def plain(text: str) -> str:
    """A text that moves no cursor: workers and hosts are named by strangers."""
    return "".join(one if one.isprintable() else "�" for one in text)


def title(where: str, *, running: bool) -> RenderableType:
    """Which crawl, and whether anybody works at it."""
    line = Table.grid(expand=True)
    line.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    line.add_column(justify="right", no_wrap=True)
    word = (
        Text("at work", style="bold green") if running else Text("nobody at work", style="yellow")
    )
    line.add_row(Text(plain(where), style="bold"), word)
    return line


def resampled(
    times: Sequence[float], values: Sequence[float], now_s: float, columns: int
) -> list[float]:
    """The mean of what falls into each column of `COLUMN_S` seconds, the newest at the right."""
    sums, counts = [0.0] * columns, [0] * columns
    for at_s, value in zip(times, values, strict=True):
        column = columns - 1 - int((now_s - at_s) / COLUMN_S)
        if 0 <= column < columns:
            sums[column] += value
            counts[column] += 1
    return [one / count if count else 0.0 for one, count in zip(sums, counts, strict=True)]


def chart(values: Sequence[float], rows: int) -> list[str]:
    """Lines of block characters, the uppermost first."""
    most, steps = max(values, default=0.0) or 1.0, len(BLOCKS) - 1
    tall = [round(value / most * rows * steps) for value in values]
    return [
        "".join(BLOCKS[min(max(one - row * steps, 0), steps)] for one in tall)
        for row in range(rows - 1, -1, -1)
    ]


def tables(progress: Progress, width: int, height: int) -> Iterator[RenderableType]:
    """Failures, hosts and workers, as many lines of each as there is room for."""
    dead = sorted(progress.failures.items(), key=lambda item: -item[1])
    hosts = [row for row in progress.hosts if row.waiting or row.leased] or list(progress.hosts)
    workers = busiest_first(progress.workers)
    rooms = shares([len(dead), len(hosts), len(workers)], height)
    if rooms[0]:
        yield _rule(f"{progress.failed:,} failed")
        yield _failures(dead, rooms[0])
    if rooms[1]:
        yield _rule(many(progress.stats.hosts, "host"))
        yield _hosts(hosts[: rooms[1]], width - NUMBERS)
    if rooms[2]:
        yield _rule(many(len(workers), "worker"))
        yield _workers(workers[: rooms[2]], (width - NUMBERS) // 2)


def shares(wanted: Sequence[int], room: int) -> list[int]:
    """How many lines each table gets, its title aside: in turn, until there are none left."""
    given = [0] * len(wanted)
    left = room - sum(one > 0 for one in wanted)
    while left > 0 and any(has < wish for has, wish in zip(given, wanted, strict=True)):
        for n, wish in enumerate(wanted):
            if left > 0 and given[n] < wish:
                given[n] += 1
                left -= 1
    return given


def _rule(text: str) -> Rule:
    return Rule(Text(text, style="bold"), align="left", style="dim")


def _failures(dead: Sequence[tuple[str, int]], room: int) -> Table:
    table = _table("left", "right")
    for reason, count in dead[:room]:
        table.add_row(Text(plain(reason), style="red"), f"{count:,}")
    return table


def _hosts(rows: Sequence[HostRow], name: int) -> Table:
    table = _table("left", "right", "right", "right", "right", "left")
    for row in rows:
        table.add_row(
            Text(short(plain(row.host), max(name, NAME))), f"{row.waiting:,} waiting",
            f"{row.leased:,} taken",
            f"{row.done:,} done", f"{row.dead:,} dead", Text(_remark(row), style="yellow"),
        )  # fmt: skip
    return table


def _remark(row: HostRow) -> str:
    robots = {"forbid": "robots.txt forbids", "waiting": "robots.txt awaited"}.get(row.robots, "")
    return ", ".join(filter(None, (mood_of_host(row), robots)))


def _workers(rows: Sequence[WorkerRow], name: int) -> Table:
    table = _table("left", "left", "right", "right", "right", "left")
    for row in rows:
        table.add_row(
            Text(plain(row.worker.name)[: max(name, NAME)]),
            Text(short(plain(row.worker.address or "here"), max(name, NAME))),
            f"{row.leased:,} taken", f"{row.finished:,} done", f"{rate_of(row)}/s",
            Text(plain(mood_of(row)), style="yellow"),
        )  # fmt: skip
    return table


def _table(*justify: str) -> Table:
    table = Table.grid(padding=(0, 2))
    for one in justify:
        table.add_column(justify=one, no_wrap=True, overflow="ellipsis")  # type: ignore[arg-type]
    return table
