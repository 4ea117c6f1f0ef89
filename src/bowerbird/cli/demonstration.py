"""`demo`: a small website on this machine, crawled before your eyes."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bowerbird.cli.show import display, summary
from bowerbird.cli.values import shown_size
from bowerbird.settings import Mode

if TYPE_CHECKING:  # the photographs are drawn with numpy, which no other command waits for
    from bowerbird.catalog import Entry
    from bowerbird.model import Record

#: Images that are listed; the folder has them all.
LISTED = 8


@click.command()
@click.option("-o", "--out", default="", metavar="DIR", help="Folder for the images. [a new one]")
def demo(out: str) -> None:
    """Crawl a small website on this machine before your eyes."""
    import tempfile

    from bowerbird.app.crawl import Order, carry_out
    from bowerbird.demo import open_gallery

    folder = Path(out or tempfile.mkdtemp(prefix="bowerbird-demo-"))
    with tempfile.TemporaryDirectory(prefix="bowerbird-gallery-") as site, display() as shown:
        shown.say("Drawing a small gallery of photographs …")
        with open_gallery(Path(site)) as gallery:
            shown.say(f"Serving it at {gallery.url}")
            shown.say(f"$ bowerbird crawl {gallery.url} -o {folder}")
            report = carry_out(
                Order(
                    mode=Mode.CRAWL,
                    out=str(folder),
                    start=[gallery.url],
                    said=shown.say,
                    tell=shown.tell,
                    signals=True,
                )
            )
    for line in (*summary(report), "", *_found(folder), "", *_next_steps(folder)):
        click.echo(line)


def _found(folder: Path) -> list[str]:
    from bowerbird.app.entries import all_entries
    from bowerbird.app.visit import visit

    with visit(str(folder)) as crawl:
        entries = list(all_entries(crawl.catalog))
    entries.sort(key=_largest)
    lines = ["Some of what was found:"]
    lines.extend(_line(entry) for entry in entries[:LISTED])
    return [*lines, f"  … and {len(entries) - LISTED} more"]


def _largest(entry: "Entry") -> tuple[int, str]:
    return -entry.record.bytes, entry.record.url


def _line(entry: "Entry") -> str:
    record, places = entry.record, sorted({seen.place for seen in entry.sightings})
    alt = next((seen.alt for seen in entry.sightings if seen.alt), "")
    size = f"{record.width}x{record.height} {record.type}, {shown_size(record.bytes)}"
    return f"  {_name(record)}  {size}  [{', '.join(places)}]  {alt}"


def _name(record: "Record") -> str:
    return record.url.rpartition("/")[2][:36].ljust(36)


def _next_steps(folder: Path) -> list[str]:
    return [
        f"The images lie in {folder}/images, named by their content. Try:",
        f"  bowerbird dashboard {folder}          all of it in the browser",
        f"  bowerbird export {folder} -f tree     the same files under readable names",
        f"  bowerbird export {folder} -f jsonl    every image with where it was seen",
        f"  bowerbird status {folder}",
        f"  bowerbird verify {folder}",
    ]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete our commands.

    For bash: eval "$(bowerbird completion bash)", in ~/.bashrc to keep it.
    """
    from click.shell_completion import get_completion_class

    from bowerbird.cli.commands import cli

    found = get_completion_class(shell)
    if found is not None:
        source = found(cli, {}, "bowerbird", "_BOWERBIRD_COMPLETE").source()
        click.echo(source.replace("complete -o nosort", "complete -o nosort -o default"))
