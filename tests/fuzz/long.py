"""Long inputs of a megabyte: `python -m tests.fuzz.long [TARGET…]`.

Fuzzers try short inputs, and see no time that grows with the square of the length. Here words of
a target, and pairs of them, are repeated to a megabyte, alone and behind a whole document.
"""

import random
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType

from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

SIZE = 1 << 20
#: Processor seconds that one input may take, and when it is given up.
MOST_S, GIVE_UP_S = 2.0, 30
PAIRS = 60
COMMON = (
    *(b"<", b"(", b"[", b"{", b'"', b"'", b"&", b"%", b"\\", b"/", b" ", b"\n", b"a", b"=", b";"),
    *(b",", b"<a ", b"<!--", b"&#x41;", b"\xc3\xa4", b"\xff", b"\0"),
)


class TooLongError(Exception):
    """Raised where an input takes for ever."""


def inputs(target: Target, seed: int = 1) -> Iterator[bytes]:
    """The long inputs of one target."""
    dice = random.Random(seed)
    units = [*target.words, *COMMON]
    units += [b"".join(dice.sample(units, 2)) for _ in range(PAIRS)]
    for unit in (*units, *target.seeds()):
        yield unit * (SIZE // len(unit))
    for whole in target.seeds():
        for unit in (*target.words, *COMMON):
            yield whole + unit * (SIZE // len(unit))


def run(target: Target) -> list[str]:
    """What took too long or went wrong; prints the worst."""
    worst_s, found = 0.0, []
    for body in inputs(target):
        began_s = time.process_time()
        trouble = _tried(target, body)
        spent_s = time.process_time() - began_s
        worst_s = max(worst_s, spent_s)
        if trouble or spent_s > MOST_S:
            found.append(f"{target.name}: {spent_s:.1f} s {trouble}: {body[:40]!r}…{body[-20:]!r}")
            print(found[-1], flush=True)
    print(f"{target.name}: the slowest took {worst_s:.2f} s", flush=True)
    return found


def _tried(target: Target, body: bytes) -> str:
    signal.alarm(GIVE_UP_S)
    try:
        target.check(body)
    except Exception as error:
        return repr(error)[:200]
    finally:
        signal.alarm(0)
    return ""


def _too_long(_: int, frame: FrameType | None) -> None:
    raise TooLongError(str(frame and frame.f_code.co_name))


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, _too_long)
    sys.exit(bool([line for name in sys.argv[1:] or TARGETS for line in run(TARGETS[name])]))
