"""Local worker processes: started, watched, replaced when they die, stopped in order."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from bowerbird.backoff import retry_in_s
from bowerbird.clock import Clock

#: Exit status of a worker that had nothing more to do.
ENDED_WELL = 0
#: And of one that was killed; Windows has no name for that signal.
KILLED = -9
#: To hear that what was killed has ended takes so long at most, in seconds.
KILLED_S = 1.0
#: A worker that lived so long has not failed at its start, in seconds.
SETTLED_S = 30.0

#: So many falls, one after the other, and nobody believes in the next start.
HOPELESS = 12
#: Exit status of Python after an exception that nobody caught: a defect of ours.
DEFECT = 1
#: A worker that a defect ends within so many seconds has done nothing.
QUICK_S = 15.0
#: So many such ends, one after the other, and the next start has no other: a bad task ends four
#: workers before it is dead itself (docs/architecture.md, "A crash is not an attempt").
DEFECTS = 5
#: First pause after them, in seconds; it doubles with each round of all workers.
PAUSE_S = 0.25

ENDS_AT_ONCE = (
    "Workers end as soon as they start; what they said stands above. Where that is a traceback, it "
    "is a defect of Bowerbird: please report it."
)

#: A worker that ended well while its crawl goes on is started again after so many seconds: as a
#: rule the end has just come, and is seen meanwhile.
RECALLED_S = 0.5


class Process(Protocol):
    """What a supervisor asks of a process; `subprocess.Popen` is one."""

    def poll(self) -> int | None:
        """The exit status; None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raises TimeoutExpired."""
        ...

    def terminate(self) -> None:
        """Ask it to end."""
        ...

    def kill(self) -> None:
        """End it."""
        ...


#: Starts a command.
Spawn = Callable[[Sequence[str]], Process]


class Supervisor:
    """Keeps a number of worker processes running.

    They are in the manager's process group and end by themselves when its socket closes, so
    nothing is left behind whatever becomes of it.
    """

    def __init__(
        self, command: Sequence[str], count: int, clock: Clock, launch: Spawn | None = None
    ) -> None:
        """`command`: the arguments that start a worker; `launch` starts it, if not `spawn`."""
        self._spawn = launch or spawn
        self.count = count  #: how many there are to be
        self._command = command
        self._clock = clock
        self._running: dict[int, Process] = {}
        self._born_s: dict[int, float] = {}
        self._again_s = dict.fromkeys(range(count), 0.0)
        self._falls = self._defects = self._worked = 0
        self.deaths = 0  #: workers that did not end well
        self._good_ends = {ENDED_WELL}

    def __repr__(self) -> str:
        return f"<Supervisor [{len(self._running)} running, {self.deaths} died]>"

    def start(self) -> None:
        """Start what is to run and does not; a worker that keeps dying is started ever later."""
        now_s = self._clock.now_s()
        for number, again_s in list(self._again_s.items()):
            if now_s >= again_s:
                del self._again_s[number]
                self._running[number] = self._spawn(self._command)
                self._born_s[number] = now_s

    def engage(self, command: Sequence[str]) -> None:
        """Where there were to be none: one worker after all, with this command."""
        self.count, self._command, self._again_s = 1, command, {0: 0.0}

    def check(self, worked: int = 0, *, goes_on: bool = False) -> None:
        """Note who has ended, and start again who died.

        Args:
            worked: how many tasks have come to an end so far. Workers that die over one task after
                the other have not failed at their start.
            goes_on: the crawl has not ended. Who has left all the same heard of an end that was
                none: URLs were added or brought back in that moment.
        """
        if worked > self._worked:
            self._worked, self._falls, self._defects = worked, 0, 0
        for number, process in list(self._running.items()):
            status = process.poll()
            if status is None:
                self._defects = 0 if self._age_s(number) > QUICK_S else self._defects
                continue
            del self._running[number]
            if status not in self._good_ends:
                self._note_death(number, status)
            elif goes_on:
                self._again_s[number] = self._clock.now_s() + RECALLED_S
        self.start()

    def pause(self, seconds: float) -> None:
        """Wait so long, or until a worker has ended: that may be the end of the crawl."""
        if not self._running:
            time.sleep(seconds)
            return
        with suppress(subprocess.TimeoutExpired):
            next(iter(self._running.values())).wait(seconds)

    @property
    def running(self) -> int:
        """How many run, or are about to be started again."""
        return len(self._running) + len(self._again_s)

    def hopeless(self) -> bool:
        """Whether workers do nothing but fall: none of them has ever settled."""
        if self._defects >= max(DEFECTS, 2 * self.count):
            return True
        return self._falls >= max(HOPELESS, 3 * self.count)

    def stop(self, grace_s: float) -> None:
        """Ask all to finish what is in flight; after the grace they are killed."""
        self.ask_to_stop()
        self.wait(grace_s)

    def ask_to_stop(self) -> None:
        """Ask all to finish what is in flight, and start none again."""
        self._again_s.clear()
        self._good_ends.add(-signal.SIGTERM)
        for process in list(self._running.values()):
            process.terminate()

    def lives(self) -> bool:
        """Whether any has not ended."""
        return any(process.poll() is None for process in list(self._running.values()))

    def wait(self, grace_s: float) -> None:
        """Let all end by themselves; who has not done so after the grace is killed."""
        self._again_s.clear()
        until = time.monotonic() + grace_s
        for process in list(self._running.values()):  # a second Ctrl-C may empty it meanwhile
            try:
                status = process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                with suppress(subprocess.TimeoutExpired):  # it is dead, whoever could tell
                    process.wait(KILLED_S)
                continue
            self.deaths += status not in self._good_ends  # the last death may end the crawl
        self._running.clear()

    def strike(self) -> None:
        """Kill all and wait for none: a signal that comes during a wait must not begin another, as
        `Popen` locks."""
        self._good_ends.add(KILLED)
        for process in list(self._running.values()):
            process.kill()

    def kill(self) -> None:
        """End all at once. Idempotent."""
        self.wait(0.0)

    def _age_s(self, number: int) -> float:
        return self._clock.now_s() - self._born_s[number]

    def _note_death(self, number: int, status: int) -> None:
        self.deaths += 1
        age_s = self._age_s(number)
        if status == DEFECT and age_s <= QUICK_S:
            self._defects += 1
            pause_s = retry_in_s(self._defects // self.count, first_s=PAUSE_S)
        else:
            self._defects = 0
            self._falls = 0 if age_s > SETTLED_S else self._falls + 1
            rounds = (self._falls - 1) // self.count  # all may be killed at once, by one hand
            pause_s = 0.0 if rounds <= 0 else retry_in_s(rounds - 1)
        self._again_s[number] = self._clock.now_s() + pause_s


def spawn(command: Sequence[str]) -> Process:
    """Start a process. Standard input is not its, standard output is for results: what it says goes
    to the log."""
    with without_interrupts():
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno())


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Children inherit that SIGINT and SIGHUP are blocked: Ctrl-C and the end of the terminal reach
    their group from the first moment, and it is the manager that decides. What comes meanwhile is
    not lost to us."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGHUP])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
