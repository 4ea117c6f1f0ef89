"""`retry`, `pause`, `resume` and `stop`. Each imports what it needs when it is called."""

from typing import Annotated

import typer

Where = Annotated[str, typer.Argument(metavar="DIR", help="Folder of the crawl.")]


def retry(
    where: Where,
    host: Annotated[str, typer.Option(help="Only those of this host.", show_default=False)] = "",
    reason: Annotated[
        str, typer.Option(help="Only those that failed for this reason.", show_default=False)
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Put failed images back into the queue."""
    from bowerbird.app.visit import visit
    from bowerbird.model import Filter

    with visit(where) as crawl:
        count = crawl.frontier.requeue(Filter(host=host, reason=reason))
        running = crawl.running
    if json:
        typer.echo(f'{{"requeued": {count}}}')
        return
    typer.echo(f"{count} put back into the queue.")
    if count and not running:
        typer.echo("Nobody works at it now: the same `crawl` or `download` command goes on.")


def pause(where: Where) -> None:
    """Let nothing more begin until `resume`, also after a restart."""
    from bowerbird.app.visit import visit

    with visit(where) as crawl:
        crawl.frontier.pause("asked for")
    typer.echo(f"Paused; `bowerbird resume {where}` goes on.")


def resume(where: Where) -> None:
    """Go on after `pause` or `stop`."""
    from bowerbird.app.visit import visit

    with visit(where) as crawl:
        crawl.frontier.resume()
        running = crawl.running
    typer.echo("Going on." if running else "It will go on with the next `crawl` or `download`.")


def stop(where: Where) -> None:
    """End the crawl once what is in flight is done; what waits is kept."""
    from bowerbird.app.visit import visit

    with visit(where) as crawl:
        crawl.frontier.stop("asked for")
    typer.echo("Stopping; the same `crawl` or `download` command goes on later.")
