"""`dashboard`, and `--dashboard` of `crawl` and `download`."""

import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bowerbird.cli.access import at_crawl
from bowerbird.cli.gathering import folder_option
from bowerbird.cli.options import PanelCommand
from bowerbird.errors import SettingsError
from bowerbird.settings import option_name

if TYPE_CHECKING:
    from bowerbird.app.access import Access

#: Those that say where a dashboard beside a crawl is served.
OPTIONS = frozenset({"dashboard", "dashboard_token", "dashboard_cert", "dashboard_key"})


@click.command(cls=PanelCommand, short_help="Show a crawl in the browser, live, with its images.")
@at_crawl
@click.option(
    "--host",
    default="127.0.0.1",
    metavar="ADDRESS",
    help="Listen here; 0.0.0.0: for other machines too, which need the token. [127.0.0.1]",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    metavar="N",
    help="Listen at this port; 0: any free one. [8420]",
)
@click.option(
    "--token-file",
    default="",
    metavar="FILE",
    help="The token that actions need, and other machines for all. "
    "[BOWERBIRD_DASHBOARD_TOKEN, or one made in DIR]",
)
@click.option("--cert", default="", metavar="FILE", help="Certificate for HTTPS, PEM.")
@click.option("--key", default="", metavar="FILE", help="Its private key, PEM.")
@folder_option
def dashboard(where: str, access: "Access", folders: tuple[Path, ...], **given: Any) -> None:
    """Show a crawl in the browser: of a folder, finished or at work, or at an address.

    It asks the manager while one works, and may stay open over its restarts.
    """
    from bowerbird.app.originals import Originals
    from bowerbird.app.status import status_of
    from bowerbird.web.errand import Told, line_of
    from bowerbird.web.place import Place
    from bowerbird.web.serve import Dashboard

    place = Place(**given)
    place.check()
    status_of(where, access)  # says what is wrong with address, folder or key
    Originals(None, given=folders)  # with one of these
    shown = Dashboard(where, access, place, folders)
    told = Told(address=shown.address, way_in=shown.way_in, file=shown.token_file)
    click.echo(line_of(told, shows=sys.stdout.isatty()))
    if place.open and not place.cert:
        click.echo("warning: not encrypted: others on the network can read it, and the token. "
                   "--cert and --key change that.", err=True)  # fmt: skip
    sys.stdout.flush()
    shown.run()


def beside_crawl(
    places: tuple[str, str], given: Mapping[str, Any], access: "Access",
    said: Callable[[str], None],
) -> AbstractContextManager[Callable[[], None]]:  # fmt: skip
    """The dashboard that was asked for beside a crawl, in these places; to be started once the
    crawl is there. Nothing where none was asked for."""
    if not given.get("dashboard"):
        if extra := OPTIONS & given.keys():
            raise SettingsError(f"{option_name(min(extra))} goes with --dashboard.")
        return nullcontext(lambda: None)
    from bowerbird.app.access import Access
    from bowerbird.app.bucket import places as placed
    from bowerbird.web.errand import Errand, beside
    from bowerbird.web.place import Place, parse_place

    folder, _ = placed(*places)
    host, port = parse_place(given["dashboard"])
    place = Place(
        host=host, port=port, token_file=given.get("dashboard_token", ""),
        cert=given.get("dashboard_cert", ""), key=given.get("dashboard_key", ""),
    )  # fmt: skip
    way = access if given.get("engine") else Access()
    return beside(Errand(str(folder), way, place), said, shows=sys.stderr.isatty())
