"""What people are shown of a crawl in Redis."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from bowerbird.codec import decode
from bowerbird.frontier.counts import Counts
from bowerbird.frontier.redis.keys import Keys
from bowerbird.frontier.redis.line import Line, paired
from bowerbird.model import HostRow, State, Stats, WorkerInfo, WorkerRow

T = TypeVar("T")

#: Hosts and sessions asked for together.
PAGE = 200
_WHOLE = re.compile(r"-?\d+\Z", re.ASCII)
_Row = tuple[str, int, int, int, int, int, float, float, bool, str]


class Counters(Counts):
    """The books of a crawl, as they are read for people."""

    def __init__(self, fields: Mapping[bytes, bytes]) -> None:
        self._texts = {name.decode(): value.decode() for name, value in fields.items()}
        numbers = {name: int(text) for name, text in self._texts.items() if _WHOLE.match(text)}
        super().__init__(numbers, numbers.get("max_images", 0), numbers.get("max_pages", 0))

    def now(self) -> Stats:
        """Counts at this moment."""
        seeds_complete = self._texts.get("seeds") == "yes"
        leased = sum(self.group("leased").values())
        state = self.shown(
            State(self._texts["state"]), seeds_complete=seeds_complete, leased=leased
        )
        return self.stats(
            state, self._texts.get("reason", ""), seeds_complete=seeds_complete, leased=leased,
            sessions=self.get("sessions"),
        )  # fmt: skip


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
