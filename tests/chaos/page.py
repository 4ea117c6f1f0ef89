"""docs/reliability.md: its table of runs, each line replaced when its row is run again."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from tests.chaos.toll import Toll, share

BEGIN, END = "<!-- runs: written by make chaos -->", "<!-- end of runs -->"
HEAD = (
    "row", "seeds", "faults", "accepted", "requests", "recorded", "lost", "duplicated",
    "unexpected", "damaged", "fetched again though recorded", "lost where that is allowed",
    "requests of a URL: p50, max", "second request after a fault, s: p50, p99",
    "smallest gap, s (rule)", "peak RSS, MiB: manager, worker", "files open in the manager: "
    "first, last", "temporary files left (never swept)", "audit", "seconds", "runs that broke off",
)  # fmt: skip
NUMBERS = ("accepted", "requests", "recorded")
SETS = ("lost", "twice", "unexpected", "damaged", "undone")


def put(path: Path, tolls: Sequence[Toll]) -> None:
    """Write the line of one row's runs; those of other rows stay."""
    before, _, rest = path.read_text().partition(BEGIN)
    table, _, after = rest.partition(END)
    lines = {_row_of(line): line for line in table.splitlines()[2:] if line.startswith("| ")}
    lines.pop("row", None)
    lines.pop("---", None)
    lines[tolls[0].row] = line_of(tolls)
    body = [_cells(HEAD), _cells(["---"] * len(HEAD)), *sorted(lines.values(), key=_order)]
    path.write_text(f"{before}{BEGIN}\n\n" + "\n".join(body) + f"\n\n{END}{after}")


def line_of(tolls: Sequence[Toll]) -> str:
    """All runs of one row: sums, and of each measure the worst."""
    tries = sorted(chain.from_iterable(one.tries for one in tolls))
    waits_s = sorted(chain.from_iterable(one.recoveries_s for one in tolls))
    return _cells([
        tolls[0].row, _span([one.seed for one in tolls]), sum(len(one.faults) for one in tolls),
        *(sum(getattr(one, name) for one in tolls) for name in NUMBERS),
        *(sum(len(getattr(one, name)) for one in tolls) for name in SETS),
        sum(one.forgiven for one in tolls),
        f"{share(tries, 0.5)}, {max(tries, default=0)}",
        f"{share(waits_s, 0.5):.1f}, {share(waits_s, 0.99):.1f}",
        _gap(tolls), ", ".join(_mib(tolls, role) for role in ("manager", "worker")),
        ", ".join(str(max(one.files[end] for one in tolls)) for end in (0, 1)),
        f"{sum(one.left for one in tolls)} ({sum(one.stuck for one in tolls)})",
        "ok" if not any(one.audit for one in tolls) else "faults",
        f"{sum(one.seconds for one in tolls):.0f}", sum(bool(one.failed) for one in tolls),
    ])  # fmt: skip


def _gap(tolls: Sequence[Toll]) -> str:
    rule_s = max(one.rule_s for one in tolls)
    return f"{min(one.gap_s for one in tolls):.4f} ({rule_s:g})" if rule_s else "no rule"


def _mib(tolls: Sequence[Toll], role: str) -> str:
    return f"{max(one.peak_rss.get(role, 0) for one in tolls) / 2**20:.0f}"


def _span(seeds: Sequence[int]) -> str:
    together = list(range(min(seeds), max(seeds) + 1)) == sorted(seeds)
    return f"{min(seeds)}–{max(seeds)}" if together and len(seeds) > 1 else _listed(seeds)


def _listed(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, sorted(seeds)))


def _cells(values: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, values))} |"


def _row_of(line: str) -> str:
    return line.split(" | ", 1)[0].removeprefix("| ")


def _order(line: str) -> tuple[int, str]:
    number, _, more = _row_of(line).partition(" ")
    return int(number), more
