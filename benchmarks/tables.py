"""Results as Markdown."""

import platform
import shlex
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.base import BENCH, ROOT, Peer, Work
from benchmarks.suites import Goal, Suite

MIB = 1 << 20

HEAD = """# Measurements

Made by `make bench`; medians of {repeat} runs in turn. All programs and nginx share the machine;
nginx's own CPU time is not counted. Images are files whose first bytes are an image's; "distinct"
counts those with the same bytes once. Largest process and all processes: peaks of memory.

{machine}"""

MACHINE = """- {date}, {machine}, Python {python}
- output on {filesystem}
"""


@dataclass(frozen=True, slots=True)
class Row:
    """Medians of one program's runs; the counts are those of the worst run."""

    wall_s: float
    cpu_s: float
    largest: int
    tree: int
    images: int
    distinct: int
    statuses: list[int]


def suite(suite: Suite, peers: list[Peer], rows: dict[str, Row], work: Work) -> list[str]:
    """Title, table, ratios and commands of one suite."""
    told = [f"## {suite.title}\n"]
    head = [
        "program",
        "wall s",
        "CPU s",
        "images/s",
        "images",
        "distinct",
        "largest process",
        "all processes",
    ]
    told.append(table(head, [_line(peer, rows[peer.name]) for peer in peers]))
    ours = rows.get(suite.peers[0].name)
    goals = [goal for goal in suite.goals if goal.over in rows and ours]
    if goals and ours:
        head = ["ratio of wall times", "measured", "must", "aim"]
        told.append(table(head, [_goal(goal, ours, rows[goal.over]) for goal in goals]))
    told.append(
        "Commands:\n\n```sh\n" + "\n".join(_command(peer, work) for peer in peers) + "\n```\n"
    )
    return told


def table(head: list[str], lines: list[list[str]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "".join(f"| {' | '.join(line)} |\n" for line in [head, rule, *lines])


def document(sections: list[str], out: Path, repeat: int, disk: str = "") -> str:
    """The whole page."""
    return "\n".join([_head(out, repeat, disk), *sections])


def _line(peer: Peer, row: Row) -> list[str]:
    failed = "" if row.statuses == [0] else f" (exit {', '.join(map(str, row.statuses))})"
    return [
        f"{peer.name} {peer.version()}{failed}",
        f"{row.wall_s:.2f}",
        f"{row.cpu_s:.2f}",
        f"{row.images / row.wall_s:,.0f}",
        f"{row.images:,}",
        f"{row.distinct:,}",
        f"{row.largest / MIB:.0f} MiB",
        f"{row.tree / MIB:.0f} MiB",
    ]


def _goal(goal: Goal, ours: Row, theirs: Row) -> list[str]:
    ratio = goal.ratio(ours.wall_s, theirs.wall_s)
    sign = "≤" if goal.slower else "≥"
    limits = [
        f"{sign} {limit:g} {'✓' if goal.is_met(ratio, limit) else '✗'}"
        for limit in (goal.must, goal.aim)
    ]
    return [goal.name, f"{ratio:.2f}", *limits]


def _command(peer: Peer, work: Work) -> str:
    """Without the places of this one machine."""
    text = shlex.join(peer.command(work)).replace(str(BENCH), ".bench").replace(str(ROOT) + "/", "")
    return text.replace(work.start, "http://127.0.0.1:PORT/")


def machine(out: Path, disk: str = "") -> str:
    """Date, machine and file system, as a list; `disk`: what programs write to, if not to `out`."""
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    parts = [_processor(), _memory(), system, f"Linux {platform.release()}"]
    return MACHINE.format(
        date=time.strftime("%Y-%m-%d"),
        machine=", ".join(parts),
        python=platform.python_version(),
        filesystem=disk or _filesystem(out),
    )


def _head(out: Path, repeat: int, disk: str) -> str:
    return HEAD.format(repeat=repeat, machine=machine(out, disk))


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} × {names[0]}" if names else platform.processor()


def _memory() -> str:
    kib = int(Path("/proc/meminfo").read_text().split()[1])
    return f"{kib / 1024 / 1024:.0f} GiB of memory"


def _filesystem(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    answer = subprocess.run(
        ["stat", "-fc", "%T", str(folder)], capture_output=True, text=True, check=True
    )
    return answer.stdout.strip().replace("ext2/ext3", "ext4")
