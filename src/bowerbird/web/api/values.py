"""What the API answers. Fields are only ever added."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from bowerbird.app.watch import Moment
from bowerbird.manager.progress import Progress, left_out
from bowerbird.model import Death, HostRow, WorkerRow, plain_counters

_encoder = msgspec.json.Encoder(decimal_format="number")


def json_of(value: Any) -> bytes:
    """JSON in one line."""
    return _encoder.encode(value)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all values here."""


class Host(Answer, frozen=True, kw_only=True):
    """A host: the unit of politeness."""

    host: str
    waiting: Annotated[int, Meta(description="tasks that wait")]
    leased: Annotated[int, Meta(description="tasks with workers")]
    done: int
    failed: Annotated[int, Meta(description="tasks failed or left out")]
    slots: Annotated[int, Meta(description="requests that may be in flight now")]
    delay_s: Annotated[float, Meta(description="least time between two requests, in seconds")]
    hold_s: Annotated[float, Meta(description="no request before this has passed, in seconds")]
    state: Annotated[str, Meta(description="up, held or down")]
    why: Annotated[str, Meta(description="why it is held or down, where that is known")]
    robots: Annotated[str, Meta(description="robots.txt: text, allow, forbid, waiting or empty")]


class Worker(Answer, frozen=True, kw_only=True):
    """A worker process that is attached."""

    name: str
    address: Annotated[str, Meta(description="empty: on the manager's machine")]
    version: str
    pid: int
    local: bool
    in_flight: Annotated[int, Meta(description="tasks it has")]
    finished: Annotated[int, Meta(description="tasks it has finished since it attached")]
    per_s: Annotated[float, Meta(description="of these, each second")]
    last_seen_s: Annotated[float, Meta(description="seconds since its last sign of life")]
    attached_s: Annotated[float, Meta(description="seconds since it attached")]
    clock_off_s: Annotated[float, Meta(description="how far its clock is ahead of the manager's")]


class Live(Answer, frozen=True, kw_only=True):
    """A crawl at one moment."""

    number: Annotated[int, Meta(description="rises with every look")] = 0
    at: Annotated[float, Meta(description="when it was looked at, in seconds since 1970")] = 0.0
    where: Annotated[str, Meta(description="its folder or address")] = ""
    known: Annotated[bool, Meta(description="false: it has not been seen yet")] = False
    trouble: Annotated[str, Meta(description="why it cannot be seen now; the rest is older")] = ""
    running: Annotated[bool, Meta(description="somebody works at it")] = False
    state: Annotated[str, Meta(description="running, paused, draining or ended")] = ""
    reason: Annotated[str, Meta(description="why it is paused or draining")] = ""
    phase: Annotated[str, Meta(description="what it is at, in words")] = ""
    images: Annotated[int, Meta(description="images stored")] = 0
    bytes: Annotated[int, Meta(description="their bytes")] = 0
    pages: Annotated[int, Meta(description="pages read")] = 0
    ended: Annotated[int, Meta(description="tasks done, failed and left out")] = 0
    waiting: Annotated[int, Meta(description="tasks not yet ended, those with workers too")] = 0
    leased: Annotated[int, Meta(description="tasks with workers")] = 0
    failed: int = 0
    skipped: Annotated[int, Meta(description="tasks left aside by a limit")] = 0
    seeds_complete: Annotated[bool, Meta(description="false: more is still being added")] = False
    eta_s: Annotated[float | None, Meta(description="seconds to go, if that can be said")] = None
    images_per_s: float = 0.0
    bytes_per_s: float = 0.0
    tasks_per_s: float = 0.0
    waiting_kinds: dict[str, int] = {}
    done_kinds: dict[str, int] = {}
    failures: Annotated[dict[str, int], Meta(description="failed tasks by reason")] = {}
    left_out: Annotated[
        dict[str, int], Meta(description="tasks left out by somebody's wish, by reason")
    ] = {}
    counters: dict[str, int] = {}
    hosts: Annotated[int, Meta(description="hosts met")] = 0
    hosts_answered: int = 0
    busiest: Annotated[list[Host], Meta(description="the busiest hosts")] = []
    workers: Annotated[int, Meta(description="workers that are attached")] = 0
    manager: Annotated[str, Meta(description="which one, where the frontier is in Redis")] = ""
    backlog: Annotated[int, Meta(description="bytes of results in Redis that wait for it")] = 0
    backlog_most: int = 0


