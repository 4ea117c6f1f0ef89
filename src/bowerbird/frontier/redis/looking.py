"""What people are shown of a crawl in Redis."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from bowerbird.codec import decode
from bowerbird.frontier.counts import Counts
from bowerbird.frontier.redis.line import Ask, paired, together
from bowerbird.frontier.redis.looks import RULES, state_of
from bowerbird.frontier.redis.partition import Partition
from bowerbird.model import HostRow, State, Stats, WorkerInfo, WorkerRow

T = TypeVar("T")

#: Hosts and sessions asked for together.
PAGE = 200
_WHOLE = re.compile(r"-?\d+\Z", re.ASCII)
_Row = tuple[str, int, int, int, int, int, float, float, bool, str, str]


class Counters(Counts):
    """The books of a crawl, as they are read for people."""

    def __init__(self, fields: Mapping[bytes, bytes]) -> None:
        self._texts = {name.decode(): value.decode() for name, value in fields.items()}
        numbers = {name: int(text) for name, text in self._texts.items() if _WHOLE.match(text)}
        super().__init__(numbers, numbers.get("max_images", 0), numbers.get("max_pages", 0))

    def asked(self) -> State:
        """What is asked of the crawl."""
        return State(self._texts["state"])

    def now(self) -> Stats:
        """Counts at this moment."""
        seeds_complete = self._texts.get("seeds") == "yes"
        leased = sum(self.group("leased").values())
        state = self.shown(self.asked(), seeds_complete=seeds_complete, leased=leased)
        return self.stats(
            state, self._texts.get("reason", ""), seeds_complete=seeds_complete, leased=leased,
            sessions=self.get("sessions"),
        )  # fmt: skip


def every_field(partitions: Sequence[Partition]) -> list[tuple[dict[bytes, bytes], int]]:
    """The books of each partition, and how much is in its outbox. Raises CrawlVanishedError."""
    asks = [
        ask
        for one in partitions
        for ask in (one.command("HGETALL", "books"), one.command("XLEN", "outbox"))
    ]
    answers = together(asks)
    every = [(paired(flat), waits) for flat, waits in zip(answers[::2], answers[1::2], strict=True)]
    for one, (fields, _) in zip(partitions, every, strict=True):
        one.checked(fields.get(b"identity"))
    return every


def merged_fields(books: Sequence[Mapping[bytes, bytes]]) -> dict[bytes, bytes]:
    """The books of a crawl, of those of its partitions: counters are added, what is said of the
    crawl is said by the first, but for its state."""
    if len(books) == 1:
        return dict(books[0])
    sums: dict[bytes, int] = {}
    for fields in books:
        for name, value in fields.items():
            if name.decode() not in RULES and _WHOLE.match(value.decode()):
                sums[name] = sums.get(name, 0) + int(value)
    state = state_of([State(fields[b"state"].decode()) for fields in books])
    reasons = [fields.get(b"reason", b"") for fields in books if fields[b"state"] == state.encode()]
    texts = {b"state": state.encode(), b"reason": reasons[0] if reasons else b""}
    return {**books[0], **{name: b"%d" % value for name, value in sums.items()}, **texts}


def host_rows(partitions: Sequence[Partition], limit: int) -> list[HostRow]:
    """The busiest hosts first. Redis knows how busy they are to a factor of four, and those with up
    to 15 tasks as the same: four times as many are looked at."""
    asks = [one.command("ZREVRANGE", "hosts", 0, 4 * limit - 1) for one in partitions]
    pieces = [
        one.ask("hosts", *page)
        for one, names in zip(partitions, together(asks), strict=True)
        for page in pages(names)
    ]
    rows = rows_of(pieces)
    rows.sort(key=lambda row: (-row.waiting - row.leased, row.host))
    return rows[:limit]


def rows_of(asks: Sequence[Ask]) -> list[HostRow]:
    """What calls of the script `hosts` answer."""
    return [_host_row(row) for answer in together(asks) for row in decode(answer, list[_Row])]


def _host_row(row: _Row) -> HostRow:
    host, waiting, leased, done, dead, slots, delay_s, hold_s, down, robots, why = row
    state = "down" if down else "held" if hold_s else "up"
    return HostRow(
        host=host, waiting=waiting, leased=leased, done=done, dead=dead, slots=slots,
        delay_s=delay_s, hold_s=hold_s, state=state, robots=robots,
        why="" if state == "up" else why,
    )  # fmt: skip


def worker_rows(partitions: Sequence[Partition], now: float) -> list[WorkerRow]:
    """All attached sessions of this crawl; one may be attached to several partitions."""
    asks = [one.shared("ZRANGE", "sessions", 0, -1) for one in partitions]
    known = [
        (one, session.decode())
        for one, sessions in zip(partitions, together(asks), strict=True)
        for session in sessions
    ]
    rows: dict[str, WorkerRow] = {}
    for page in pages(known):
        answers = together([one.shared("HGETALL", f"s:{session}") for one, session in page])
        for (one, session), flat in zip(page, answers, strict=True):
            fields = paired(flat)
            if fields.get(b"crawl") == one.keys.crawl.encode():
                row = _worker_row(session, fields, now)
                rows[session] = _both(rows[session], row) if session in rows else row
    return list(rows.values())


def _both(one: WorkerRow, other: WorkerRow) -> WorkerRow:
    return WorkerRow(
        worker=one.worker, session=one.session, leased=one.leased + other.leased,
        finished=one.finished + other.finished,
        last_seen_s=min(one.last_seen_s, other.last_seen_s),
        attached_s=max(one.attached_s, other.attached_s),
        clock_off_s=max(one, other, key=lambda row: row.attached_s).clock_off_s,
    )  # fmt: skip


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
