"""What a person sees while a crawl runs, and at its end."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from bowerbird.cli.values import shown_duration, shown_size
from bowerbird.cli.workers import differences, each_once
from bowerbird.words import many

if TYPE_CHECKING:
    from bowerbird.manager.progress import Progress
    from bowerbird.manager.report import Report

#: Where there is no terminal a line is written this often, in seconds.
LINE_EVERY_S = 5.0
#: A line that would say the same again waits this long, in seconds.
SAME_AFTER_S = 60.0


def line_of(progress: "Progress") -> str:
    """One line: counts, rates, time to go, failures."""
    stats = progress.stats
    parts = [
        many(stats.records, "image"),
        shown_size(stats.bytes),
        f"{progress.images_per_s:.0f}/s",
        f"{shown_size(progress.bytes_per_s)}/s",
        many(stats.counters.get("pages", 0), "page"),
        f"{progress.waiting:,} waiting",
        f"{progress.failed:,} failed",
    ]
    if any(not row.worker.local for row in progress.workers):
        parts.append(many(len(each_once(progress.workers)), "worker"))
    if progress.eta_s is not None and progress.waiting:
        parts.append(f"ETA {shown_duration(progress.eta_s)}")
    if stats.state != "running":
        parts.append(state_of(progress))
    return " · ".join(parts)


def state_of(progress: "Progress") -> str:
    """The state of a crawl that does not run, with its reason or the way on."""
    stats = progress.stats
    reason = f" ({stats.reason})" if stats.reason else ""
    asked = stats.state == "paused" and stats.reason == "asked for"
    return f"{progress.phase}{'; `bowerbird resume` goes on' if asked else reason}"


@contextmanager
def _while_there_is_a_terminal() -> Iterator[None]:
    """Its end is told by a signal, if the crawl is to end with it; a line that met it is lost."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise


class Lines:
    """Plain lines on standard error, for logs and pipes."""

    def __init__(self) -> None:
        self._last_s = 0.0
        self._last = ""
        self._remarked: set[str] = set()  # workers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def say(self, text: str) -> None:
        """A line."""
        with _while_there_is_a_terminal():
            print(text, file=sys.stderr, flush=True)  # noqa: T201

    def tell(self, progress: "Progress") -> None:
        """Progress, every few seconds; at once what is odd about a worker that has joined."""
        for text in self._remarks(progress):
            self.say(text)
        line, since_s = line_of(progress), progress.seconds - self._last_s
        if since_s >= (SAME_AFTER_S if line == self._last else LINE_EVERY_S):
            self._last, self._last_s = line, progress.seconds
            self.say(line)

    def _remarks(self, progress: "Progress") -> Iterator[str]:
        for row in progress.workers:
            found = differences(row)
            if found and row.worker.name not in self._remarked:
                self._remarked.add(row.worker.name)
                place = f" at {row.worker.address}" if row.worker.address else ""
                yield f"worker {row.worker.name}{place}: {', '.join(found)}"


class Quiet(Lines):
    """Only what a person has to know."""

    def tell(self, progress: "Progress") -> None:
        """Nothing."""


class Screen(Lines):
    """A live display on a terminal."""

    def __init__(self) -> None:
        super().__init__()
        from rich.console import Console
        from rich.live import Live

        self._console = Console(stderr=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        """A line above the display."""
        with _while_there_is_a_terminal():
            self._console.print(text, markup=False, highlight=False)

    def tell(self, progress: "Progress") -> None:
        """Draw the display anew."""
        from bowerbird.cli.panel import panel

        with _while_there_is_a_terminal():
            self._live.update(panel(progress), refresh=True)


def display(*, quiet: bool = False) -> Lines:
    """What fits where standard error goes."""
    if quiet:
        return Quiet()
    return Screen() if sys.stderr.isatty() else Lines()


def summary(report: "Report") -> list[str]:
    """The report in a few lines."""
    per_s = report.new_images / report.seconds if report.seconds else 0.0
    lines = [
        f"{_state(report)}"
        f"{' (' + report.reason + ')' if report.reason else ''}: {many(report.images, 'image')}, "
        f"{shown_size(report.bytes)}, in {shown_duration(report.seconds)}"
        f"{f' ({_rate(per_s)} images/s)' if report.new_images > 1 else ''}"
    ]
    _add_counts(lines, "failed", report.failures)
    _add_counts(lines, "left out", report.left_out)
    if report.skipped:
        told = "left aside by --max-pages or --max-images"
        lines.append(f"  {report.skipped:,} {told}; the same command with a larger one goes on")
    if report.known:
        told = f"{many(report.known, 'URL')} of the list known already"
        lines.append(f"  {told}: given twice, or in an earlier run")
    if report.waiting:
        lines.append(f"  {report.waiting:,} still waiting; the same command goes on")
    lines.extend(f"  note: {note}" for note in report.notes)
    noun = "file" if report.files == report.images else "different file"
    here = report.files - report.files_away
    if here or not report.files_away:
        lines.append(f"  {many(here, noun)} in {report.store or report.folder}/images")
    if report.files_away:
        lines.append(
            f"  {many(report.files_away, noun)} in other folders (workers', or an earlier "
            f"manager's); `bowerbird gather {report.folder} FOLDER...` brings them together"
        )
    return lines


def _add_counts(lines: list[str], title: str, counts: dict[str, int]) -> None:
    if counts:
        shown = ", ".join(f"{n:,} {reason}" for reason, n in sorted(counts.items(), key=_most))
        lines.append(f"  {sum(counts.values()):,} {title}: {shown}")


def _most(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _rate(per_s: float) -> str:
    return f"{per_s:.1f}" if per_s < 10 else f"{per_s:,.0f}"


def _state(report: "Report") -> str:
    if report.state == "ended":
        return "Stopped" if report.reason else "Finished"
    return report.state.capitalize()
