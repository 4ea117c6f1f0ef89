"""What is started before all else: the fork server (`fork_server.py`), which loads what workers
need while we load what we need. So this loads nothing."""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO, NamedTuple, NoReturn

#: How the command line of a process of ours begins; `__main__` reads what follows.
PREFIX = (sys.executable, "-m", "bowerbird")
#: The argument that makes a process of ours a fork server.
ROLE = "_workers"


class Early(NamedTuple):
    """A process that has been started."""

    pid: int
    orders: BinaryIO  #: its standard input
    told: BinaryIO  #: its standard output

    def end(self) -> None:
        """Let it end, and wait for that."""
        self.orders.close()
        self.told.close()
        with suppress(ChildProcessError):  # a program that uses us may have asked already
            os.waitpid(self.pid, 0)


#: Runs a command line of ours, as `__main__` does; may raise SystemExit.
Run = Callable[[list[str]], None]
_begun: Early | None = None


def begin(run: Run | None = None) -> None:
    """Start it, for the crawl of this process that will soon ask for it.

    Args:
        run: what the process runs, for a caller that has no threads and no files yet: it is forked,
            and need not load Python anew. For others it is spawned.
    """
    global _begun
    if sys.platform == "linux":  # elsewhere libraries start threads of their own
        _begun = _started(run)


def taken() -> Early | None:
    """The one that was begun, which is the caller's from now on; None: there is none."""
    global _begun
    early, _begun = _begun, None
    return early


def drop() -> None:
    """Nothing will be forked after all."""
    if early := taken():
        early.end()


def _started(run: Run | None) -> Early:
    # As `supervisor.without_interrupts` has it, which it and all that it forks inherit.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGHUP))
    theirs_in, orders = os.pipe()
    told, theirs_out = os.pipe()
    try:
        pid = os.fork() if run else _spawn(theirs_in, theirs_out)
        if run and not pid:
            _become(run, (theirs_in, theirs_out), (orders, told))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.close(theirs_in)
    os.close(theirs_out)
    return Early(pid, os.fdopen(orders, "wb", 0), os.fdopen(told, "rb"))


def _spawn(standard_in: int, standard_out: int) -> int:
    streams = [(os.POSIX_SPAWN_DUP2, standard_in, 0), (os.POSIX_SPAWN_DUP2, standard_out, 1)]
    return os.posix_spawn(sys.executable, [*PREFIX, ROLE], os.environ, file_actions=streams)


def _become(run: Run, streams: tuple[int, int], others: tuple[int, int]) -> NoReturn:
    """Be the fork server, in a process that has been forked for it, and end."""
    try:
        for number, fd in enumerate(streams):
            os.dup2(fd, number)
        for fd in (*streams, *others):  # it would hold its own input open
            os.close(fd)
        run([ROLE])
    except BaseException:
        sys.excepthook(*sys.exc_info())  # as for any program
    finally:
        os._exit(1)
