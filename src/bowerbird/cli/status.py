"""`status`."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from bowerbird.cli.access import at_crawl
from bowerbird.cli.options import PanelCommand
from bowerbird.cli.values import shown_duration, shown_size
from bowerbird.cli.workers import busiest_first, mood_of, rate_of
from bowerbird.codec import as_json
from bowerbird.manager.progress import failures, left_out, state_word
from bowerbird.model import HostRow, State, Trap, WorkerRow, plain_counters, traps_of
from bowerbird.words import many

if TYPE_CHECKING:
    from bowerbird.app.access import Access
    from bowerbird.app.status import Status

#: Workers that are listed; --json has them all.
LISTED = 50


@click.command(cls=PanelCommand)
@at_crawl
@click.option("--watch", is_flag=True, help="Show it on the whole screen, each second anew.")
@click.option("--json", is_flag=True, help="Print JSON.")
def status(where: str, access: "Access", watch: bool, json: bool) -> None:
    """Show counts, rates, hosts, workers and failures."""
    from bowerbird.app.status import status_of

    if watch:
        from bowerbird.cli.watching import watch_crawl

        if json:
            raise click.UsageError("--watch is for people, --json for programs: take one.")
        watch_crawl(where, access)
        return

    found = status_of(where, access)
    if json:
        sys.stdout.buffer.write(as_json(found))
        return
    for line in lines_of(found):
        click.echo(line)


def lines_of(found: "Status") -> list[str]:
    """What a person is told."""
    stats = found.stats
    return [
        f"{found.folder}: {_state(found)}, {_at_work(found)}",
        f"  {many(stats.records, 'image')}, {shown_size(stats.bytes)}",
        f"  done {_counts(stats.done)}",
        f"  waiting {_counts(stats.waiting)}; leased {stats.leased}",
        *(
            [f"  left aside by --max-pages or --max-images {stats.skipped:,}"]
            if stats.skipped
            else []
        ),
        f"  failed {_counts(failures(stats))}",
        *([f"  left out {_counts(gone)}"] if (gone := left_out(stats)) else []),
        *(f"  counted {_counts(plain_counters(stats.counters))}" for _ in (1,) if stats.counters),
        *map(_trap, traps_of(stats.counters).items()),
        *_of_results(found),
        *(["  hosts:"] if found.hosts else []),
        *map(_host, found.hosts),
        *_workers(found),
    ]


def _state(found: "Status") -> str:
    stats = found.stats
    if stats.state is State.RUNNING and not found.running:
        return "unfinished"
    return state_word(stats) + (f" ({stats.reason})" if stats.reason else "")


def _at_work(found: "Status") -> str:
    if not found.running:
        return "nobody is at work"
    if found.backlog_most and not found.manager:
        return "workers are at work, and no manager"
    return "a manager is at work"


def _trap(told: tuple[str, Trap]) -> str:
    kind, trap = told
    return f"  left aside {kind} {trap.links:,}: {trap.example}"


def _of_results(found: "Status") -> Iterator[str]:
    """Who takes the results away, and whether workers wait for that."""
    if not found.backlog_most:
        return
    waits = "; workers wait until they are taken" if found.backlog > found.backlog_most else ""
    yield f"  manager: {found.manager or 'none'}"
    most = shown_size(found.backlog_most)
    yield f"  results in Redis: {shown_size(found.backlog)} of {most}{waits}"


def _counts(counts: dict[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {n:,}" for name, n in ordered if n) or "nothing"


def _host(row: HostRow) -> str:
    held = f"held {shown_duration(row.hold_s)}" if row.hold_s else ""
    mood = held if row.state == "held" else row.state if row.state != "up" else ""
    why = f" ({row.why})" if mood and row.why else ""
    delay = f"delay {row.delay_s:g} s" if row.delay_s else ""
    counts = f"{row.waiting:,} waiting, {row.leased} leased, {row.done:,} done, {row.dead:,} dead"
    return f"    {row.host}: " + ", ".join(filter(None, (counts, mood + why, delay)))


def _workers(found: "Status") -> Iterator[str]:
    rows = busiest_first(found.workers)
    if rows:
        yield f"  workers ({len(rows):,}):"
    elif found.running:
        yield "  workers: none"
    yield from map(_worker, rows[:LISTED])
    if len(rows) > LISTED:
        yield f"    and {len(rows) - LISTED:,} more; --json lists all"


def _worker(row: WorkerRow) -> str:
    worker = row.worker
    place = f" at {worker.address}" if worker.address else ""
    parts = [
        f"{row.leased} leased", f"{row.finished:,} finished", f"{rate_of(row)}/s",
        f"seen {row.last_seen_s:.0f} s ago",
    ]  # fmt: skip
    mood = mood_of(row)
    return (
        f"    {worker.name}{place}, {worker.version or 'unknown version'}: {', '.join(parts)}"
        f"{'; ' + mood if mood else ''}"
    )
