"""Output that nobody reads any more, as after `| head`: no defect, and there is nobody to tell."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bowerbird.cli import UNHEARD


@contextmanager
def heard() -> Iterator[None]:
    """Write out what the block prints; end the process silently where its reader has gone."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()  # here, where it can be told, and not when the interpreter ends
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for number in (1, 2):
            os.dup2(nowhere, number)  # or Python would try once more
        sys.exit(UNHEARD)
