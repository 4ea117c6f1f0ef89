"""Standard streams whose other end has gone."""

import os
from collections.abc import Iterable


def silence(numbers: Iterable[int]) -> None:
    """Let what is written to these descriptors go nowhere. Safe in a signal handler."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in numbers:
        os.dup2(nowhere, number)
    os.close(nowhere)
