"""Every invariant of a frontier, checked row by row: what each test that hurts it ends with."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bowerbird.frontier.ring import Seat
from bowerbird.frontier.tasks import KINDS, ROBOTS, Mark

if TYPE_CHECKING:
    from bowerbird.frontier.local import LocalFrontier

#: Marks that count as waiting.
_WAITING = (Mark.WAITING, Mark.DELAYED, Mark.SUSPECT)


def audit(frontier: "LocalFrontier") -> list[str]:
    """What is broken, in words; empty: nothing."""
    faults = (_counts, _turns, _seats, _leases, _slots, _leftovers)
    return [*frontier.store.faults(), *(one for look in faults for one in look(frontier))]


def _counts(frontier: "LocalFrontier") -> Iterator[str]:
    counted: Counter[str] = Counter()
    for _, kind, mark, number in frontier.store.census():
        counted[_name(kind, mark)] += number
        if mark is Mark.MOVED:
            counted[f"done:{KINDS[kind]}"] += number
    yield from _differences(frontier, counted)


def _turns(frontier: "LocalFrontier") -> Iterator[str]:
    ready: Counter[int] = Counter()
    suspects = 0
    for host, _, mark, number in frontier.store.census():
        ready[host] += number * (mark is Mark.WAITING)
        suspects += number * (mark is Mark.SUSPECT)
    for host in {*range(len(frontier.ring.waiting)), *ready}:
        if ready[host] != frontier.ring.count(host):
            tasks = frontier.ring.count(host)
            yield f"host {host} has {ready[host]} waiting tasks, {tasks} are counted"
    busy = sum(1 for number in ready.values() if number)
    if busy != frontier.ring.busy:
        yield f"{busy} hosts have waiting tasks, {frontier.ring.busy} are counted"
    if suspects != frontier.turns.suspects:
        yield f"{suspects} suspects wait, {frontier.turns.suspects} are counted"


def _seats(frontier: "LocalFrontier") -> Iterator[str]:
    """Each host with waiting tasks has its turn, a time, or something that wakes it."""
    seated = frontier.ring.seated()
    for number, tasks in enumerate(frontier.ring.waiting):
        seat = frontier.ring.seat(number)
        if number not in seated.get(seat, {number}):
            yield f"host {number} is not where its seat {seat.name} says"
        lost = seat is Seat.IDLE or (seat is Seat.ASIDE and not _is_woken(frontier, number))
        if tasks and lost:
            yield f"host {number} has tasks and seat {seat.name}, and nothing wakes it"


def _is_woken(frontier: "LocalFrontier", number: int) -> bool:
    """Whether a host that is set aside without a time has someone who will wake it."""
    host, books = frontier.hosts_at_hand.peek(number), frontier.books
    limited = any(not books.room(kind) for kind in range(len(KINDS)))
    asked = any(frontier.gates.task_for(lane) is None for lane in host.lanes)
    return bool(limited or asked or host.users or host.held or host.probing)


def _name(kind: int, mark: Mark) -> str:
    word = "waiting" if mark in _WAITING else mark.name.lower()
    return f"{'dead-kind' if mark is Mark.DEAD else word}:{KINDS[kind]}"


def _differences(frontier: "LocalFrontier", counted: Counter[str]) -> Iterator[str]:
    books = frontier.books
    for number, kind in enumerate(KINDS):
        if counted[f"leased:{kind}"] != books.leased[number]:
            yield f"{counted[f'leased:{kind}']} {kind} tasks leased, counted {books.leased[number]}"
        for word in ("waiting", "done", "moved", "dead-kind"):
            name = f"{word}:{kind}"
            kept = number != ROBOTS or word == "waiting"
            if kept and counted[name] != books.get(name):
                yield f"{name} is {counted[name]}, counted {books.get(name)}"
    if sum(books.group("dead").values()) != sum(books.group("dead-kind").values()):
        yield "deaths by reason and by kind differ"


def _leases(frontier: "LocalFrontier") -> Iterator[str]:
    for session in frontier.sessions:
        for token, entry in session.leases.items():
            if entry.session != session.id or frontier.sessions.tokens.get(token) is not entry:
                yield f"lease {token.hex()} is not its session's"
    held = sum(len(session.leases) for session in frontier.sessions)
    if held != sum(frontier.books.leased):
        yield f"{sum(frontier.books.leased)} tasks are leased, sessions hold {held}"


def _slots(frontier: "LocalFrontier") -> Iterator[str]:
    users: Counter[tuple[int, str]] = Counter()
    for session in frontier.sessions:
        users.update((entry.host, session.id) for entry in session.leases.values())
    for host in frontier.hosts_at_hand:
        if sum(host.held.values()) > frontier.rules.per_host:
            yield f"{host} has more slots out than {frontier.rules.per_host}"
        for session_id, number in host.users.items():
            if users.pop((host.id, session_id), 0) != number:
                yield f"{host} counts {number} leases of {session_id}"
    for host_id, session_id in users:
        yield f"leases of {session_id} at host {host_id} are not counted"


def _leftovers(frontier: "LocalFrontier") -> Iterator[str]:
    """Sessions remember no host where they have nothing, once they have been told."""
    for session in frontier.sessions:
        for number in {*session.hosts, *session.told} - session.news:
            host = frontier.hosts_at_hand.at_hand(number)
            if host is None or not (session.id in host.users or session.id in host.held):
                yield f"{session} remembers host {number}, where it has nothing"
    for host in frontier.hosts_at_hand:
        for session_id in {*host.users, *host.held}:
            if frontier.sessions.find(session_id) is None:
                yield f"{host} remembers session {session_id}, which has ended"
        if host.neutral(frontier.books.now()) and not host.cooling:
            yield f"{host} is at hand, where nothing goes on"
