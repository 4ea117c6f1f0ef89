"""The commands."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from bowerbird.cli import crawling, demonstration, looking, steering
from bowerbird.cli.options import parameters

cli = typer.Typer(
    name="bowerbird",
    help="Collects the images of the web, with as many processes and machines as you give it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@cli.callback(invoke_without_command=True)
def main(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Collects the images of the web, with as many processes and machines as you give it."""
    if version:
        from bowerbird._version import __version__

        typer.echo(f"bowerbird {__version__}")
        raise typer.Exit


def _with_options(command: Callable[..., None], name: str) -> Callable[..., None]:
    """The command with the parameters of the option table in place of its `**given`."""
    own = [
        parameter
        for parameter in inspect.signature(command).parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    every = [*own, *parameters(name)]

    def called(**values: Any) -> None:
        command(**values)

    called.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in every}
    called.__doc__ = command.__doc__
    return called


cli.command("crawl")(_with_options(crawling.crawl, "crawl"))
cli.command("download")(_with_options(crawling.download, "download"))
cli.command("status")(looking.status)
cli.command("retry")(steering.retry)
cli.command("verify")(looking.verify)
cli.command("export")(looking.export)
cli.command("pause")(steering.pause)
cli.command("resume")(steering.resume)
cli.command("stop")(steering.stop)
cli.command("demo")(demonstration.demo)
