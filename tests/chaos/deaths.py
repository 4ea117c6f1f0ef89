"""How long after a far worker's death its tasks are free to be leased again.

    python -m tests.chaos.deaths

It is killed, frozen, or killed behind a line that carries nothing any more; the clock stops when
the manager has ended its session, by which its tasks go back.
"""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.bird import wait_for
from tests.chaos.scene import Scene, patient, scene
from tests.chaos.watch import members
from tests.net.fleet import Running

#: A session's deadline and 5 s, as is asked of the project, and its aim.
MUST_S, AIM_S = 13.0, 10.0
TIMES = 3


def _signal(one: Running, number: signal.Signals) -> None:
    for pid in list(members({one.pid})):
        os.kill(pid, number)


def _kill(_: Scene, far: Running) -> None:
    _signal(far, signal.SIGKILL)


def _freeze(_: Scene, far: Running) -> None:
    _signal(far, signal.SIGSTOP)


def _vanish(crawl: Scene, far: Running) -> None:
    crawl.line.line.dead = frozenset(("up", "down"))
    _signal(far, signal.SIGKILL)


def death_s(die: Callable[[Scene, Running], None]) -> float:
    """Seconds from a far worker's death in this way to the end of its session."""
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as folder,
        scene(Path(folder), 1, 1_500, prepare=patient) as crawl,
    ):
        far = crawl.join("far")
        wait_for("far images", lambda: any(Path(folder, "far").glob("images/*/*.png")))
        with closing(crawl.frontier()) as frontier:
            there, began_s = len(frontier.workers()), time.monotonic()
            die(crawl, far)
            wait_for("the end of its session", lambda: len(frontier.workers()) < there)
            return time.monotonic() - began_s


def main() -> int:
    longest_s = 0.0
    for name, die in {"killed": _kill, "frozen": _freeze, "gone without a word": _vanish}.items():
        took_s = [death_s(die) for _ in range(TIMES)]
        print(f"{name}: {', '.join(f'{one_s:.2f}' for one_s in took_s)} s", flush=True)
        longest_s = max(longest_s, *took_s)
    print(f"longest {longest_s:.2f} s (must {MUST_S:g}, aim {AIM_S:g})")
    return int(longest_s > MUST_S)


if __name__ == "__main__":
    sys.exit(main())
