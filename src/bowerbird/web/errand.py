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
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        try:
            started.append(_started(errand))
        except OSError as error:
            said(line_of(Told(trouble=f"it cannot be started: {error.strerror}."), shows=shows))
            return
        listener = threading.Thread(target=_listen, args=(started[0], said, shows), daemon=True)
        listener.start()

    try:
        yield start
    finally:
        for process in started:
            _end(process)


def _started(errand: Errand) -> "subprocess.Popen[bytes]":
    with without_interrupts():
        process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.write(msgspec.json.encode(errand) + b"\n")
        process.stdin.flush()  # it stays open: its end is the end of the dashboard
    return process


def line_of(told: Told, *, shows: bool) -> str:
    """What a person is told of it."""
    if told.trouble:
        return f"warning: no dashboard: {told.trouble}"
    if shows:
        return f"Dashboard: {told.way_in}"
    token = f"lies in {told.file}" if told.file else "is the one given; --token-file names one"
    return f"Dashboard: {told.address}; the token for actions {token}"


def _listen(process: "subprocess.Popen[bytes]", said: Callable[[str], None], shows: bool) -> None:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line and process.stdin is not None and process.stdin.closed:
        return  # the crawl was over before its dashboard was there
    try:
        told = msgspec.json.decode(line, type=Told)
    except msgspec.DecodeError:
        told = Told(trouble="it ended before it began.")
    said(line_of(told, shows=shows))


def _end(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.close()
    try:
        process.wait(FAREWELL_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
