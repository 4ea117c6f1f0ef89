"""Notes how much processor time a worker's defences take (`benchmarks.defences`).

Python loads this module by itself where its folder is in PYTHONPATH. It is never part of what is
shipped.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bowerbird.extract import html
from bowerbird.fetch.guard import Guard
from bowerbird.fetch.watch import Watch
from bowerbird.worker.traps import Traps

spent_ns = 0


def _timed(function: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*given: Any) -> Any:
        global spent_ns
        began_ns = time.thread_time_ns()
        try:
            return function(*given)
        finally:
            spent_ns += time.thread_time_ns() - began_ns

    return timed


def _noted(function: Callable[..., Any]) -> Callable[..., Any]:
    """What is called every 0.25 s also writes down how much it was."""
    file = Path(os.environ["SPENT"], str(os.getpid()))

    def noted(*given: Any) -> Any:
        file.write_text(str(spent_ns))
        return function(*given)

    return noted


for owner, names in (
    (Guard, ("right_of", "allows")),
    (Watch, ("expired",)),
    (Traps, ("admits", "condemns", "sift")),
    (html, ("without_crowds", "parts_of")),
):
    for name in names:
        setattr(owner, name, _timed(getattr(owner, name)))
Watch.expired = _noted(Watch.expired)  # type: ignore[method-assign]
