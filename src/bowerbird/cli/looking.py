"""`status`, `verify` and `export`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bowerbird.cli import FAILED
from bowerbird.cli.gathering import folder_option
from bowerbird.cli.steering import where_argument
from bowerbird.cli.values import shown_duration, shown_size
from bowerbird.codec import as_json

if TYPE_CHECKING:
    from bowerbird.app.looking import Status

json_option = click.option("--json", is_flag=True, help="Print JSON.")


@click.command()
@where_argument
@json_option
def status(where: str, json: bool) -> None:
    """Show counts, rates, hosts, workers and failures."""
    from bowerbird.app.looking import status_of

    found = status_of(where)
    if json:
        sys.stdout.buffer.write(as_json(found))
        return
    for line in _lines(found):
        click.echo(line)


@click.command(short_help="Check files against the catalog and back.")
@where_argument
@click.option("--prune", is_flag=True, help="Remove files that no record names.")
@click.option("--repair", is_flag=True, help="Remove bad files and have them fetched anew.")
@folder_option
@json_option
def verify(where: str, prune: bool, repair: bool, folders: tuple[Path, ...], json: bool) -> None:
    """Check every file against the catalog, and every record against its file."""
    from bowerbird.app.looking import verify_crawl
    from bowerbird.cli.counting import counting

    with counting("files checked") as tell:
        checked = verify_crawl(where, prune=prune, repair=repair, folders=folders, tell=tell)
    if json:
        sys.stdout.buffer.write(as_json(checked))
    else:
        for line in checked.lines():
            click.echo(line)
        if checked.mended:
            click.echo("The same `crawl` or `download` command fetches them anew, if none runs.")
        elif checked.bad:
            click.echo(f"`bowerbird verify {where} --repair` has what is bad fetched anew.")
        if checked.away or checked.spoiled:
            click.echo(f"`bowerbird gather {where} FOLDER...` brings the files of others here.")
    if not checked.clean:
        sys.exit(FAILED)


@click.command(short_help="Write the catalog, or a tree of readable names.")
@where_argument
@click.option(
    "-f", "--format", "form", required=True, type=click.Choice(["jsonl", "csv", "tree"]),
    help="What to write.",
)  # fmt: skip
@click.option(
    "-o", "--out", type=Path, metavar="PATH",
    help="File, or folder for tree. [standard output; DIR/tree]",
)  # fmt: skip
@folder_option
def export(where: str, form: str, out: Path | None, folders: tuple[Path, ...]) -> None:
    """Write the catalog as jsonl or csv, or the images under readable names as a tree."""
    from bowerbird.app.looking import export_crawl

    said = export_crawl(where, form, out, folders)
    if said:
        print(said, file=sys.stderr)  # noqa: T201


def _lines(found: "Status") -> list[str]:
    stats = found.stats
    state = stats.state + (f" ({stats.reason})" if stats.reason else "")
    running = "a manager is at work" if found.running else "nobody is at work"
    return [
        f"{found.folder}: {state}, {running}",
        f"  {stats.records:,} images, {shown_size(stats.bytes)}",
        f"  done {_counts(stats.done)}",
        f"  waiting {_counts(stats.waiting)}; leased {stats.leased}",
        f"  failed {_counts(stats.dead)}",
        *(f"  counted {_counts(stats.counters)}" for _ in (1,) if stats.counters),
        *_hosts(found),
        *_workers(found),
    ]


def _counts(counts: dict[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {n:,}" for name, n in ordered if n) or "nothing"


def _hosts(found: "Status") -> list[str]:
    lines = ["  hosts:"] if found.hosts else []
    for row in found.hosts:
        held = f", held {shown_duration(row.hold_s)}" if row.hold_s else ""
        delay = f", delay {row.delay_s:g} s" if row.delay_s else ""
        lines.append(
            f"    {row.host}: {row.waiting:,} waiting, {row.leased} leased, {row.done:,} done, "
            f"{row.dead:,} failed{', ' + row.state if row.state != 'up' else ''}{held}{delay}"
        )
    return lines


def _workers(found: "Status") -> list[str]:
    lines = [
        f"    {row.worker.name} {row.worker.version}: {row.leased} leased, "
        f"{row.finished:,} finished, seen {row.last_seen_s:.0f} s ago"
        for row in found.workers
    ]
    return ["  workers:", *lines] if lines else []
