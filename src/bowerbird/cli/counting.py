"""Progress of something that is counted, such as files that are checked."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bowerbird.cli.values import shown_duration

#: Where there is no terminal a line is written this often, in seconds.
LINE_EVERY_S = 5.0


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show counts with rate and time to go: call it with (so many, of so many)."""
    if not sys.stderr.isatty():
        yield CountLines(what, time.monotonic).tell
        return
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    *columns, to_go = Progress.get_default_columns()
    rate, began_s = TextColumn("{task.fields[rate]}"), time.monotonic()
    with Progress(*columns, rate, to_go, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, rate="")

        def tell(done: int, total: int) -> None:
            shown = _rate(done, time.monotonic() - began_s)
            bar.update(task, completed=done, total=total, rate=shown)

        yield tell


class CountLines:
    """A line now and then, for logs and pipes; none of what is soon over."""

    def __init__(self, what: str, now_s: Callable[[], float]) -> None:
        self._what = what
        self._now_s = now_s
        self._began_s = self._said_s = now_s()

    def tell(self, done: int, total: int) -> None:
        """So many of so many."""
        now_s = self._now_s()
        if now_s - self._said_s >= LINE_EVERY_S:
            self._said_s = now_s
            print(self._line(done, total, now_s - self._began_s), file=sys.stderr)  # noqa: T201

    def _line(self, done: int, total: int, seconds: float) -> str:
        parts = [f"{done:,} of {total:,} {self._what}", _rate(done, seconds)]
        if done:
            parts.append(f"ETA {shown_duration(max(total - done, 0) * seconds / done)}")
        return " · ".join(parts)


def _rate(done: int, seconds: float) -> str:
    return f"{done / seconds:,.0f}/s" if seconds else ""
