"""The commands."""

from typing import Any

import click

from bowerbird.cli import (
    crawling,
    crawls,
    dashboard,
    demonstration,
    gallery,
    gathering,
    joining,
    keygen,
    looking,
    plain,
    status,
    steering,
)
from bowerbird.cli.heard import heard
from bowerbird.cli.options import PanelCommand, parameters


class Commands(click.Group):
    """Commands whose output may go to a reader that has had enough."""

    def make_context(self, *given: Any, **more: Any) -> click.Context:
        """See click, which would end with status 1; the first help is shown in here."""
        with heard():
            return super().make_context(*given, **more)

    def invoke(self, ctx: click.Context) -> Any:
        """See click."""
        with heard():
            return super().invoke(ctx)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(
    package_name="bowerbird", prog_name="bowerbird", message="%(prog)s %(version)s"
)
def cli() -> None:
    """Collects the images of the web, with as many processes and machines as you give it."""


def _with_options(command: click.Command) -> click.Command:
    command.params.extend(parameters(command.name or ""))
    return command


cli.add_command(_with_options(crawling.crawl))
cli.add_command(_with_options(crawling.download))
joining.worker.params.extend(plain.plain_options())
for command in (
    status.status,
    dashboard.dashboard,
    steering.retry,
    looking.verify,
    looking.export,
    looking.report,
    joining.worker,
    gallery.gallery,
    gathering.gather,
    steering.pause,
    steering.resume,
    steering.stop,
    crawls.crawls,
    crawls.drop,
    keygen.keygen,
    demonstration.demo,
    demonstration.completion,
):
    cli.add_command(command)

__all__ = ["PanelCommand", "cli"]
