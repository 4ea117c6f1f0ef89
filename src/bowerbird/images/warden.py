"""The parent's end of the decoder child: starts it, asks it, ends it when it is late or dead."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import TypeVar

from bowerbird.codec import decode
from bowerbird.errors import ProtocolError
from bowerbird.images.base import Inspected, Refused, Result
from bowerbird.images.child import Request, receive, send
from bowerbird.images.lanes import Job

#: One image, in seconds; the largest allowed take one or two.
DEADLINE_S = 10.0
#: Start of the child, in seconds, on a machine that is busy with other things.
START_S = 30.0
#: -P: the folder it happens to be started in holds no modules of ours.
COMMAND = (sys.executable, "-P", "-m", "bowerbird.images.child")

T = TypeVar("T")


class Warden:
    """Decodes through a child process, started at the first need and again when it has died."""

    def __init__(self, command: Sequence[str] = COMMAND, deadline_s: float = DEADLINE_S) -> None:
        self._command = list(command)
        self._deadline_s = deadline_s
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._closed = False

    @property
    def pid(self) -> int:
        """Process id of the child; 0 while there is none."""
        return self._process.pid if self._process else 0

    def decode(self, job: Job) -> Result:
        """The child's verdict; Refused where it died over it or was too slow."""
        if not job.path:
            return self.ask(Request(job.seen, job.body[:]), Inspected | Refused)  # type: ignore[arg-type]
        try:
            with open(job.path, "rb") as file:  # noqa: PTH123 (pathlib costs 4 ms of start-up)
                return self.ask(Request(job.seen), Inspected | Refused, file.fileno())  # type: ignore[arg-type]
        except OSError as error:
            return Refused("decoder-died", f"cannot read the file: {error.strerror}")

    def ask(self, request: object, answers: type[T], file: int | None = None) -> T | Refused:
        """The child's answer, which is one of these or Refused; Refused also where it died over
        the request or was too slow. `file`: a descriptor of the picture, which it cannot open."""
        try:
            connection = self._ready()
            send(connection, request, file)
            return decode(receive(connection), answers)
        except TimeoutError:
            self._end()
            return Refused("decode-timeout", f"longer than {self._deadline_s:g} s")
        except (OSError, EOFError, ProtocolError) as error:
            return Refused("decoder-died", f"{self._end()}: {error}")

    def _ready(self) -> socket.socket:
        if self._connection is None or self._process is None or self._process.poll() is not None:
            self._end()
            self._start()
        assert self._connection is not None
        return self._connection

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._connection = ours
            self._process = subprocess.Popen(
                self._command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # decoders complain there; the verdict says it all
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # no pools in little memory
            )
        if self._closed:  # asked after the start: `interrupt` may have seen no child to kill
            raise EOFError("closed")
        ours.settimeout(START_S)
        receive(ours)
        ours.settimeout(self._deadline_s)

    def _end(self) -> str:
        """Kill the child, if there is one; answer in words how it ended."""
        connection, self._connection = self._connection, None
        process, self._process = self._process, None
        if connection is not None:
            connection.close()
        if process is None:
            return "no decoder"
        process.kill()
        return f"exit status {process.wait()}"

    def rest(self) -> None:
        """Kill the child; the next question starts another."""
        self._end()

    def interrupt(self) -> None:
        """Kill the child, for good: `decode`, in its own thread, sees the socket's end."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """Kill the child; it is not started again."""
        self._closed = True
        self._end()
