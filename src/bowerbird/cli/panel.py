"""The live display of a crawl on a terminal."""

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bowerbird.cli.values import shown_duration, shown_size
from bowerbird.manager.progress import Progress

#: Reasons of failure that are shown; the rest is summed up.
REASONS = 4


def panel(progress: Progress) -> Group:
    """Counts with rates, a bar, the reasons of failure, the busiest hosts."""
    lines: list[RenderableType] = [_counts(progress), _bar(progress)]
    if progress.failed:
        lines.append(_failures(progress))
    if progress.hosts:
        lines.append(_hosts(progress))
    return Group(*lines)


def _counts(progress: Progress) -> Text:
    stats = progress.stats
    text = Text()
    text.append(f"{stats.records:,} images", style="bold")
    text.append(f"  {shown_size(stats.bytes)}")
    text.append(f"  {progress.images_per_s:.0f}/s  {shown_size(progress.bytes_per_s)}/s")
    text.append(f"  {stats.counters.get('pages', 0):,} pages")
    if stats.state != "running":
        reason = f": {stats.reason}" if stats.reason else ""
        text.append(f"  {stats.state}{reason}", style="yellow")
    return text


def _bar(progress: Progress) -> Table:
    row = Table.grid(padding=(0, 1))
    total = progress.ended + progress.waiting
    bar = ProgressBar(total=max(total, 1), completed=progress.ended, width=40)
    eta = "" if progress.eta_s is None else f"ETA {shown_duration(progress.eta_s)}"
    row.add_row(bar, f"{progress.ended:,}/{total:,}", shown_duration(progress.seconds), eta)
    return row


def _failures(progress: Progress) -> Text:
    dead = sorted(progress.stats.dead.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{reason} {n:,}" for reason, n in dead[:REASONS])
    more = f" and {len(dead) - REASONS} reasons more" if len(dead) > REASONS else ""
    return Text(f"{progress.failed:,} failed: {shown}{more}", style="red")


def _hosts(progress: Progress) -> Table:
    table = Table.grid(padding=(0, 2))
    for row in progress.hosts:
        held = f"held {shown_duration(row.hold_s)}" if row.hold_s else ""
        down = "down" if row.state == "down" else held
        table.add_row(
            row.host, f"{row.waiting:,} waiting", f"{row.leased} leased", Text(down, style="yellow")
        )
    return table
