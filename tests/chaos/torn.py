"""Row 11 below the file system: of what SQLite wrote and had not synced yet, some reached the disk
and some did not, in any order, and some only in part.

strace(1) notes every write and sync of a process that works on a frontier, and when it answered.
From that any disk can be made that a power cut might have left: what lies before the last sync of
its file is whole; of each later write, every sector of 512 bytes is there or is not.
"""

import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bowerbird.errors import BowerbirdError
from bowerbird.frontier.rules import Rules
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.model import Holder, Kind, Lease, Outcome, Record, Task, Verb, WorkerInfo
from tests.chaos.crashes import need_strace
from tests.chaos.toll import Toll

SECTOR = 512
#: Calls of `add` in one run, tasks in each, and how many of them are then done.
ROUNDS, ADDED, DONE = 24, 40, 24
#: Pages in the log before SQLite copies them into the database: few, so that this is met often.
CHECKPOINT = 32
CALLS = "pwrite64,fdatasync,fsync,ftruncate,write"
_LINE = re.compile(r'\d+ +(\w+)\(\d+<([^>]*)>(?:, (?:"([^"]*)")?([^)]*))?\) += ')


@dataclass
class Drive:
    """Files as they are on the disk for sure, and what is on its way there."""

    synced: dict[str, bytearray] = field(default_factory=dict)
    waiting: list[tuple[str, int, bytes | None]] = field(default_factory=list)  #: None: cut there

    def sync(self, name: str) -> None:
        """All that waits for this file is on the disk."""
        for waiting in self.waiting:
            if waiting[0] == name:
                self._put(self.synced, *waiting)
        self.waiting = [one for one in self.waiting if one[0] != name]

    def after_a_cut(self, dice: random.Random) -> dict[str, bytes]:
        """What may be left."""
        left = {name: bytearray(data) for name, data in self.synced.items()}
        for name, at, data in self.waiting:
            if data is None and dice.random() < 0.5:
                self._put(left, name, at, data)
            elif data is not None:
                for part in _kept(len(data), dice):
                    self._put(left, name, at + part, data[part : part + SECTOR])
        return {name: bytes(data) for name, data in left.items()}

    @staticmethod
    def _put(files: dict[str, bytearray], name: str, at: int, data: bytes | None) -> None:
        file = files.setdefault(name, bytearray())
        file.extend(bytes(max(0, at - len(file))))
        if data is None:
            del file[at:]
        else:
            file[at : at + len(data)] = data


def _kept(size: int, dice: random.Random) -> Iterator[int]:
    """Which sectors of a write arrive: all, none or some."""
    chance = dice.choice((0.0, 0.5, 1.0))
    return (part for part in range(0, size, SECTOR) if dice.random() < chance)


def durable(folder: Path, seed: int, faults: int) -> Toll:
    """With --durable: sound after any cut, and what was answered is there."""
    return run(folder, seed, faults, "durable")


def normal(folder: Path, seed: int, faults: int) -> Toll:
    """Without: sound after any cut."""
    toll = run(folder, seed, faults, "normal")
    toll.forgiven, toll.lost = len(toll.lost), set()
    return toll


def run(folder: Path, seed: int, faults: int, how: str) -> Toll:
    """As many cuts of one process's work."""
    need_strace()
    folder.mkdir(parents=True, exist_ok=True)
    toll, dice = Toll("11 torn" + " durable" * (how == "durable"), seed), random.Random(seed)
    steps = list(noted(folder, how))
    writes = [n for n, (call, *_) in enumerate(steps) if call in ("pwrite64", "fdatasync", "fsync")]
    first = next(n for n, (call, *_) in enumerate(steps) if call == "write")
    moments = sorted(dice.choices([n for n in writes if n > first], k=faults))
    drive, rounds, done = Drive(), 0, 0
    for moment in moments:
        for step in steps[done:moment]:
            rounds += _carry_out(drive, *step)
        done = max(done, moment)
        toll.faults.append(f"cut before {steps[moment][0]} no. {moment}")
        _examine(toll, drive.after_a_cut(dice), rounds)
    toll.accepted = rounds * ADDED
    return toll


def noted(folder: Path, how: str) -> Iterator[tuple[str, str, bytes, str]]:
    """What a process did: call, file, bytes, the numbers behind them."""
    log = folder / "strace"
    words = ["strace", "-qq", "-y", "-xx", "-s", "100000", "-o", str(log), "-e", f"trace={CALLS}"]
    command = [sys.executable, "-m", "tests.chaos.torn", str(folder / "crawl.db"), how]
    subprocess.run([*words, "-f", *command], check=True, stdout=subprocess.DEVNULL)
    with log.open() as lines:
        for line in lines:
            if (found := _LINE.match(line)) and (name := _unhex(found[2]).decode()):
                is_ours = Path(name).name in ("crawl.db", "crawl.db-wal")
                if is_ours or (found[1] == "write" and _unhex(found[3]) == b"answered\n"):
                    yield found[1], Path(name).name, _unhex(found[3]), found[4] or ""


def _unhex(text: str | None) -> bytes:
    return bytes.fromhex((text or "").replace("\\x", ""))


def _carry_out(drive: Drive, call: str, name: str, data: bytes, numbers: str) -> bool:
    """Whether it was an answer."""
    if call == "pwrite64":
        drive.waiting.append((name, int(numbers.split(", ")[2]), data))
    elif call == "ftruncate":
        drive.waiting.append((name, int(numbers), None))
    elif call != "write":
        drive.sync(name)
    return call == "write"


def _examine(toll: Toll, files: dict[str, bytes], rounds: int) -> None:
    """Take the frontier up from what is left."""
    with tempfile.TemporaryDirectory(prefix="torn-") as place:
        for name, data in files.items():
            Path(place, name).write_bytes(data)
        try:
            frontier = SqliteFrontier(Path(place, "crawl.db"), RULES)
            toll.audit += frontier.audit()
            for number in range(rounds):
                if lost := frontier.add(tasks(number)):
                    toll.lost.add(f"{lost} of round {number}, {toll.faults[-1]}")
            frontier.close()
        except BowerbirdError as error:
            toll.audit.append(f"{toll.faults[-1]}: {error}")


# The process that is watched.

RULES = Rules(obey_robots=False)


def tasks(number: int) -> list[Task]:
    """Those of one round."""
    return [Task(url=f"http://h{n}.test/{number}", kind=Kind.IMAGE) for n in range(ADDED)]


def work(path: str, how: str) -> None:
    """Add, lease and finish; say `answered` after each `add`."""
    frontier = SqliteFrontier(path, RULES, durable=how == "durable")
    frontier.connection.wal_autocheckpoint(CHECKPOINT)
    if how == "unsynced":  # broken on purpose: the harness has to see it
        frontier.connection.pragma("synchronous", "off")
    session = frontier.attach(WorkerInfo(name="torn")).session
    for number in range(ROUNDS):
        frontier.add(tasks(number))
        os.write(1, b"answered\n")
        leases = frontier.lease(session, DONE, 0.0).leases
        frontier.finish(session, [_done(one) for one in leases])


def _done(lease: Lease) -> Outcome:
    url = lease.task.url
    record = Record(
        url=url, final_url=url, status=200, type="png", width=1, height=1, bytes=1,
        sha256="ab" * 32, fetched_at=1.0, holders=(Holder(folder="/out", path="images/ab/ab.png"),),
    )  # fmt: skip
    return Outcome(token=lease.token, verb=Verb.DONE, records=(record,), answered=True)


if __name__ == "__main__":
    work(*sys.argv[1:])
