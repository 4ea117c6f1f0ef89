"""Worker processes that are told on standard input what to do, and tell on standard output how it
goes: nothing secret is seen in `ps`, and the end of standard input is the end of their parent."""

import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from bowerbird.app.early import PREFIX
from bowerbird.app.far import Errand, Told
from bowerbird.errors import BowerbirdError, UsageError
from bowerbird.manager.supervisor import without_interrupts
from bowerbird.worker.link import Tally, together

#: The command that starts one.
COMMAND = (*PREFIX, "_far")


@dataclass(slots=True)
class Child:
    """A worker process, and the last it told."""

    process: "subprocess.Popen[bytes]"
    told: Told = field(default_factory=lambda: Told(tally=Tally()))
    listener: threading.Thread = field(init=False)


class Children:
    """All processes with one errand, those that have ended too."""

    def __init__(self, errand: Callable[[], Errand]) -> None:
        """`errand`: asked for whenever a process is started."""
        self.all: list[Child] = []
        self._errand = errand
        self._noted: set[str] = set()
        self._notes: list[str] = []

    def spawn(self, command: Sequence[str]) -> "subprocess.Popen[bytes]":
        """Start one; what `Supervisor` asks for."""
        with without_interrupts():
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it has died already, as the supervisor will see
            process.stdin.write(msgspec.json.encode(self._errand()) + b"\n")
            process.stdin.flush()  # it stays open: its end tells the process that we are gone
        child = Child(process)
        child.listener = threading.Thread(target=self._listen, args=(child,), daemon=True)
        child.listener.start()
        self.all.append(child)
        return process

    def _listen(self, child: Child) -> None:
        assert child.process.stdout is not None
        for line in child.process.stdout:
            try:
                child.told = told = msgspec.json.decode(line, type=Told)
            except msgspec.DecodeError:
                continue  # a library has printed something
            if told.note and told.about not in self._noted:
                self._noted.add(told.about)
                self._notes.append(told.note)

    def notes(self) -> list[str]:
        """What they had to say since this was last asked."""
        notes, self._notes = self._notes, []
        return notes

    def check(self) -> None:
        """Raises what one of them cannot get over."""
        for child in self.all:
            if child.told.fatal:
                raise (UsageError if child.told.usage else BowerbirdError)(child.told.fatal)

    def living(self) -> list[Child]:
        """Those that have not ended."""
        return [child for child in self.all if child.process.poll() is None]

    def join(self) -> None:
        """Hear out those that have ended, once all have."""
        for child in self.all:
            child.listener.join()
            for pipe in (child.process.stdin, child.process.stdout):
                if pipe is not None:
                    pipe.close()

    def tally(self) -> Tally:
        """What they have come to together."""
        return together(child.told.tally for child in self.all)
