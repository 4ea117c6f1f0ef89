"""Rows 2, 10 and 35: processes that die, or whose disk fails, inside a chosen system call.

strace(1) counts calls by thread and acts as the call is entered. (With `--seccomp-bpf` it would be
faster, and its signals would never arrive.)
"""

import random
import signal
import subprocess
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from tests.bird import wait_for
from tests.chaos.disks import UnableError
from tests.chaos.scene import hurried, is_worker, need_program, scene, urls_for
from tests.chaos.toll import Toll
from tests.chaos.watch import members
from tests.net.fleet import Running

#: What a worker does between the last byte of an image and the manager's answer: a file is written,
#: synced, renamed, told of. With the range of numbers of a call in which it dies.
STORING = {"rename": (1, 12), "fsync": (1, 24), "write": (5, 40), "sendto": (5, 40)}
#: What SQLite does in a commit.
COMMITTING = {"pwrite64": (20, 150), "fdatasync": (1, 8)}
#: A crash point that does not come in this time is passed over, in seconds.
PASS_OVER_S = 30.0


def storing(folder: Path, seed: int, faults: int) -> Toll:
    """kill -9 of a worker as it enters a system call of storing and telling."""
    dice = random.Random(seed)
    need_strace()
    with scene(folder, seed, urls_for(faults), ("--durable",), prepare=hurried) as crawl:
        for number in range(faults):
            call = list(STORING)[number % len(STORING)]
            when = dice.randint(*STORING[call])
            one = crawl.join(f"crash{number}", *injecting(call, f"signal=KILL:when={when}"))
            if _has_lost_a_worker(one):
                crawl.fault(f"kill -9 at {call} no. {when}")
            _gone(one)
        return crawl.drain("2", seed)


def committing(folder: Path, seed: int, faults: int) -> Toll:
    """kill -9 of the manager as it enters a system call of a commit."""
    dice = random.Random(seed)
    need_strace()
    with scene(folder, seed, urls_for(faults), ("--durable",)) as crawl:
        crawl.wait_for_requests(20)
        crawl.manager.kill()
        for number in range(faults):
            call = list(COMMITTING)[number % len(COMMITTING)]
            when = dice.randint(*COMMITTING[call])
            one = crawl.start(*injecting(call, f"signal=KILL:when={when}"), workers=1)
            if _has_died(one):
                crawl.fault(f"kill -9 at {call} no. {when}")
            _gone(one)
            wait_for("a free folder", crawl.is_free)
            assert crawl.audit() == [], crawl.faults
        crawl.start()
        return crawl.drain("10", seed)


def failing_syncs(folder: Path, seed: int, faults: int) -> Toll:
    """EIO of a sync, of images and of the database by turns: whoever goes on must not pretend."""
    dice = random.Random(seed)
    need_strace()
    with scene(folder, seed, urls_for(faults), ("--durable",)) as crawl:
        crawl.wait_for_requests(20)
        for number in range(faults):
            crawl.manager.kill()
            call = ("fsync", "fdatasync")[number % 2]
            what, log = f"error=EIO:when={dice.randint(3, 20)}", folder / f"strace{number}"
            crawl.start(*injecting(call, what, log))
            wait_for("an error", partial(_was_injected, log))
            crawl.fault(f"EIO at {call}")
            crawl.wait_for_requests(20)
        return crawl.drain("35 EIO", seed)


def _was_injected(log: Path) -> bool:
    return log.exists() and "INJECTED" in log.read_text()


def need_strace() -> None:
    """Raises UnableError where it is missing, may not trace, or does not kill."""
    need_program("strace")
    deadly = injecting("write", "signal=KILL:when=1")
    tried = subprocess.run([*map(str, deadly), "echo"], capture_output=True, check=False)
    if tried.stdout or tried.returncode != -signal.SIGKILL:
        raise UnableError(f"strace does not kill here: {tried.stderr.decode().strip()}")


def injecting(call: str, what: str, log: Path = Path("/dev/null")) -> tuple[object, ...]:
    """The words before a command that is to be hurt so."""
    return (
        "strace", "-f", "-qq", "-o", log, "-e", f"trace={call}",
        "-e", f"inject={call}:{what}",
    )  # fmt: skip


def _has_lost_a_worker(one: Running) -> bool:
    first: set[int] = set()
    until_s = time.monotonic() + PASS_OVER_S
    while time.monotonic() < until_s and one.alive:
        there = {pid for pid in members({one.pid}) if is_worker(pid)}
        first = first or there
        if first - there:
            return True
        time.sleep(0.02)
    return False


def _has_died(one: Running) -> bool:
    with suppress(subprocess.TimeoutExpired):
        return one.process.wait(PASS_OVER_S) != 0
    return False


def _gone(one: Running) -> None:
    """Kill it, and wait for those too whom strace has left behind."""
    one.kill()
    wait_for("an end", lambda: not any(members({one.pid})))
