"""`status --watch`: what the dashboard's live view shows, on a whole terminal, over ssh as well."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from bowerbird.cli.show import Lines, line_of

if TYPE_CHECKING:
    from bowerbird.app.access import Access
    from bowerbird.app.watch import Moment, Watch

#: The screen is drawn anew this often, in seconds, whether or not there is news: ages go on.
DRAWN_EVERY_S = 1.0
#: Keys that leave, beside Ctrl-C.
LEAVE = b"qQ\x1b"


def watch_crawl(where: str, access: "Access") -> None:
    """Show a crawl until a person has seen enough; on a pipe, lines until it has ended.

    Raises:
        BowerbirdError: there is none.
    """
    from bowerbird.app.status import status_of
    from bowerbird.app.watch import Watch

    status_of(where, access)  # says what is wrong with folder, address or key
    watch, news = Watch(where, access), threading.Event()
    watch.tell = lambda _: news.set()
    watch.start()
    try:
        _shown(watch, news) if sys.stdout.isatty() else _told(watch, news)
    except KeyboardInterrupt:
        pass
    finally:
        watch.close()


def _told(watch: "Watch", news: threading.Event) -> None:
    lines = Lines()
    while True:
        news.wait()
        news.clear()
        moment = watch.moment
        if moment.trouble:
            lines.say(moment.trouble)
        elif moment.progress:
            if has_ended(moment):
                lines.say(line_of(moment.progress))
                return
            lines.tell(moment.progress)


def has_ended(moment: "Moment") -> bool:
    """Whether nobody works at it any more."""
    return moment.status is not None and not moment.status.running


def _shown(watch: "Watch", news: threading.Event) -> None:
    from rich.console import Console
    from rich.live import Live

    from bowerbird.cli.screen import Screenful

    with ExitStack() as stack:
        asked = stack.enter_context(keys(news.set))
        console = Console()
        live = stack.enter_context(Live(console=console, screen=True, auto_refresh=False))
        while not asked.is_set():
            live.update(Screenful(watch.moment, watch.history), refresh=True)
            news.wait(DRAWN_EVERY_S)
            news.clear()


@contextmanager
def keys(wake: Callable[[], None]) -> Iterator[threading.Event]:
    """An event that a key which leaves sets, where keys can be read; `wake` is called then."""
    asked = threading.Event()
    with ExitStack() as stack:
        with suppress(ImportError, OSError, ValueError):
            stack.enter_context(_unbuffered(sys.stdin.fileno()))
            reading = threading.Thread(target=_read, args=(asked, wake), daemon=True)
            reading.start()
        yield asked


def _read(asked: threading.Event, wake: Callable[[], None]) -> None:
    while typed := os.read(sys.stdin.fileno(), 32):
        if typed[:1] in (LEAVE[n : n + 1] for n in range(len(LEAVE))) and len(typed) == 1:
            asked.set()
            wake()
            return


@contextmanager
def _unbuffered(terminal: int) -> Iterator[None]:
    """Keys come one by one, without a line's end."""
    import termios
    import tty

    try:
        before = termios.tcgetattr(terminal)
    except termios.error as error:
        raise OSError(str(error)) from None
    tty.setcbreak(terminal)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
