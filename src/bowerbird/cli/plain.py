"""`worker` at a manager of Python's standard library, which has two queues and no settings."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bowerbird.cli.crawling import exit_status
from bowerbird.cli.given import merged, secrets_of, settings_of
from bowerbird.cli.options import TABLE
from bowerbird.cli.show import display, summary
from bowerbird.errors import UsageError

if TYPE_CHECKING:
    from bowerbird.app.far import Errand

#: Settings that a person gives where no manager does.
OWN = frozenset(
    {"timeout", "retries", "per_host", "delay", "max_rate", "types", "min_size", "max_bytes",
     "check", "keep_damaged", "cookies", "proxy", "user_agent", "durable"}
)  # fmt: skip
#: Options of `worker` that are settings too.
_SHARED = ("workers", "concurrency", "allow_private", "allow_range")


def plain_options() -> list[click.Option]:
    """Those that `worker` has for plain managers alone."""
    apart = "Settings where a plain manager has none to give"
    return [replace(option, panel=apart).parameter() for option in TABLE if option.field in OWN]


def work(errand: "Errand", typed: dict[str, Any], *, quiet: bool, as_json: bool) -> None:
    """Work from the two queues until they are empty and all is answered; ends the process."""
    from bowerbird.app.fleet import FOLDER
    from bowerbird.app.plain import PlainOrder, work_for_plain
    from bowerbird.app.way import Target

    if errand.bucket:
        raise UsageError("For a manager of the standard library name a folder with -o.")
    target = errand.target
    assert isinstance(target, Target)
    given = merged({name: typed[name] for name in (*_SHARED, *OWN)})
    options = settings_of(given) | ({"memory": errand.memory} if errand.memory else {})
    with display(quiet=quiet) as shown:
        report = work_for_plain(
            PlainOrder(
                address=target.address, authkey=target.authkey,
                out=errand.folder or str(Path(FOLDER).absolute()), tls=target.tls,
                options=options, secrets=secrets_of(given),
                stay=errand.stay, said=shown.say, tell=shown.tell, signals=True,
            )
        )  # fmt: skip
    if as_json:
        sys.stdout.buffer.write(report.as_json())
    else:
        click.echo("\n".join(summary(report)))
    sys.exit(exit_status(report))
