"""`crawl` and `download`."""

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from bowerbird.cli import FAILED, FINISHED, INTERRUPTED
from bowerbird.cli.access import warn_of_password, warn_of_typed_key
from bowerbird.cli.dashboard import beside_crawl
from bowerbird.cli.given import engine_of, listen_of, merged, secrets_of, settings_of
from bowerbird.cli.options import PanelCommand
from bowerbird.cli.show import display, summary
from bowerbird.settings import Mode

if TYPE_CHECKING:
    from bowerbird.cli.show import Lines
    from bowerbird.manager.report import Report

out_option = click.option(
    "-o", "--out", required=True, metavar="DIR",
    help="Folder for the images, or s3://bucket/prefix?endpoint=URL&region=NAME.",
)  # fmt: skip
state_option = click.option(
    "--state", default="", metavar="DIR",
    help="Folder for crawl.db and report.json, where images go to s3://.",
)  # fmt: skip


@click.command(cls=PanelCommand, short_help="Collect all images of websites.")
@click.argument("urls", nargs=-1, metavar="URL...")
@out_option
@state_option
def crawl(urls: tuple[str, ...], out: str, state: str, **given: Any) -> None:
    """Collect all images of these sites.

    Again on the same folder it goes on where it was, also after kill -9; the URLs may then be
    left out.
    """
    _carry_out(Mode.CRAWL, urls, (out, state), given)


@click.command(cls=PanelCommand, short_help="Download a list of image URLs.")
@click.argument("list_", metavar="LIST")
@out_option
@state_option
def download(list_: str, out: str, state: str, **given: Any) -> None:
    """Download a list of image URLs: .txt .csv .tsv .json .jsonl, .parquet, .gz of these, or -
    for standard input.

    Again on the same folder it goes on where it was, also with a changed list.
    """
    from bowerbird.manager.lists import open_list

    with open_list(list_) as urls:
        _carry_out(Mode.DOWNLOAD, urls, (out, state), given, urls.notes)


def _carry_out(
    mode: Mode, start: Iterable[str], places: tuple[str, str], typed: dict[str, Any],
    notes: Callable[[], Iterable[str]] = tuple,
) -> None:  # fmt: skip
    given = merged(typed)
    options, secrets, listen = settings_of(given), secrets_of(given), listen_of(given)
    warn_of_typed_key(typed.get("authkey") or "")
    engine, access = engine_of(given)
    warn_of_password(engine)
    out, state = places
    from bowerbird.cli.logged import logged

    with (
        display(quiet=bool(given.get("quiet"))) as shown,
        logged(shown.say),
        beside_crawl(places, given, access, _saying(shown, given)) as show,
    ):
        from bowerbird.app.crawl import Order, carry_out

        report = carry_out(
            Order(
                mode=mode, out=out, state=state, start=start, options=options, secrets=secrets,
                listen=listen, notes=notes, engine=engine, access=access,
                backlog=given.get("backlog"),
                said=shown.say, tell=shown.tell, signals=True, opened=lambda *_: show(),
            )
        )  # fmt: skip
    _print(report, as_json=bool(given.get("json")))
    sys.exit(exit_status(report))


def _saying(shown: "Lines", given: dict[str, Any]) -> Callable[[str], None]:
    """Without progress too, a person has to be told where the dashboard is."""
    return (lambda text: click.echo(text, err=True)) if given.get("quiet") else shown.say


def _print(report: "Report", *, as_json: bool) -> None:
    if as_json:
        sys.stdout.buffer.write(report.as_json())
        return
    for line in summary(report):
        click.echo(line)


def exit_status(report: "Report") -> int:
    """0 finished, 1 nothing at all could be fetched, 130 interrupted."""
    if report.state == "interrupted":
        return INTERRUPTED
    nothing = not report.images and not report.pages
    return FAILED if nothing and (report.failures or report.left_out) else FINISHED
