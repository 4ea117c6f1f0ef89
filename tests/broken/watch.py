"""Asks a trial process, sees it die or hang, and goes on with another."""

import select
import struct
import subprocess
import sys
from dataclasses import dataclass

#: A verdict that takes longer is a hang, in wall seconds...
HANG_S = 2.0
#: ... if it does so this often: the machine may have been busy with something else.
TRIES = 3
#: Given up after, in seconds: longer than the child's own deadline.
PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a trial process said of a body."""

    type: str  #: "" where it was refused
    words: str  #: reason and detail of a refusal; "crash" or "hang"
    wall_s: float = 0.0

    @property
    def reason(self) -> str:
        """The refusal's reason."""
        return self.words.partition(":")[0]


class Watch:
    """One trial process after the other."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def verdict(self, body: bytes) -> Verdict:
        """The verdict on a body, asked again where it came late."""
        found = self._asked(body)
        for _ in range(TRIES - 1):
            if found.wall_s <= HANG_S:
                break
            found = min(found, self._asked(body), key=lambda one: one.wall_s)
        return found

    def _asked(self, body: bytes) -> Verdict:
        process = self._process = self._process or _started()
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(struct.pack(">I", len(body)) + body)
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
            line = process.stdout.readline() if ready else b"hang"
        except BrokenPipeError:
            line = b""
        if line in (b"", b"hang"):
            self.close()
            return Verdict("", "hang" if line else f"crash: {process.returncode}", PATIENCE_S)
        wall_s, _, kind, words = line.decode("utf-8", "replace").rstrip("\n").split("\t", 3)
        return Verdict(kind, words, float(wall_s))

    def close(self) -> None:
        """End the process."""
        if self._process:
            self._process.kill()
            self._process.wait()
        self._process = None


def _started() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.broken.trial"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
