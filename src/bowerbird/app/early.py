"""What is started before all else: the fork server (`fork_server.py`), which loads what workers
need while we load what we need. So this loads nothing."""

import os
import signal
import sys
from contextlib import suppress
from typing import BinaryIO, NamedTuple

#: How the command line of a process of ours begins; `__main__` reads what follows.
PREFIX = (sys.executable, "-m", "bowerbird")
#: The argument that makes a process of ours a fork server; what it forks has the same command line.
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


_begun: Early | None = None


def begin() -> None:
    """Start it, for the crawl of this process that will soon ask for it."""
    global _begun
    if sys.platform == "linux":  # elsewhere libraries start threads of their own
        _begun = _started()


def taken() -> Early | None:
    """The one that was begun, which is the caller's from now on; None: there is none."""
    global _begun
    early, _begun = _begun, None
    return early


def drop() -> None:
    """Nothing will be forked after all."""
    if early := taken():
        early.end()


def _started() -> Early:
    # As `supervisor.without_interrupts` has it, which it and all that it forks inherit.
    blocked = {*signal.pthread_sigmask(signal.SIG_BLOCK, ()), signal.SIGINT, signal.SIGHUP}
    theirs_in, orders = os.pipe()
    told, theirs_out = os.pipe()
    pid = os.posix_spawn(
        sys.executable,
        [*PREFIX, ROLE],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, theirs_in, 0), (os.POSIX_SPAWN_DUP2, theirs_out, 1)],
        setsigmask=blocked,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    return Early(pid, os.fdopen(orders, "wb", 0), os.fdopen(told, "rb"))
