"""The command line: parses, calls `bowerbird.app`, prints. Holds no rule."""

import errno
import sys
from contextlib import suppress
from typing import NoReturn

from bowerbird.errors import BowerbirdError, UsageError

#: Exit statuses; documented in the README.
FINISHED, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
#: The reader of our output has gone: what shells show of a program that SIGPIPE has ended.
UNHEARD = 141
#: Characters of a file's name that are shown.
LONGEST = 300


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
        _end_with(error)


def _end_with(error: OSError) -> NoReturn:
    """A folder that belongs to another, a name that is too long, a disk that is full."""
    status = USAGE
    if error.errno == errno.ENOSPC:
        status = FAILED
        text = f"{error.strerror}: what was to be written is cut off"
        with suppress(OSError):
            sys.stdout.close()  # or Python would try once more
    elif error.filename is None:
        raise error
    else:
        text = f"{str(error.filename)[:LONGEST]}: {error.strerror}"
    print(f"bowerbird: {text}.", file=sys.stderr)  # noqa: T201
    sys.exit(status)
