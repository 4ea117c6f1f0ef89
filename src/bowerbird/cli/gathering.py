"""`gather`."""

import sys
from pathlib import Path

import click

from bowerbird.cli import FAILED
from bowerbird.codec import as_json

#: Given to `verify` and `export` too, which find the folders of this machine by themselves.
folder_option = click.option(
    "--folder", "folders", type=Path, multiple=True, metavar="FOLDER",
    help="A worker's folder, wherever it is mounted or copied to; may be repeated.",
)  # fmt: skip


def say(line: str) -> None:
    """A line for people, beside what is written."""
    click.echo(line, err=True)


@click.command(short_help="Bring the images of workers' folders together.")
@click.argument("where", metavar="DIR")
@click.argument("folders", nargs=-1, type=Path, metavar="[FOLDER]...")
@click.option(
    "--move", is_flag=True,
    help="Remove each file where it was, once it is safe here: from the FOLDERs named alone, or "
    "else from all; never where other crawls have images too.",
)  # fmt: skip
@click.option("--json", is_flag=True, help="Print JSON.")
def gather(where: str, folders: tuple[Path, ...], move: bool, json: bool) -> None:
    """Bring the images that workers have stored in FOLDERs of their own into DIR.

    Name these folders as they are mounted, or copied to this machine; those that lie where their
    worker had them are found by themselves. Files are linked where that goes, else copied, and
    checked on the way. Again, it goes on where it was.
    """
    from bowerbird.app.gather import gather_crawl
    from bowerbird.cli.counting import counting

    with counting("records") as tell:
        gathered = gather_crawl(where, folders, move=move, tell=tell, say=say)
    if json:
        sys.stdout.buffer.write(as_json(gathered))
    else:
        for line in gathered.lines():
            click.echo(line)
    if not gathered.clean:
        sys.exit(FAILED)
