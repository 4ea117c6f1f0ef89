"""Runs a command and tells its cost: wall and CPU seconds, memory of the whole tree."""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

#: Seconds between two looks at the memory of the tree: a look at six processes costs 1 ms, of a
#: machine whose processors they keep busy.
SAMPLE_EVERY_S = 0.25
#: The same where memory is what is measured.
SAMPLE_OFTEN_S = 0.05

#: Seconds after which a run is killed, with its process group; its status tells.
TIMEOUT_S = 900

#: Runs the command as its only child and tells what the kernel counted for it and its descendants.
WRAPPER = """
import json, os, resource, signal, subprocess, sys, threading, time
began = time.monotonic()
process = subprocess.Popen(sys.argv[3:], start_new_session=True)
timer = threading.Timer(float(sys.argv[2]), os.killpg, (process.pid, signal.SIGKILL))
timer.start()
status = process.wait()  # with a timeout of its own, it would look every 0.05 s only
wall = time.monotonic() - began
timer.cancel()
used = resource.getrusage(resource.RUSAGE_CHILDREN)
cost = [wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, status]
open(sys.argv[1], "w").write(json.dumps(cost))
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run cost. Seconds and bytes."""

    wall_s: float
    cpu_s: float
    largest: int  #: peak of the largest process
    tree: int  #: peak of the sum over the tree; pages that processes share count for each
    status: int
    processes: dict[str, int] = field(default_factory=dict)  #: id, name, command line -> peak


def measured(command: list[str], folder: Path, every_s: float = SAMPLE_EVERY_S) -> Cost:
    """Run it to its end; what it says goes to `folder`/said.log.

    `every_s`: seconds between two looks at its memory. The largest process is the kernel's word.
    """
    folder.mkdir(parents=True, exist_ok=True)
    answer = folder / "cost.json"
    answer.unlink(missing_ok=True)
    with (folder / "said.log").open("wb") as said:
        wrapped = [sys.executable, "-S", "-c", WRAPPER, str(answer), str(TIMEOUT_S), *command]
        process = subprocess.Popen(wrapped, stdout=said, stderr=said, stdin=subprocess.DEVNULL)
        sampler = _Sampler(process.pid, every_s)
        process.wait()
        sampler.stop()
    wall_s, cpu_s, largest, status = json.loads(answer.read_text())
    return Cost(wall_s, cpu_s, largest, max(sampler.peak, largest), status, sampler.processes)


class _Sampler(threading.Thread):
    """Looks at the memory of a process's descendants from time to time."""

    def __init__(self, pid: int, every_s: float) -> None:
        super().__init__(daemon=True)
        self._every_s = every_s
        self.peak = 0
        self.processes: dict[str, int] = {}
        self._pid = pid
        self._stopped = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._stopped.wait(self._every_s):
            sizes = [self._look(pid) for pid in _descendants(self._pid)]
            self.peak = max(self.peak, sum(sizes))

    def stop(self) -> None:
        """No more looks."""
        self._stopped.set()
        self.join()

    def _look(self, pid: int) -> int:
        """Resident bytes now; remembers the kernel's own high-water mark for each process."""
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            called = Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            return 0
        sizes = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith("Vm")}
        name = f"{pid} {called} " + " ".join(os.fsdecode(word) for word in words if word)[-200:]
        self.processes[name] = int(sizes.get("VmHWM", 0)) * 1024
        return int(sizes.get("VmRSS", 0)) * 1024


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    queue = [pid]
    while queue:
        for children in Path(f"/proc/{queue.pop()}/task").glob("*/children"):
            try:
                below = [int(word) for word in children.read_text().split()]
            except OSError:
                continue
            found += below
            queue += below
    return found


def quiet_disk() -> None:
    """Waits until what earlier runs wrote is on the disk, so that no run pays for another's."""
    os.sync()
    time.sleep(0.2)
