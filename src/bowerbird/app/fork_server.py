"""Workers of this machine are forked from a process that has loaded all they need: loading takes
each of them a tenth of a second of processor, much of what a small crawl takes.

The manager cannot fork them itself: it has threads, and open databases. Its fork server has
neither. It is asked on standard input, one order a line, and tells on standard output of each
process that it forks, in the order of the commands, and of each end (`Told`).
"""

import os
import signal
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from subprocess import TimeoutExpired

import msgspec

from bowerbird.app.early import PREFIX, Early, begin, taken
from bowerbird.manager.supervisor import KILLED, Process, spawn

#: A fork server that has not ended so long after it was let go is killed, in seconds.
GRACE_S = 3.0


#: What it is asked for: a module to load for all that are to come, or a command.
Order = str | list[str]


class Told(msgspec.Struct, array_like=True):
    """What a fork server tells: a process has been forked, or has ended."""

    pid: int
    status: int | None = None  #: as `Popen.returncode`; None: it has just begun


class Forked:
    """A process of a fork server's, whose id is known soon. As `subprocess.Popen`."""

    def __init__(self) -> None:
        self.pid = 0  #: its id; 0: it is not there yet
        self._status: int | None = None
        self._wanted: int | None = None  # a signal that came before the id
        self._ended = threading.Event()

    def __repr__(self) -> str:
        return f"<Forked pid={self.pid or '?'} status={self._status}>"

    def poll(self) -> int | None:
        """The exit status; None while it runs."""
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raises TimeoutExpired."""
        if not self._ended.wait(timeout):
            raise TimeoutExpired("a forked worker", timeout or 0.0)
        assert self._status is not None
        return self._status

    def terminate(self) -> None:
        """Ask it to end."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it. Safe in a signal handler."""
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        self._wanted = number
        if self.pid and self._status is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    # Called on the listener's thread.

    def begun(self, pid: int) -> None:
        """It has been forked."""
        self.pid = pid
        if self._wanted is not None:
            self._send(self._wanted)

    def ended(self, status: int) -> None:
        """It is no more."""
        self._status = status
        self._ended.set()


class ForkServer:
    """The manager's side. Where the process is gone, commands are started as anywhere else."""

    def __init__(self, early: Early) -> None:
        self._early = early
        self._begun: dict[int, Forked] = {}
        self._asked: deque[Forked] = deque()
        self._lock = threading.Lock()  # an asked one is in `_asked` before its answer can be there
        self._listener = threading.Thread(target=self._listen, name="forks", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._early.pid

    def __repr__(self) -> str:
        return f"<ForkServer pid={self.pid} [{len(self._begun)} running]>"

    def spawn(self, command: Sequence[str]) -> Process:
        """Start a command; what `Supervisor` asks for."""
        assert tuple(command[:3]) == PREFIX
        forked = Forked()
        with self._lock:
            if self._early.orders.closed or not self._ask(list(command[3:])):
                return spawn(command)
            self._asked.append(forked)
        return forked

    def load(self, module: str) -> None:
        """Have it load a module that all who come will need."""
        with self._lock:
            if not self._early.orders.closed:
                self._ask(module)

    def _ask(self, order: Order) -> bool:
        try:
            self._early.orders.write(msgspec.json.encode(order) + b"\n")
        except OSError:
            return False  # it has died already, as the listener will see
        return True

    def let_go(self) -> None:
        """Have it end, as all that it has forked have. Idempotent."""
        with self._lock:
            self._early.orders.close()

    def close(self) -> None:
        """Let it go, and wait for its end. Idempotent."""
        self.let_go()
        self._listener.join(GRACE_S)
        if self._listener.is_alive():  # it has been suspended, say
            os.kill(self.pid, signal.SIGKILL)
            self._listener.join()

    def _listen(self) -> None:
        for line in self._early.told:
            self._hear(msgspec.json.decode(line, type=Told))
        with self._lock:
            self._early.orders.close()
        for forked in (*self._begun.values(), *self._asked):  # nobody can tell any more
            forked.kill()
            forked.ended(KILLED)
        self._early.end()

    def _hear(self, told: Told) -> None:
        if told.status is not None:
            self._begun.pop(told.pid).ended(told.status)
            return
        with self._lock:
            forked = self._asked.popleft()
        self._begun[told.pid] = forked
        forked.begun(told.pid)


def fork_server() -> ForkServer | None:
    """The one begun early, or a new one; None where processes are not forked."""
    early = taken()
    if early is None:
        begin()
        early = taken()
    return ForkServer(early) if early else None
