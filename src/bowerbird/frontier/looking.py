"""What people are shown of a frontier."""

from typing import TYPE_CHECKING

from bowerbird.frontier.hosts import Host
from bowerbird.model import HostRow, Stats, WorkerRow

if TYPE_CHECKING:
    from bowerbird.frontier.local import LocalFrontier


def stats_of(frontier: "LocalFrontier") -> Stats:
    """Counts at this moment."""
    books = frontier.books
    return books.stats(
        books.shown_state(), books.reason, seeds_complete=books.seeds_complete,
        leased=sum(books.leased), sessions=len(frontier.sessions),
    )  # fmt: skip


def host_rows(frontier: "LocalFrontier", limit: int) -> list[HostRow]:
    """The busiest hosts first; where there are fewer, those where all is done as well."""
    at_hand = [host.id for host in frontier.hosts_at_hand if host.users]
    numbers = {*at_hand, *frontier.ring.fullest(limit)}
    known = frontier.books.get("hosts")
    numbers.update(range(1, min(known, max(0, limit - len(numbers))) + 1))
    rows = [host_row(frontier, frontier.hosts_at_hand.peek(number)) for number in numbers]
    rows.sort(key=lambda row: (-row.waiting - row.leased, row.host))
    return rows[:limit]


def host_row(frontier: "LocalFrontier", host: Host) -> HostRow:
    """One host, for people."""
    now, facts = frontier.books.now(), host.facts
    hold_s = max(0.0, facts.hold_until - now)
    state = "down" if host.down() else "held" if hold_s else "up"
    return HostRow(
        host=facts.name,
        waiting=frontier.ring.count(host.id),
        leased=host.leased,
        done=facts.done,
        dead=facts.dead,
        slots=sum(host.held.values()),
        delay_s=frontier.hosts_at_hand.delay_s(host),
        hold_s=hold_s,
        state=state,
        robots=_robots(frontier, host, now),
        why="" if state == "up" else frontier.hosts_at_hand.why(host),
    )


def _robots(frontier: "LocalFrontier", host: Host, now: float) -> str:
    if not frontier.rules.obey_robots or not host.lanes:
        return ""
    lane = host.lanes[-1]
    return lane.verdict if frontier.gates.is_open(lane, now) else "waiting"


def worker_rows(frontier: "LocalFrontier") -> list[WorkerRow]:
    """All attached sessions."""
    now = frontier.books.now()
    return [
        WorkerRow(
            worker=session.worker,
            session=session.id,
            leased=len(session.leases),
            finished=session.finished,
            last_seen_s=now - session.seen,
            attached_s=now - session.since,
            clock_off_s=session.clock_off_s,
        )
        for session in frontier.sessions
    ]
