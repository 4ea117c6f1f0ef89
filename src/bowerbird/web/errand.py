"""What a dashboard beside a crawl is told, and what it answers: nothing secret is seen in `ps`.

Imports no server, so that a crawl does not pay for one.
"""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec

from bowerbird.app.access import Access
from bowerbird.manager.supervisor import without_interrupts
from bowerbird.web.place import Place

#: It may take so long to end, in seconds; then it is killed.
FAREWELL_S = 3.0

COMMAND = (sys.executable, "-m", "bowerbird", "_dashboard")


class Errand(msgspec.Struct, frozen=True):
    """What to show, and where."""

    where: str
    access: Access
    place: Place


class Told(msgspec.Struct, frozen=True):
    """What has become of it."""

    address: str = ""
    way_in: str = ""  #: the address with the token
    file: str = ""  #: where the token lies
    trouble: str = ""


@contextmanager
def beside(
    errand: Errand, said: Callable[[str], None], *, shows: bool
) -> Iterator[Callable[[], None]]:
    """A dashboard beside whatever the block does, from when the block calls what it is given, and
    no longer than the block.

    `said` is told where it is, once it is there; its failure is a warning. `shows`: a person reads
    that, so the token may stand in it.

    Raises:
        UsageError: it cannot be served as was asked.
    """
    errand.place.check()
    started: list[_Beside] = []

    def start() -> None:
        try:
            started.append(_Beside(errand, lambda told: said(line_of(told, shows=shows))))
        except OSError as error:
            trouble = f"it cannot be started: {error.strerror}."
            said(line_of(Told(trouble=trouble), shows=shows))

    try:
        yield start
    finally:
        for one in started:
            one.end()


class _Beside:
    """A dashboard's process, and a thread that hears of its beginning and its end."""

    def __init__(self, errand: Errand, tell: Callable[[Told], None]) -> None:
        """Start it; raises OSError where that cannot be."""
        self._tell = tell
        with without_interrupts():
            self._process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin is not None
        self._errands = self._process.stdin  # it stays open: its end is the end of the dashboard
        with suppress(BrokenPipeError):
            self._errands.write(msgspec.json.encode(errand) + b"\n")
            self._errands.flush()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def end(self) -> None:
        """End it."""
        with suppress(OSError):
            self._errands.close()
        self._listener.join(FAREWELL_S)  # Popen.wait with a timeout oversleeps by up to 50 ms
        if self._listener.is_alive():
            self._process.kill()
            self._listener.join()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line or not self._errands.closed:  # else the crawl was over before it was there
            self._tell(_told(line))
        self._process.wait()


def _told(line: bytes) -> Told:
    try:
        return msgspec.json.decode(line, type=Told)
    except msgspec.DecodeError:
        return Told(trouble="it ended before it began.")


def line_of(told: Told, *, shows: bool) -> str:
    """What a person is told of it."""
    if told.trouble:
        return f"warning: no dashboard: {told.trouble}"
    if shows:
        return f"Dashboard: {told.way_in}"
    token = f"lies in {told.file}" if told.file else "is the one given; --token-file names one"
    return f"Dashboard: {told.address}; the token for actions {token}"
