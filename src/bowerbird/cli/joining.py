"""`worker`: help with a crawl from any machine."""

import sys
from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bowerbird.cli import FAILED, FINISHED, INTERRUPTED, plain
from bowerbird.cli.access import access_of, access_options, warn_of_password
from bowerbird.cli.options import PanelCommand
from bowerbird.cli.show import LINE_EVERY_S, SAME_AFTER_S
from bowerbird.cli.values import parse_duration, parse_size, shown_duration, shown_size
from bowerbird.codec import as_json
from bowerbird.errors import PlainManagerError, UsageError
from bowerbird.words import many

if TYPE_CHECKING:
    from bowerbird.app.access import Access
    from bowerbird.app.engines import RedisTarget
    from bowerbird.app.fleet import FleetProgress, FleetReport
    from bowerbird.app.way import Target


@click.command(cls=PanelCommand, short_help="Help with a crawl from any machine.")
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@click.option(
    "-o",
    "--out",
    default="",
    metavar="DIR",
    help="Folder for the images, or the crawl's s3:// bucket. [bowerbird-images]",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1_024),
    metavar="N",
    help="Worker processes. [one for each core]",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Transfers in flight of one process. [as the crawl says]",
)
@click.option(
    "--memory",
    default="",
    metavar="SIZE",
    help="Bodies and decodes of one process together. [as the crawl says]",
)
@click.option(
    "--allow-private",
    is_flag=True,
    help="Let the crawl use this machine to reach private and loopback addresses.",
)
@click.option(
    "--allow-range", multiple=True, metavar="CIDR", help="Let it reach these private addresses."
)
@click.option("--stay", is_flag=True, help="When the crawl has ended wait for the next one there.")
@click.option(
    "--patience",
    default="",
    metavar="TIME",
    help="Leave when no manager has answered for so long. [for ever]",
)
@access_options
@click.option("--json", "as_json_", is_flag=True, help="Print what it came to as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
def worker(addresses: tuple[str, ...], as_json_: bool, quiet: bool, **typed: Any) -> None:
    """Help with the crawl of the manager at ADDRESS: tcp://HOST:PORT or tls://HOST:PORT, or with
    one in Redis: redis://HOST:6379/0?crawl=NAME. Of these there may be several: processes are
    spread over them, and go on with the next when one has ended.

    A manager of Python's standard library will do too: images are then downloaded from its task
    queue, under either spelling of the tutorials, and answered in its result queue.

    All settings come from there; only the authkey is needed. It may be started before the manager,
    waits for it while it is away, and ends with the crawl. Images are kept in a folder here;
    `bowerbird gather` brings them together.
    """
    from bowerbird.app.fleet import join

    shown = Shown(quiet=quiet)
    fleet = _fleet(addresses, shown, typed)
    try:
        report = join(fleet)
    except PlainManagerError:
        plain.work(fleet.errand, typed, quiet=quiet, as_json=as_json_)
        return
    if as_json_:
        sys.stdout.buffer.write(as_json(report))
    else:
        click.echo(summary(report))
    sys.exit(_STATUS[report.state])


_STATUS = {"ended": FINISHED, "interrupted": INTERRUPTED, "alone": FAILED, "replaced": FAILED}


def _fleet(addresses: Sequence[str], shown: "Shown", typed: dict[str, Any]) -> Any:
    import os

    from bowerbird.app.engines import is_engine
    from bowerbird.app.far import Errand
    from bowerbird.app.fleet import Fleet
    from bowerbird.store.bucket import is_bucket, parse_bucket

    out = typed["out"]
    bucket = parse_bucket(out).url if is_bucket(out) else ""
    access = access_of(typed)
    # Each once: a process goes on with the next one for as long as there is another.
    target, *more = dict.fromkeys(_target(address, access) for address in addresses)
    if more and not all(map(is_engine, addresses)):
        raise UsageError("Several crawls at a time have to be in Redis: redis://…?crawl=NAME each.")
    errand = Errand(
        target=target,
        more=tuple(more),
        folder=str(Path(out).absolute()) if out and not bucket else "",
        bucket=bucket,
        allow_private=typed["allow_private"],
        allow_range=typed["allow_range"],
        concurrency=typed["concurrency"] or 0,
        memory=parse_size(typed["memory"]) if typed["memory"] else 0,
        stay=typed["stay"],
    )
    count = typed["workers"] or os.cpu_count() or 1
    patience_s = parse_duration(typed["patience"]) if typed["patience"] else inf
    return Fleet(
        errand, count, said=shown.say, tell=shown.tell, patience_s=patience_s, signals=True
    )


def _target(address: str, access: "Access") -> "Target | RedisTarget":
    from bowerbird.app.access import manager_address
    from bowerbird.app.engines import RedisTarget, engine_address, is_engine
    from bowerbird.app.way import Target

    if is_engine(address):
        warn_of_password(address)
        return RedisTarget(redis=engine_address(address, access))
    where = manager_address(address)
    return Target(str(where), access.key(), access.tls(where))


class Shown:
    """What a person sees while workers work: lines on standard error."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._last = ""
        self._last_s = self._images = self._bytes = 0.0

    def say(self, text: str) -> None:
        """A line."""
        print(text, file=sys.stderr, flush=True)  # noqa: T201

    def tell(self, progress: "FleetProgress") -> None:
        """Progress, every few seconds, unless it would say the same again."""
        since_s = progress.seconds - self._last_s
        if self._quiet or since_s < LINE_EVERY_S:
            return
        line = self._line(progress, since_s)
        if line == self._last and since_s < SAME_AFTER_S:
            return
        tally = progress.tally
        self._last, self._last_s = line, progress.seconds
        self._images, self._bytes = tally.images, tally.bytes
        self.say(line)

    def _line(self, progress: "FleetProgress", since_s: float) -> str:
        tally = progress.tally
        parts = [
            many(tally.images, "image"),
            shown_size(tally.bytes),
            f"{(tally.images - self._images) / since_s:.0f}/s",
            f"{shown_size((tally.bytes - self._bytes) / since_s)}/s",
            many(tally.pages, "page"),
            f"{tally.failed:,} failed",
            f"{progress.working} of {progress.processes} connected",
        ]
        if progress.owed and progress.away_s is not None:
            parts.append(f"{many(progress.owed, 'result')} kept")
        return " · ".join(parts)


_STATES = {
    "ended": "The crawl has ended",
    "interrupted": "Interrupted",
    "alone": "No manager answers any more (--patience)",
    "replaced": "Left, since another crawl is run there now (--stay joins it)",
}


def summary(report: "FleetReport") -> str:
    """The report in a line or two."""
    state = _STATES[report.state]
    lines = [
        f"{state}: {many(report.images, 'image')}, {shown_size(report.bytes)}, "
        f"{many(report.pages, 'page')}, "
        f"{report.failed:,} failed, in {shown_duration(report.seconds)}",
    ]
    if report.folder:  # none where no crawl was met
        lines.append(f"  in {report.folder}/images")
    if report.lost:
        lines.append(f"  {many(report.lost, 'result')} not handed in: that is fetched again")
    return "\n".join(lines)
