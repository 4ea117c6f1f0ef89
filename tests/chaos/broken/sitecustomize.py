"""Products that are broken on purpose, so that the harness can show that it sees it.

Python loads this module by itself where its folder is in PYTHONPATH; BREAK names what to break. It
is never part of what is shipped.
"""

import os
import threading
import time


def _no_sync() -> None:
    """A durable store that syncs nothing."""
    from bowerbird.store.sync import Unsynced

    Unsynced.flush = lambda self: None  # type: ignore[method-assign]


def _row_before_rename() -> None:
    """A store that answers before its file has its name."""
    from bowerbird.store import files

    real = os.rename

    def later(source: str, target: str) -> None:
        threading.Timer(0.5, real, (source, target)).start()

    class Os:
        rename = staticmethod(later)

        def __getattr__(self, name: str) -> object:
            return getattr(os, name)

    files.os = Os()  # type: ignore[assignment]


def _early_answers() -> None:
    """A manager that answers first and commits half a second later."""
    from bowerbird.frontier.desk import Turn
    from bowerbird.frontier.service import FrontierService

    def carry_out(self: FrontierService, items: list[object], *, alone: bool = False) -> None:
        turn = Turn(self._clock.now_s())
        with self._desk.batch():
            self._do(items, turn)  # type: ignore[arg-type]
            self._tell(turn)
            time.sleep(0.5)

    FrontierService._carry_out = carry_out  # type: ignore[method-assign, assignment]


def _hasty() -> None:
    """Workers that wait half as long as they are told between two requests to one host."""
    from bowerbird.model import Grant
    from bowerbird.worker.hosts import Desk

    real = Desk.accept

    def accept(self: Desk, grant: Grant, seq: int, now_s: float) -> None:
        real(self, grant, seq, now_s)
        self.delay_s = grant.delay_s / 2

    Desk.accept = accept  # type: ignore[method-assign]


def _leaping_clock() -> None:
    """No fault of the product: a machine whose wall clock is off by what a file says, in seconds.

    (libfaketime 0.9 breaks `time.sleep` of Python 3.11: clock_nanosleep gives EINVAL.)
    """
    real = time.time
    path = os.environ["CLOCK_FILE"]

    def leaping() -> float:
        with open(path) as file:  # noqa: PTH123
            return real() + float(file.read() or 0)

    time.time = leaping


BREAKS = {
    "no-sync": _no_sync,
    "row-before-rename": _row_before_rename,
    "early-answers": _early_answers,
    "hasty": _hasty,
    "leaping-clock": _leaping_clock,
}

if os.environ.get("BREAK"):
    BREAKS[os.environ["BREAK"]]()
