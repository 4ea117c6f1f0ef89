"""`verify`, `export` and `report`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bowerbird.cli import FAILED
from bowerbird.cli.access import at_crawl
from bowerbird.cli.gathering import folder_option, say
from bowerbird.cli.options import PanelCommand
from bowerbird.codec import as_json
from bowerbird.words import many

if TYPE_CHECKING:
    from bowerbird.app.access import Access

json_option = click.option("--json", is_flag=True, help="Print JSON.")


@click.command(cls=PanelCommand, short_help="Check files against the catalog and back.")
@at_crawl
@click.option("--prune", is_flag=True, help="Remove files that no record names.")
@click.option(
    "--read", is_flag=True, help="Read images in a bucket too; else their sizes are compared."
)
@click.option("--repair", is_flag=True, help="Remove bad files and have them fetched anew.")
@folder_option
@json_option
def verify(
    where: str, access: "Access", prune: bool, read: bool, repair: bool, folders: tuple[Path, ...],
    json: bool,
) -> None:  # fmt: skip
    """Check every file against the catalog, and every record against its file."""
    from bowerbird.app.looking import verify_crawl
    from bowerbird.cli.counting import counting

    with counting("files checked") as tell:
        checked = verify_crawl(
            where, access, prune=prune, repair=repair, read=read, folders=folders, tell=tell,
            say=say,
        )  # fmt: skip
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


@click.command(cls=PanelCommand, short_help="Write the catalog, or a tree of readable names.")
@at_crawl
@click.option(
    "-f", "--format", "form", required=True, type=click.Choice(["jsonl", "csv", "tree"]),
    help="What to write.",
)  # fmt: skip
@click.option(
    "-o", "--out", type=Path, metavar="PATH",
    help="File, or folder for tree. [standard output; DIR/tree]",
)  # fmt: skip
@folder_option
def export(
    where: str, access: "Access", form: str, out: Path | None, folders: tuple[Path, ...]
) -> None:
    """Write the catalog as jsonl or csv, or the images under readable names as a tree."""
    from bowerbird.app.looking import export_crawl

    said = export_crawl(where, form, out, folders, access, say)
    if said:
        print(said, file=sys.stderr)  # noqa: T201


@click.command(
    cls=PanelCommand, short_help="Write one HTML file about a crawl, to send to someone."
)
@at_crawl
@click.option(
    "-o", "--out", type=Path, default=Path("report.html"), show_default=True, metavar="FILE",
    help="Where to.",
)  # fmt: skip
@click.option(
    "--sample", default=48, show_default=True, type=click.IntRange(0, 500), metavar="N",
    help="Embed so many small images, spread over the crawl.",
)  # fmt: skip
@folder_option
def report(where: str, access: "Access", out: Path, sample: int, folders: tuple[Path, ...]) -> None:
    """Write one self-contained HTML file: counts, charts, failures, hosts, a sample of images.

    It asks for nothing from anywhere, so it can be opened, sent and kept as it is.
    """
    from bowerbird.app.report_page import make_report
    from bowerbird.cli.values import shown_size

    told = make_report(where, access, out, sample, folders, say)
    shown = f"{many(told.images, 'image')}, {told.shown} of them shown"
    click.echo(f"{shown}, in {out} ({shown_size(told.bytes)}).")
