"""The live display of a crawl on a terminal. Its height changes as little as can be: a display that
jumps is hard to read.
"""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bowerbird.cli.show import state_of
from bowerbird.cli.values import shown_duration, shown_size
from bowerbird.cli.workers import busiest_first, each_once, mood_of, rate_of
from bowerbird.manager.progress import Progress
from bowerbird.model import HostRow, WorkerRow
from bowerbird.words import many

#: Reasons of failure that are shown; the rest is summed up.
REASONS = 4
#: Cells of a host name; of longer ones the end is kept, which says whose they are.
HOST_WIDTH = 34
#: Workers that are shown, where some have joined from other machines; the rest is counted.
WORKERS = 4
#: Cells of a worker's name; of longer ones the beginning is kept, which says which machine it is.
NAME_WIDTH = 18
#: Cells of its address; of longer ones the end is kept, which tells machines of one network apart.
PLACE_WIDTH = 16


def panel(progress: Progress) -> Group:
    """What it does, counts with rates, a bar, the reasons of failure, the busiest hosts."""
    lines: list[RenderableType] = [*top_of(progress)]
    if progress.failed:
        lines.append(_failures(progress))
    busy = [row for row in progress.hosts if row.waiting or row.leased]
    if busy:
        lines.append(_hosts(busy))
    if any(not row.worker.local for row in progress.workers):
        lines += [_workers(progress.workers), _worker_counts(each_once(progress.workers))]
    return Group(*lines)


def top_of(progress: Progress) -> tuple[RenderableType, ...]:
    """What it does, a bar, counts: three lines."""
    return _head(progress), _bar(progress), _counts(progress)


def phase(progress: Progress) -> str:
    """What the crawl is at, in a few words."""
    return progress.phase if progress.stats.state == "running" else state_of(progress)


def _head(progress: Progress) -> Text:
    running = progress.stats.state == "running"
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(many(progress.stats.records, "image"), style="bold green")
    text.append(f"  {shown_size(progress.stats.bytes)}", style="bold")
    text.append(f"   {progress.images_per_s:,.0f}/s  {shown_size(progress.bytes_per_s)}/s")
    text.append(f"   {phase(progress)}", style="cyan" if running else "bold yellow")
    return text


def _bar(progress: Progress) -> Table:
    row = Table.grid(padding=(0, 2), expand=False)
    total = progress.ended + progress.waiting
    done = progress.ended / total if total else 0.0
    row.add_row(
        ProgressBar(total=max(total, 1), completed=progress.ended, width=40),
        f"{done:4.0%}", shown_duration(progress.seconds), Text(_to_go(progress), style="dim"),
    )  # fmt: skip
    return row


def _to_go(progress: Progress) -> str:
    if progress.eta_s is None or not progress.waiting or progress.stats.state != "running":
        return ""
    return f"{shown_duration(progress.eta_s)} to go"


def _counts(progress: Progress) -> Text:
    pages = progress.stats.counters.get("pages", 0)
    text = f"{many(pages, 'page')} read · {progress.ended:,} done · {progress.waiting:,} waiting"
    return Text(text, style="dim", no_wrap=True, overflow="ellipsis")


def _failures(progress: Progress) -> Text:
    dead = sorted(progress.failures.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{n:,} {reason}" for reason, n in dead[:REASONS])
    more = f" and {len(dead) - REASONS} reasons more" if len(dead) > REASONS else ""
    text = f"{progress.failed:,} failed: {shown}{more}"
    return Text(text, style="red", no_wrap=True, overflow="ellipsis")


def _hosts(rows: list[HostRow]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    for justify in ("right", "right", "left"):
        table.add_column(justify=justify, no_wrap=True)
    for row in rows:
        in_flight = f"{row.leased:,} taken"
        mood = Text(mood_of_host(row), style="yellow")
        table.add_row(Text(short(row.host)), f"{row.waiting:,} waiting", in_flight, mood)
    return table


def _workers(rows: Sequence[WorkerRow]) -> Table:
    """The busiest workers of all machines."""
    table = Table.grid(padding=(0, 2))
    for justify in ("left", "left", "right", "right", "left"):
        table.add_column(justify=justify, no_wrap=True, overflow="ellipsis")
    for row in busiest_first(rows)[:WORKERS]:
        name, mood = Text(row.worker.name[:NAME_WIDTH]), Text(mood_of(row), style="yellow")
        place = Text(short(row.worker.address.rpartition(":")[0] or "here", PLACE_WIDTH))
        table.add_row(name, place, f"{row.leased:,} taken", f"{rate_of(row)}/s", mood)
    return table


def _worker_counts(rows: Sequence[WorkerRow]) -> Text:
    odd = sum(bool(mood_of(row)) for row in rows)
    noted = f" · {odd:,} with a remark; `bowerbird status` lists all" if odd else ""
    return Text(f"{many(len(rows), 'worker')}{noted}", style="dim")


def short(host: str, width: int = HOST_WIDTH) -> str:
    """A name that fits; its end is kept, which says whose it is."""
    return host if len(host) <= width else "…" + host[1 - width :]


def mood_of_host(row: HostRow) -> str:
    """What a person should know of a host; "" where all is as usual."""
    why = f" ({row.why})" if row.why else ""
    if row.state == "down":
        return f"down{why}"
    if row.hold_s:
        return f"held {shown_duration(row.hold_s)}{why}"
    return f"every {row.delay_s:.3g} s" if row.delay_s else ""
