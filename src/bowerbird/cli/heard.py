"""Output that nobody reads any more, as after `| head`: no defect, and there is nobody to tell."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bowerbird.cli import UNHEARD
from bowerbird.streams import silence


@contextmanager
def heard() -> Iterator[None]:
    """Write out what the block prints; end the process silently where its reader has gone."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()  # here, where it can be told, and not when the interpreter ends
    except BrokenPipeError:
        silence((1, 2))  # or Python would try once more
        sys.exit(UNHEARD)
