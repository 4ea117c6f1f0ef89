"""From the results of a frontier to segments in a store, and from there into the catalog.

Each step may be the last one. A segment is durable before Redis knows of it, known before it is in
`crawl.db`, and only then its results leave the stream. So whoever comes next, on whatever machine,
finds all that was brought in the segments and in what the stream has behind them.
"""

import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec

from bowerbird.catalog.segment import Segment, unpacked
from bowerbird.errors import BowerbirdError, ConnectionLostError, FolderError, StorageFullError
from bowerbird.frontier.base import Frontier
from bowerbird.frontier.redis.register import RENEW_EVERY_S, Chain
from bowerbird.frontier.redis.results import left, unheld
from bowerbird.manager.chronicle import Chronicle
from bowerbird.model import Death, Held, Record, Results, State
from bowerbird.store.segments import SegmentName, Segments

T = TypeVar("T")

#: A segment is cut with so many results, or after so long: often at first, for who watches a small
#: crawl, then seldom, since each is an object in a bucket.
MOST, FIRST_S, LONGEST_S = 20_000, 0.5, 10.0
#: How often the stream is looked at while it brings nothing, in seconds.
LOOK_EVERY_S = 0.1
#: What refuses or does not answer is asked again after this, in seconds.
AGAIN_S = 0.5
#: Results asked for at once.
STRETCH = 1_000


class Tenure(Protocol):
    """What a manager may do as long as the catalog is its own; all raise CatalogLostError."""

    def renew(self, fence: int) -> None:
        """Keep it."""
        ...

    def commit(self, chain: Chain, *, back: bool = False) -> None:
        """Note how far the segments are; not as far as was noted only with `back`."""
        ...

    def backlog(self) -> int:
        """Bytes of results in the stream, about."""
        ...

    def show_load(self, open_tasks: int) -> None:
        """Let autoscalers see how much there is to do."""
        ...


def caught_up(
    chain: Chain, segments: Segments, chronicle: Chronicle, tenure: Tenure, lost: str
) -> Chain:
    """Bring a catalog to where the segments are; answers from where to go on.

    Raises:
        FolderError: segments are missing whose results are in the stream no more; `lost` says
            where they ought to be.
    """
    there = {name.number: name for name in segments.names()}  # the highest fence is the one
    last = next((n - 1 for n in range(1, chain.segments + 1) if n not in there), chain.segments)
    if last < chain.trimmed:
        raise FolderError(lost)
    if last < chain.segments:
        cursor = _read(segments, there[last]).results.cursor if last else ""
        chain = Chain(chain.fence, last, cursor, chain.trimmed)
        tenure.commit(chain, back=True)
    known = chronicle.last
    if known.number and (known.number > last or there[known.number] != known):
        chronicle.begin_anew()  # written behind what Redis, set back by a failure, still knows
        known = chronicle.last
    for number in range(known.number + 1, last + 1):
        chronicle.apply(_read(segments, there[number]), there[number])
    return chain


def look_through(
    chain: Chain, segments: Segments | None, chronicle: Chronicle, source: Frontier
) -> None:
    """Fill a catalog to look at: from segments, where there are any, and what the stream has.
    Without segments the stream has to be whole."""
    names = {name.number: name for name in segments.names()} if segments else {}
    for number in sorted(n for n in names if n <= chain.segments):
        assert segments is not None
        chronicle.apply(_read(segments, names[number]), names[number])
    cursor = chain.cursor if segments else ""
    number = chain.segments
    while (found := source.results(cursor, STRETCH)).cursor != cursor:
        number += 1
        chronicle.apply(
            Segment(crawl="", number=number, after=cursor, results=found), SegmentName(number, 0)
        )
        cursor = found.cursor


def _read(segments: Segments, name: SegmentName) -> Segment:
    data = segments.get(name)
    if data is None:
        raise FolderError(f"The segment {name} of the catalog has gone while it was read.")
    return unpacked(data)


