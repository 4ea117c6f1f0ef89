"""What a session could have been given: decided row by row, by other means than `lease` has."""

from collections.abc import Iterator

from bowerbird.frontier.base import AHEAD_S, PROBES_S, ROBOTS_TTL_S
from bowerbird.frontier.hosts import Host
from bowerbird.frontier.sessions import Session
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.frontier.tasks import KINDS, ROBOTS, Mark, OriginFacts
from bowerbird.model import State
from bowerbird.urls import origin_of

#: origin, host, kind, first URL of a task.
_Row = tuple[int, int, int, str]


def could_have(frontier: SqliteFrontier, number: str) -> list[str]:
    """The tasks that a session was not given for no reason, after a call that brought nothing."""
    session = frontier.sessions.find(number)
    suspects = any(mark is Mark.SUSPECT for _, _, mark, _ in frontier.store.census())
    if session is None or suspects or frontier.books.state is not State.RUNNING:
        return []
    if session.alone() or len(session.kinds) < len(KINDS):
        return []
    return list(_misses(frontier, session))


def _misses(frontier: SqliteFrontier, session: Session) -> Iterator[str]:
    asked = {origin_of(url) for _, _, _, url in _rows(frontier, "kind = 0")}
    for origin, number, kind, url in _rows(frontier, "mark = 0"):
        host = frontier.hosts_at_hand.peek(number)
        if not frontier.books.room(kind) or not _has_room(frontier, session, host):
            continue
        lane = next(one for one in host.lanes if one.id == origin)
        if kind == ROBOTS or _is_open(frontier, lane):
            yield f"{url} could be leased"
        elif lane.name not in asked:
            yield f"{lane.name} waits for its robots.txt, and nobody asks for it"


def _rows(frontier: SqliteFrontier, where: str) -> list[_Row]:
    query = (
        "SELECT origin, host, kind, ifnull(first_url, url) "
        f"FROM task JOIN origin ON origin.id = task.origin WHERE {where}"
    )
    return list(frontier.connection.execute(query))


def _is_open(frontier: SqliteFrontier, lane: OriginFacts) -> bool:
    fresh = frontier.books.now() - lane.judged_at < ROBOTS_TTL_S
    return not frontier.rules.obey_robots or (bool(lane.verdict) and fresh)


def _has_room(frontier: SqliteFrontier, session: Session, host: Host) -> bool:
    """Whether the host is up, not held, and has a slot for this session."""
    now, facts = frontier.books.now(), host.facts
    if facts.hold_until > now or host.ghosts or _waits_for_probe(host, now):
        return False
    delay_s = max(frontier.rules.delay_s, facts.delay_s, facts.crawl_delay_s)
    out = sum(host.held.values()) + sum(until > now for until in host.cooling)
    calm = now >= frontier.slots.settled + delay_s
    if delay_s:
        free = int(calm and out == 0 and now >= facts.freed_at + delay_s)
    else:
        free = frontier.rules.per_host - out if calm else 0
    held, leases = host.held.get(session.id, 0), host.users.get(session.id, 0)
    if delay_s and held and leases and len(host.held) > 1:
        return False  # one of several holders from before there was a delay; who is the one is told
    quota = -(-frontier.rules.per_host // len(frontier.sessions))
    slots = min(quota, held + max(0, free), 1 if delay_s else quota)
    ahead = AHEAD_S / delay_s if delay_s else slots * AHEAD_S / host.mean_s
    return slots > 0 and leases < max(slots, int(ahead))


def _waits_for_probe(host: Host, now: float) -> bool:
    facts = host.facts
    if facts.down_at is None or facts.condemned:
        return False
    return bool(host.probing) or facts.down_at + PROBES_S[facts.probes] > now
