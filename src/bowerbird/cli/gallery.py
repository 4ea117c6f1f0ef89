"""`gallery`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bowerbird.cli.access import at_crawl
from bowerbird.cli.gathering import folder_option
from bowerbird.cli.options import PanelCommand
from bowerbird.settings import ALL_TYPES
from bowerbird.words import many

if TYPE_CHECKING:
    from bowerbird.app.access import Access

#: As in `bowerbird.catalog.gallery.Sort`, which is loaded only when it is needed.
SORTS = ("newest", "oldest", "largest", "smallest", "heaviest", "lightest", "host")


@click.command(cls=PanelCommand, short_help="Draw a contact sheet of the images.")
@at_crawl
@click.option(
    "--contact-sheet", "out", type=Path, required=True, metavar="FILE",
    help="Where to: .jpg, .png or .webp.",
)  # fmt: skip
@click.option("--most", default=200, show_default=True, type=click.IntRange(1, 20_000), metavar="N",
              help="Draw so many images, at most.")  # fmt: skip
@click.option("--columns", default=8, show_default=True, type=click.IntRange(1, 200), metavar="N",
              help="Images side by side.")  # fmt: skip
@click.option("--cell", default=180, show_default=True, type=click.IntRange(32, 360),
              metavar="PIXELS",
              help="Pixels of each one's place.")  # fmt: skip
@click.option("--captions/--no-captions", default=True, show_default=True,
              help="Write name, size and host below each.")  # fmt: skip
@click.option("--sort", default="newest", show_default=True, type=click.Choice(SORTS),
              help="Which come first.")  # fmt: skip
@click.option("--host", default="", metavar="TEXT", help="Only hosts with this in their name.")
@click.option("--type", "types", multiple=True, type=click.Choice(ALL_TYPES),
              help="Only this type; may be repeated.")  # fmt: skip
@click.option("--words", default="", metavar="TEXT",
              help="Only with these words in alt text or file name.")  # fmt: skip
@click.option("--min-side", default=0, type=click.IntRange(0), metavar="PIXELS",
              help="Only with a side of this length.")  # fmt: skip
@folder_option
def gallery(
    where: str, access: "Access", out: Path, most: int, columns: int, cell: int, captions: bool,
    sort: str, host: str, types: tuple[str, ...], words: str, min_side: int,
    folders: tuple[Path, ...],
) -> None:  # fmt: skip
    """Draw a contact sheet: many images on one.

    To look through all of them in a browser: `bowerbird dashboard DIR`.
    """
    from bowerbird.app.contact_sheet import Layout, make_contact_sheet
    from bowerbird.catalog.gallery import Query, Sort
    from bowerbird.cli.counting import counting

    query = Query(words=words, host=host, types=types, min_side=min_side, sort=Sort(sort))
    layout = Layout(columns=columns, cell=cell, captions=captions)
    with counting("images drawn") as tell:
        count = make_contact_sheet(where, access, out, query, most, layout, folders, tell)
    click.echo(f"{many(count, 'image')} drawn on {out}.")
