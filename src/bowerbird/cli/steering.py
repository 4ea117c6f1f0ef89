"""`retry`, `pause`, `resume` and `stop`. Each imports what it needs when it is called."""

from typing import TYPE_CHECKING

import click

from bowerbird.cli.access import at_crawl
from bowerbird.cli.options import PanelCommand

if TYPE_CHECKING:
    from bowerbird.app.access import Access


@click.command(cls=PanelCommand)
@at_crawl
@click.option("--host", default="", metavar="NAME", help="Only those of this host.")
@click.option(
    "--reason",
    default="",
    metavar="REASON",
    help="Only those that failed, or were left out, for this reason.",
)
@click.option("--json", is_flag=True, help="Print JSON.")
def retry(where: str, access: "Access", host: str, reason: str, json: bool) -> None:
    """Put failed images back into the queue."""
    from bowerbird.app import steering
    from bowerbird.app.visit import visit

    with visit(where, access) as crawl:
        count = steering.requeue(crawl, host, reason)
        running = crawl.running
    if json:
        click.echo(f'{{"requeued": {count}}}')
        return
    click.echo(f"{count:,} put back into the queue.")
    if not count and (host or reason):
        click.echo(f"`bowerbird status {where}` lists what failed or was left out, by reason.")
    if count and not running:
        click.echo("Nobody works at it now: the same `crawl` or `download` command goes on.")


@click.command(cls=PanelCommand)
@at_crawl
def pause(where: str, access: "Access") -> None:
    """Let nothing more begin until `resume`, also after a restart."""
    from bowerbird.app import steering
    from bowerbird.app.visit import visit

    with visit(where, access) as crawl:
        steering.pause(crawl)
    click.echo(f"Paused; `bowerbird resume {where}` goes on.")


@click.command(cls=PanelCommand)
@at_crawl
def resume(where: str, access: "Access") -> None:
    """Go on after `pause` or `stop`."""
    from bowerbird.app import steering
    from bowerbird.app.visit import visit

    with visit(where, access) as crawl:
        steering.resume(crawl)
        running = crawl.running
    click.echo("Going on." if running else "It will go on with the next `crawl` or `download`.")


@click.command(cls=PanelCommand, short_help="End the crawl in order; what waits is kept.")
@at_crawl
def stop(where: str, access: "Access") -> None:
    """End the crawl once what is in flight is done; what waits is kept."""
    from bowerbird.app import steering
    from bowerbird.app.visit import visit

    with visit(where, access) as crawl:
        steering.stop(crawl)
        doing = "Stopping" if crawl.running else "Nobody works at it now"
    click.echo(f"{doing}; the same `crawl` or `download` command goes on later.")
