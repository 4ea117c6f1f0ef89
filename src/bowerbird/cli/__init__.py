"""The command line: parses, calls `bowerbird.app`, prints. Holds no rule."""

import sys

from bowerbird.errors import BowerbirdError, UsageError

#: Exit statuses; documented in the README.
FINISHED, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def run() -> None:
    """Run the command line; ends the process with its exit status."""
    import click

    from bowerbird.cli.commands import cli

    try:
        sys.exit(cli.main(standalone_mode=False) or FINISHED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BowerbirdError as error:
        print(f"bowerbird: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(USAGE if isinstance(error, UsageError) else FAILED)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; there is nobody to tell
        sys.exit(FINISHED)
