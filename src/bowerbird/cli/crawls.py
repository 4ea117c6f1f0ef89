"""`crawls` and `drop`: what lies in a Redis."""

import sys
from typing import TYPE_CHECKING, Any

import click

from bowerbird.cli.access import access_of, access_options, warn_of_password
from bowerbird.cli.options import PanelCommand
from bowerbird.cli.values import shown_size
from bowerbird.codec import as_json
from bowerbird.manager.progress import failures

if TYPE_CHECKING:
    from bowerbird.app.crawls import CrawlRow

_HEAD = ("CRAWL", "STATE", "IMAGES", "SIZE", "WAITING", "FAILED", "WORKERS", "MANAGER", "OF")


@click.command(cls=PanelCommand, short_help="List the crawls in a Redis.")
@click.argument("engine")
@access_options
@click.option("--json", is_flag=True, help="Print JSON.")
def crawls(engine: str, json: bool, **typed: Any) -> None:
    """List the crawls at ENGINE, redis://HOST:6379/0, with their progress."""
    from bowerbird.app.crawls import crawls_at

    warn_of_password(engine)
    rows = crawls_at(engine, access_of(typed))
    if json:
        sys.stdout.buffer.write(as_json(rows))
        return
    if not rows:
        click.echo("There are no crawls.")
        return
    table = [_HEAD, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _cells(row: "CrawlRow") -> tuple[str, ...]:
    of = ", ".join(row.start_urls[:2]) + (" …" if len(row.start_urls) > 2 else "") or "a list"
    stats = row.stats
    if stats is None:
        return row.name, "not begun", "", "", "", "", "", row.manager or "none", of
    waiting = sum(stats.waiting.values()) + stats.leased
    return (
        row.name, stats.state, f"{stats.records:,}", shown_size(stats.bytes), f"{waiting:,}",
        f"{sum(failures(stats).values()):,}", str(stats.sessions), row.manager or "none", of,
    )  # fmt: skip


@click.command(cls=PanelCommand, short_help="Remove a crawl from a Redis.")
@click.argument("engine")
@access_options
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(engine: str, yes: bool, **typed: Any) -> None:
    """Remove the crawl at ENGINE, redis://HOST:6379/0?crawl=NAME. Images and catalogs in folders
    and buckets stay."""
    from bowerbird.app.crawls import drop, require_crawl
    from bowerbird.app.engines import engine_address

    warn_of_password(engine)
    access = access_of(typed)
    address = engine_address(engine, access)
    require_crawl(address)
    if not yes:
        click.confirm(f"Remove {address} with all it knows of tasks and results?", abort=True)
    drop(engine, access)
    click.echo(f"{address} is removed.")
