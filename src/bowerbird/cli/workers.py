"""What people are told of workers."""

from collections.abc import Iterable

import msgspec

from bowerbird._version import __version__
from bowerbird.cli.values import shown_duration
from bowerbird.model import OLD_STYLE, WorkerRow

#: A worker's clock may be off by so much before it is said, in seconds: dates of records suffer.
CLOCK_OFF_S = 5.0
#: A worker that has been silent for longer is likely gone, in seconds; two beats.
SILENT_S = 4.0
#: A rate over less time than this says nothing, in seconds.
SHORT_S = 1.0


def each_once(rows: Iterable[WorkerRow]) -> list[WorkerRow]:
    """Workers; an old-style client, which has a session for each of its tasks, is one."""
    found: dict[str, WorkerRow] = {}
    for row in rows:
        name = row.worker.name
        if row.worker.version == OLD_STYLE:
            name = name.rpartition(".")[0]
        found[name] = _together(name, found[name], row) if name in found else row
    return list(found.values())


def _together(name: str, one: WorkerRow, other: WorkerRow) -> WorkerRow:
    return msgspec.structs.replace(
        one,
        worker=msgspec.structs.replace(one.worker, name=name),
        leased=one.leased + other.leased,
        finished=one.finished + other.finished,
        last_seen_s=min(one.last_seen_s, other.last_seen_s),
        attached_s=max(one.attached_s, other.attached_s),
    )


def busiest_first(rows: Iterable[WorkerRow]) -> list[WorkerRow]:
    """Workers by what they have in flight, then by what they have done."""
    return sorted(each_once(rows), key=lambda row: (-row.leased, -row.finished, row.worker.name))


def rate_of(row: WorkerRow) -> str:
    """Tasks finished per second since it joined."""
    per_s = row.finished / max(row.attached_s, SHORT_S)
    return f"{per_s:.1f}" if per_s < 10 else f"{per_s:,.0f}"


def mood_of(row: WorkerRow) -> str:
    """What should not be so: silence, another version, a clock that is off; "" where it is."""
    silent = row.last_seen_s > SILENT_S
    moods = [f"silent {shown_duration(row.last_seen_s)}"] if silent else []
    return "; ".join([*moods, *differences(row)])


def differences(row: WorkerRow) -> list[str]:
    """In what a worker's machine is not like ours."""
    moods = []
    if row.worker.version not in (__version__, OLD_STYLE):
        moods.append(f"version {row.worker.version or 'unknown'}")
    if abs(row.clock_off_s) > CLOCK_OFF_S:
        sign = "+" if row.clock_off_s > 0 else "-"
        moods.append(f"clock {sign}{shown_duration(abs(row.clock_off_s))}")
    return moods