class Hosts(Answer, frozen=True, kw_only=True):
    """A stretch of the hosts that were asked for."""

    hosts: list[Host]
    matching: Annotated[int, Meta(description="how many match in all")]
    whole: Annotated[bool, Meta(description="false: only the busiest were looked through")]


class Workers(Answer, frozen=True, kw_only=True):
    """All workers that are attached."""

    workers: list[Worker]


class Failure(Answer, frozen=True, kw_only=True):
    """A task that ended without what it was for."""

    url: str
    first_url: Annotated[str, Meta(description="by which it was reached, over redirects")]
    kind: str
    reason: str
    detail: str


class Failures(Answer, frozen=True, kw_only=True):
    """The newest failures of a reason."""

    reason: str
    count: Annotated[int, Meta(description="how many there are of it now")]
    examples: list[Failure]


class Curve(Answer, frozen=True, kw_only=True):
    """Throughput over time, as columns of equal length."""

    every_s: Annotated[float, Meta(description="two points are about so far apart, in seconds")]
    at: Annotated[list[float], Meta(description="seconds since 1970")]
    images_per_s: list[float]
    bytes_per_s: list[float]
    tasks_per_s: Annotated[list[float], Meta(description="empty: not known")]
    waiting: Annotated[list[float], Meta(description="empty: not known")]
    leased: Annotated[list[float], Meta(description="empty: not known")]


class Error(Answer, frozen=True, kw_only=True):
    """What went wrong, in a word for programs and a sentence for people."""

    error: str
    message: str


def live_of(where: str, moment: Moment) -> Live:
    """A moment as it is told."""
    status, progress = moment.status, moment.progress
    if status is None or progress is None:
        return Live(number=moment.number, where=where, trouble=moment.trouble)
    stats = status.stats
    return Live(
        number=moment.number, at=moment.at_s, where=status.folder, known=True,
        trouble=moment.trouble, running=status.running and not moment.trouble,
        state=str(stats.state), reason=stats.reason, phase=progress.phase,
        images=stats.records, bytes=stats.bytes, pages=stats.counters.get("pages", 0),
        leased=stats.leased, skipped=stats.skipped, seeds_complete=stats.seeds_complete,
        waiting_kinds=stats.waiting, done_kinds=stats.done, failures=progress.failures,
        left_out=left_out(stats), counters=plain_counters(stats.counters),
        hosts=stats.hosts, hosts_answered=stats.hosts_answered,
        busiest=[host_of(row) for row in status.hosts],
        workers=len(status.workers),
        manager=status.manager, backlog=status.backlog, backlog_most=status.backlog_most,
        **_reckoned(progress),
    )  # fmt: skip


def _reckoned(progress: Progress) -> dict[str, Any]:
    eta_s = progress.eta_s
    return {
        "ended": progress.ended,
        "waiting": progress.waiting,
        "failed": progress.failed,
        "eta_s": round(eta_s, 1) if eta_s is not None and progress.waiting else None,
        "images_per_s": round(progress.images_per_s, 2),
        "bytes_per_s": round(progress.bytes_per_s),
        "tasks_per_s": round(progress.tasks_per_s, 2),
    }


def host_of(row: HostRow) -> Host:
    """A host as it is told."""
    return Host(
        host=row.host, waiting=row.waiting, leased=row.leased, done=row.done, failed=row.dead,
        slots=row.slots, delay_s=round(row.delay_s, 3), hold_s=round(row.hold_s, 1),
        state=row.state, why=row.why, robots=row.robots,
    )  # fmt: skip


def worker_of(row: WorkerRow) -> Worker:
    """A worker as it is told."""
    worker = row.worker
    return Worker(
        name=worker.name, address=worker.address, version=worker.version, pid=worker.pid,
        local=worker.local, in_flight=row.leased, finished=row.finished,
        per_s=round(row.finished / max(row.attached_s, 1.0), 2),
        last_seen_s=round(row.last_seen_s, 1), attached_s=round(row.attached_s, 1),
        clock_off_s=round(row.clock_off_s, 1),
    )  # fmt: skip


def failure_of(death: Death) -> Failure:
    """A failure as it is told."""
    return Failure(
        url=death.url, first_url=death.first_url, kind=str(death.kind), reason=death.reason,
        detail=death.detail,
    )  # fmt: skip
