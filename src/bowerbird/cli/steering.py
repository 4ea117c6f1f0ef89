"""`retry`, `pause`, `resume` and `stop`. Each imports what it needs when it is called."""

import click

where_argument = click.argument("where", metavar="DIR")


@click.command()
@where_argument
@click.option("--host", default="", help="Only those of this host.")
@click.option("--reason", default="", help="Only those that failed for this reason.")
@click.option("--json", is_flag=True, help="Print JSON.")
def retry(where: str, host: str, reason: str, json: bool) -> None:
    """Put failed images back into the queue."""
    from bowerbird.app.visit import visit
    from bowerbird.model import Filter

    with visit(where) as crawl:
        count = crawl.frontier.requeue(Filter(host=host, reason=reason))
        running = crawl.running
    if json:
        click.echo(f'{{"requeued": {count}}}')
        return
    click.echo(f"{count} put back into the queue.")
    if count and not running:
        click.echo("Nobody works at it now: the same `crawl` or `download` command goes on.")


@click.command()
@where_argument
def pause(where: str) -> None:
    """Let nothing more begin until `resume`, also after a restart."""
    from bowerbird.app.visit import visit

    with visit(where) as crawl:
        crawl.frontier.pause("asked for")
    click.echo(f"Paused; `bowerbird resume {where}` goes on.")


@click.command()
@where_argument
def resume(where: str) -> None:
    """Go on after `pause` or `stop`."""
    from bowerbird.app.visit import visit

    with visit(where) as crawl:
        crawl.frontier.resume()
        running = crawl.running
    click.echo("Going on." if running else "It will go on with the next `crawl` or `download`.")


@click.command(short_help="End the crawl in order; what waits is kept.")
@where_argument
def stop(where: str) -> None:
    """End the crawl once what is in flight is done; what waits is kept."""
    from bowerbird.app.visit import visit

    with visit(where) as crawl:
        crawl.frontier.stop("asked for")
    click.echo("Stopping; the same `crawl` or `download` command goes on later.")
