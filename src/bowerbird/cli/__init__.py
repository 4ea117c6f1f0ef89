"""The command line: parses, calls `bowerbird.app`, prints. Holds no rule."""

import errno
import sys
from contextlib import suppress

from bowerbird.errors import BowerbirdError, UsageError

#: Exit statuses; documented in the README.
FINISHED, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
#: The reader of our output has gone: what shells show of a program that SIGPIPE has ended.
UNHEARD = 141


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
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        text = f"bowerbird: {error.strerror}: what was to be written is cut off."
        print(text, file=sys.stderr)  # noqa: T201
        with suppress(OSError):
            sys.stdout.close()  # or Python would try once more
        sys.exit(FAILED)
