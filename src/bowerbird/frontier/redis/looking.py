"""What people are shown of a crawl in Redis."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from bowerbird.codec import decode
from bowerbird.frontier.redis.keys import Keys
from bowerbird.frontier.redis.line import Line, paired
from bowerbird.frontier.tasks import KINDS, ROBOTS
from bowerbird.model import HostRow, Kind, State, Stats, WorkerInfo, WorkerRow

T = TypeVar("T")

#: Hosts and sessions asked for together.
PAGE = 200
_Row = tuple[str, int, int, int, int, int, float, float, bool, str]


class Counters:
    """The books of a crawl, as they are read for people."""

    def __init__(self, fields: Mapping[bytes, bytes]) -> None:
        self.texts = {name.decode(): value.decode() for name, value in fields.items()}

    def get(self, name: str) -> int:
        """A counter's value."""
        return int(self.texts.get(name, "0"))

    def group(self, prefix: str) -> dict[str, int]:
        """The counters `prefix:…` that are not 0, by the rest of their names."""
        start = len(prefix) + 1
        return {
            name[start:]: int(value)
            for name, value in self.texts.items()
            if name.startswith(prefix + ":") and int(value)
        }

    def images_full(self) -> bool:
        """Whether the crawl has all the images it may have."""
        return 0 < self.get("max_images") <= self.get("records")

    def pages_full(self) -> bool:
        """Whether the crawl has read all the pages it may read."""
        return 0 < self.get("max_pages") <= self.get("done:page") - self.get("moved:page")

    def skipped(self) -> int:
        """How many waiting tasks the limits leave aside for good."""
        waiting = self.group("waiting")
        if self.images_full():
            return sum(number for kind, number in waiting.items() if kind != KINDS[ROBOTS])
        return waiting.get(Kind.PAGE, 0) if self.pages_full() else 0

    def left(self) -> dict[str, int]:
        """What waits and is to be done, by kind."""
        waiting = self.group("waiting")
        if self.images_full():
            return {kind: number for kind, number in waiting.items() if kind == KINDS[ROBOTS]}
        if self.pages_full():
            waiting.pop(Kind.PAGE, None)
        return waiting

    def state(self) -> State:
        """The state as callers see it: the end is no state but a fact."""
        state = State(self.texts["state"])
        if state is State.PAUSED or self.group("leased"):
            return state
        left = sum(number for kind, number in self.left().items() if kind != KINDS[ROBOTS])
        over = state is State.DRAINING or (self.texts.get("seeds") == "yes" and not left)
        return State.ENDED if over else state


def stats_of(fields: Mapping[bytes, bytes]) -> Stats:
    """Counts at this moment."""
    books = Counters(fields)
    return Stats(
        state=books.state(),
        reason=books.texts.get("reason", ""),
        seeds_complete=books.texts.get("seeds") == "yes",
        waiting=books.left(),
        leased=sum(books.group("leased").values()),
        done=books.group("done"),
        dead=books.group("dead"),
        dead_kinds=books.group("dead-kind"),
        skipped=books.skipped(),
        records=books.get("records"),
        bytes=books.get("bytes"),
        counters=books.group("count"),
        hosts=books.get("hosts"),
        sessions=books.get("sessions"),
        hosts_answered=books.get("hosts-answered"),
    )


def host_rows(
    line: Line, keys: Keys, limit: int, ask: Callable[[Sequence[bytes]], bytes]
) -> list[HostRow]:
    """The busiest hosts first. Redis knows how busy they are to a factor of two: twice as many
    are looked at."""
    names: list[bytes] = line.command("ZREVRANGE", keys.of("hosts"), 0, 2 * limit - 1)
    rows: list[HostRow] = []
    for page in pages(names):
        rows += [_host_row(row) for row in decode(ask(page), list[_Row])]
    rows.sort(key=lambda row: (-row.waiting - row.leased, row.host))
    return rows[:limit]


def _host_row(row: _Row) -> HostRow:
    host, waiting, leased, done, dead, slots, delay_s, hold_s, down, robots = row
    return HostRow(
        host=host, waiting=waiting, leased=leased, done=done, dead=dead, slots=slots,
        delay_s=delay_s, hold_s=hold_s, state="down" if down else "held" if hold_s else "up",
        robots=robots,
    )  # fmt: skip


def worker_rows(line: Line, keys: Keys, now: float) -> list[WorkerRow]:
    """All attached sessions of this crawl."""
    sessions = [one.decode() for one in line.command("ZRANGE", f"{keys.common}sessions", 0, -1)]
    rows = []
    for page in pages(sessions):
        answers = line.many(("HGETALL", keys.session(one)) for one in page)
        for session, flat in zip(page, answers, strict=True):
            fields = paired(flat)
            if fields.get(b"crawl") == keys.crawl.encode():
                rows.append(_worker_row(session, fields, now))
    return rows


def _worker_row(session: str, fields: Mapping[bytes, bytes], now: float) -> WorkerRow:
    return WorkerRow(
        worker=decode(fields[b"worker"], WorkerInfo),
        session=session,
        leased=int(fields.get(b"held", 0)),
        finished=int(fields[b"finished"]),
        last_seen_s=now - float(fields[b"seen"]),
        attached_s=now - float(fields[b"since"]),
        clock_off_s=float(fields[b"off"]),
    )


def pages(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Stretches that are asked for together."""
    for start in range(0, len(items), PAGE):
        yield items[start : start + PAGE]
