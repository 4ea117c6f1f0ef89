"""The fork server's process (`fork_server.py`): loads, then forks whatever it is asked for."""

import ctypes
import gc
import os
import select
import signal
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import msgspec

from bowerbird.app.early import Run
from bowerbird.app.fork_server import Order, Told

#: What workers load when they first need it, as most soon do.
LATER = (
    "bowerbird.extract.html",
    "bowerbird.extract.css",
    "bowerbird.extract.sitemap",
    "bowerbird.images.formats.gif",
    "bowerbird.images.formats.jpeg",
    "bowerbird.images.formats.png",
)

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
#: What `ps` and `top` call it, and what it forks; their command lines are inherited.
NAME, WORKER = "bowerbird-forks", "bowerbird-work"


def main(run: Run) -> None:
    """Serve until standard input ends; at once where it cannot be seen how processes end."""
    if not _sees_ends():
        return
    _call_it(NAME)
    import bowerbird.app.worker  # noqa: F401

    for name in LATER:
        import_module(name)
    # Who ends a whole group means the workers. One that has just been forked must not miss it.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    gc.freeze()  # or the first search for garbage would touch, and so copy, all that is shared
    Server(run).serve()
    os._exit(0)  # its end is waited for


class Server:
    """Forks and tells. It has one thread, as whoever forks should."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._pid = os.getpid()
        self._children: dict[int, int] = {}  # what shows its end -> process id
        self._poll = select.poll()
        self._poll.register(0, select.POLLIN)
        self._rest = b""

    def serve(self) -> None:
        """Until standard input ends."""
        while True:
            for fd, _ in self._poll.poll():
                if fd:
                    self._reap(fd)
                elif not self._read():
                    return

    def _read(self) -> bool:
        """Carry out the orders that are there; whether there may be more."""
        data = os.read(0, 1 << 16)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            order = msgspec.json.decode(line, type=Order)
            if isinstance(order, str):
                import_module(order)
            else:
                self._fork(order)
        return bool(data)

    def _fork(self, arguments: list[str]) -> None:
        pid = os.fork()
        if not pid:
            self._become(arguments)
        fd = os.pidfd_open(pid)
        self._children[fd] = pid
        self._poll.register(fd, select.POLLIN)
        _tell(Told(pid))

    def _reap(self, fd: int) -> None:
        pid = self._children.pop(fd)
        self._poll.unregister(fd)
        os.close(fd)
        _tell(Told(pid, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))

    def _become(self, arguments: list[str]) -> None:
        """Run a command in this process, which has been forked for it, and end."""
        status = 1
        try:
            self._forget()
            self._run(arguments)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)

    def _forget(self) -> None:
        """Name, standard input and output are the fork server's; what is said goes to the log."""
        _call_it(WORKER)
        for fd in self._children:
            os.close(fd)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        _end_with_parent(self._pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])


def _end_with_parent(parent: int) -> None:
    """Die with the fork server, which ends with its manager: a worker that is stopped meanwhile
    would ask its hosts once more when it wakes up, beside the next manager's workers."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(1)


def _call_it(name: str) -> None:
    with suppress(OSError):
        Path("/proc/self/comm").write_text(name)


def _sees_ends() -> bool:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:  # Linux before 5.3
        return False
    return True


def _tell(told: Told) -> None:
    with suppress(BrokenPipeError):  # the manager has gone, as standard input will say
        os.write(1, msgspec.json.encode(told) + b"\n")
