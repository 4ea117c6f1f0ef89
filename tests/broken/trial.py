"""One process that looks at bodies as a worker does: what kills it would have killed a worker.

It reads frames of (body) from standard input and answers lines: seconds, type or "", reason.
"""

import struct
import sys
import threading
import time

from bowerbird.images import Inspected, LocalDecoder, Result
from bowerbird.settings import ALL_TYPES, Settings


class Trial:
    """The decode port, waited for."""

    def __init__(self) -> None:
        self._woken = threading.Event()
        self._decoder = LocalDecoder(Settings(types=ALL_TYPES), self._woken.set)

    def verdict(self, body: bytes) -> tuple[Result, float, float]:
        """The result, and the wall and processor seconds of this process until it was there."""
        began_s, spent_s = time.monotonic(), time.process_time()
        result = self._decoder.submit(1, body)
        while result is None:
            self._woken.wait()
            self._woken.clear()
            result = next((result for _, result in self._decoder.finished()), None)
        return result, time.monotonic() - began_s, time.process_time() - spent_s


def main() -> None:
    """Answer until standard input ends."""
    trial, source = Trial(), sys.stdin.buffer
    while head := source.read(4):
        body = source.read(struct.unpack(">I", head)[0])
        result, wall_s, spent_s = trial.verdict(body)
        passed = isinstance(result, Inspected)
        words = (result.type, "") if passed else ("", f"{result.reason}: {result.detail}")
        line = f"{wall_s:.6f}\t{spent_s:.6f}\t{words[0]}\t{words[1]}".replace("\n", " ")
        sys.stdout.buffer.write(line.encode("utf-8", "replace") + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