class Harvest:
    """Brings results home, from a thread of its own; another one keeps the catalog ours."""

    def __init__(
        self, source: Frontier, tenure: Tenure, chain: Chain, segments: Segments,
        chronicle: Chronicle, crawl: str, spare: int,
    ) -> None:  # fmt: skip
        """`spare`: bytes of results that may stay in the stream although they are in segments; a
        crawl whose folder is lost goes on from them."""
        self._source, self._tenure, self._chain = source, tenure, chain
        self._segments, self._chronicle, self._crawl = segments, chronicle, crawl
        self._spare = spare
        self._cursor = chain.cursor
        self._stretches: list[Results] = []
        self._number = 0  # of results in these
        self._cut_s, self._every_s = time.monotonic(), FIRST_S
        self._stopped = threading.Event()
        self._ended = threading.Event()  # tried again no more either
        self.error: BowerbirdError | None = None
        self.trouble = ""  #: what keeps it from going on for now
        self.full: StorageFullError | None = None  #: what is said to who keeps the catalog
        self._threads = [
            threading.Thread(target=target, name=name, daemon=True)
            for name, target in (("harvest", self._run), ("tenure", self._keep))
        ]

    def __repr__(self) -> str:
        return f"<Harvest at segment {self._chain.segments}, {self._number} results at hand>"

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def finish(self, within_s: float) -> None:
        """Bring home what there is, then end; what is not home by then stays in the stream."""
        self._stopped.set()
        self._threads[0].join(within_s)
        self._ended.set()
        for thread in self._threads:
            thread.join()

    # The threads.

    def _keep(self) -> None:
        while not self._ended.wait(RENEW_EVERY_S):
            try:
                self._tenure.renew(self._chain.fence)
                self._show_load()
                self.full = None
            except StorageFullError as error:
                self.full = error
            except ConnectionLostError:
                continue  # whether it is still ours will be said by who answers
            except BowerbirdError as error:
                self.error = self.error or error
                return

    def _show_load(self) -> None:
        stats = self._source.stats()
        over = stats.state in (State.ENDED, State.PAUSED)
        self._tenure.show_load(0 if over else sum(stats.waiting.values()) + stats.leased)

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                if not self._gather():
                    self._stopped.wait(LOOK_EVERY_S)
                self._cut_in_time()
            while self._gather() and not self._ended.is_set():
                self._cut_in_time()
            self._cut()
            self._patiently(self._show_load)
        except BowerbirdError as error:
            self.error = self.error or error

    def _gather(self) -> bool:
        """Read a stretch; whether it brought anything."""
        found = self._patiently(lambda: self._source.results(self._cursor, STRETCH))
        if found is None or found.cursor == self._cursor:
            return False
        self._cursor = found.cursor
        self._stretches.append(found)
        self._number += sum(map(len, (found.records, found.redirections, found.sightings)))
        self._number += sum(map(len, (found.deaths, found.revived, found.forgotten, found.held)))
        return True

    def _cut_in_time(self) -> None:
        now_s = time.monotonic()
        if self._number >= MOST or now_s - self._cut_s >= self._every_s:
            self._every_s = min(LONGEST_S, 2 * self._every_s) if self._stretches else self._every_s
            self._cut()

    def _cut(self) -> None:
        """Make a segment of what is at hand."""
        self._cut_s = time.monotonic()
        if not self._stretches:
            return
        number = self._chain.segments + 1
        name = SegmentName(number, self._chain.fence)
        results = joined(self._stretches)
        segment = Segment(
            crawl=self._crawl, number=number, after=self._chain.cursor, results=results
        )
        data = segment.packed()
        steps: tuple[Callable[[], object], ...] = (
            lambda: self._segments.put(name, data),
            lambda: self._commit(segments=number, cursor=results.cursor),
            lambda: self._chronicle.apply(segment, name),
            self._trim,
        )
        if all(self._patiently(step, True) for step in steps):
            self._stretches, self._number = [], 0

    def _commit(self, **changes: object) -> None:
        chain = Chain(**{**msgspec.structs.asdict(self._chain), **changes})
        self._tenure.commit(chain)
        self._chain = chain

    def _trim(self) -> None:
        """Let the stream forget what is in segments."""
        if self._spare and self._tenure.backlog() <= self._spare:
            return
        self._commit(trimmed=self._chain.segments)
        self._source.trim(self._chain.cursor)

    def _patiently(self, step: Callable[[], T], done: T | None = None) -> T | None:
        """Take a step, again and again while the other end is away or full; None: in vain."""
        while not self._ended.is_set():
            try:
                result = step()
            except (ConnectionLostError, StorageFullError) as error:
                self.trouble = str(error)
                self._ended.wait(AGAIN_S)
            else:
                self.trouble = ""
                return done or result
        return None


def joined(stretches: list[Results]) -> Results:
    """Stretches that follow each other, as one."""
    deaths: dict[str, Death] = {}
    records, held = list[Record](), list[Held]()
    for each in stretches:
        for url in each.revived:
            deaths.pop(url, None)
        deaths |= {one.url: one for one in each.deaths}
        records = [*left(records, each.forgotten), *each.records]
        held = [*unheld(held, each.forgotten), *each.held]
    return Results(
        cursor=stretches[-1].cursor,
        records=tuple(records),
        redirections=tuple(one for each in stretches for one in each.redirections),
        sightings=tuple(one for each in stretches for one in each.sightings),
        deaths=tuple(deaths.values()),
        revived=tuple(one for each in stretches for one in each.revived),
        forgotten=tuple(one for each in stretches for one in each.forgotten),
        held=tuple(held),
    )
