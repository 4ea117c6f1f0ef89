"""The frontier in Redis, for those who lease from it, feed it or look at it.

Each partition is asked by itself, all of them in one round trip for each Redis; what they answer
becomes one answer here.
"""

import os
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from bowerbird.clock import Clock
from bowerbird.errors import SessionGoneError
from bowerbird.frontier.base import Frontier, Give
from bowerbird.frontier.calls import merged
from bowerbird.frontier.redis import looking
from bowerbird.frontier.redis.address import RedisAddress, parse_redis
from bowerbird.frontier.redis.answers import FinishHead, read
from bowerbird.frontier.redis.audit import audit
from bowerbird.frontier.redis.epochs import Epochs, life
from bowerbird.frontier.redis.examine import warnings_of
from bowerbird.frontier.redis.leasing import Leasing, numbered
from bowerbird.frontier.redis.line import Line, together
from bowerbird.frontier.redis.looks import Look, is_quiet, looked, state_of
from bowerbird.frontier.redis.opening import opened
from bowerbird.frontier.redis.outbox import Letter, Outbox
from bowerbird.frontier.redis.packing import CHUNK, Packed, partition_of
from bowerbird.frontier.redis.partition import beaten
from bowerbird.frontier.redis.refetch import Anew, shares
from bowerbird.frontier.redis.results import cursors_of, results_after
from bowerbird.frontier.redis.seats import Seat, Seats
from bowerbird.frontier.redis.survey import Survey
from bowerbird.frontier.rules import Rules
from bowerbird.model import (
    Attached,
    BeatReply,
    Filter,
    FinishReply,
    Grant,
    Held,
    HostRow,
    Kind,
    LeaseReply,
    Outcome,
    Results,
    Sighting,
    State,
    Stats,
    Task,
    WorkerInfo,
    WorkerRow,
)


class RedisFrontier(Frontier):
    """A crawl in Redis; any number of threads and processes may call it.

    Every call raises `ConnectionLostError` when Redis has gone or does not answer; whether the call
    was carried out is then not known: a worker attaches again with what it holds. A session can be
    used by the object alone by which it was attached.
    """

    def __init__(
        self, address: RedisAddress | str, rules: Rules | None = None, clock: Clock | None = None
    ) -> None:
        """Take a crawl up, or make it where `rules` are given, which then bind it from now on.

        Time is Redis `TIME`, never that of a client. `clock` is for tests, which cannot set that:
        its time goes along with each call and is used instead.

        Raises:
            UsageError: the address is none, or Redis refuses us, or holds another version's crawl,
                or has another number of partitions.
            ConnectionLostError: nothing answers there.
            FrontierError: there is no such crawl, and no `rules` to make one.
        """
        where = parse_redis(address) if isinstance(address, str) else address
        crawl = opened(where, rules, clock)
        self.partitions, self._division, self._clock = crawl.partitions, crawl.division, clock
        self.keys = self.partitions[0].keys
        self._epochs = Epochs([one.line for one in self.partitions])
        self._outbox = Outbox(self.partitions, self._epochs)
        self.survey = Survey(self.partitions, self._division)  #: of all hosts, for people
        self._leasing = Leasing(crawl, self._outbox, self._has_ended)
        self._seats: dict[str, Seats] = {}
        self._seeding = False
        self._life = ""  #: of the one log, when the first seed was added

    def __repr__(self) -> str:
        return f"<RedisFrontier {self._line.place} [{len(self.partitions)} partitions]>"

    @property
    def _line(self) -> Line:
        return self.partitions[0].line

    def warnings(self) -> list[str]:
        """What of each Redis's settings should be put right, in whole sentences.

        Raises:
            UsageError: they make it lose keys.
        """
        nodes = {one.line.holder().id: one.line for one in reversed(self.partitions)}
        told = (sentence for line in reversed(nodes.values()) for sentence in warnings_of(line))
        return list(dict.fromkeys(told))

    # Sessions.

    def attach(
        self,
        worker: WorkerInfo,
        tokens_held: Sequence[bytes] = (),
        kinds: Sequence[Kind] = (),
        hard_end_s: float = 180.0,
        in_flight: Give | None = None,
    ) -> Attached:
        seats = Seats(os.urandom(8).hex(), worker, kinds, hard_end_s, self._leasing.home())
        standing = self._leasing.attach(seats, tokens_held, in_flight)
        self._seats[seats.session] = seats
        return Attached(session=seats.session, standing=tuple(standing))

    def detach(self, session: str) -> None:
        self._end(session, "")

    def lost(self, session: str) -> None:
        """End a session whose worker has vanished: a death for each task it held."""
        self._end(session, "lost")

    def _end(self, session: str, how: str) -> None:
        self._seats.pop(session, None)
        left = list(self.partitions)
        while left:
            done = together([one.detach(session, how) for one in left])
            left = [one for one, over in zip(left, done, strict=True) if not over]

    def _seated(self, session: str) -> Seats:
        seats = self._seats.get(session)
        if seats is None and len(self.partitions) > 1:
            raise SessionGoneError()
        if seats is None:  # in one partition it is known by its name
            seats = Seats(session, WorkerInfo(name=""), (), 0.0, 0, {0: Seat()})
        return self._seats.setdefault(session, seats)

    def beat(self, session: str, give: Give | None = None) -> BeatReply:
        seats = self._seated(session)
        gifts = self._parted_gifts(give)
        numbers = list(seats.at)
        asks = [self.partitions[one].beat(session, gifts.get(one)) for one in numbers]
        replies = {}
        for number, answer in zip(numbers, together(asks), strict=True):
            if number in seats.at:  # it may have been left meanwhile
                replies[number] = beaten(answer)
                seats.give(number, gifts.get(number, {}))
                seats.grant(number, replies[number].grants)
        return self._beaten(list(replies.values()))

    def _beaten(self, replies: Sequence[BeatReply]) -> BeatReply:
        if len(self.partitions) == 1:
            return replies[0]
        return BeatReply(
            state=state_of([one.state for one in replies]),
            grants=tuple(grant for one in replies for grant in numbered(one.grants, one.seq)),
            seq=max(one.seq for one in replies),
            sessions=self._leasing.sessions([one.sessions for one in replies]),
        )

    def _parted_gifts(self, give: Give | None) -> dict[int, dict[str, int]]:
        gifts: dict[int, dict[str, int]] = {}
        for host, surplus in (give or {}).items():
            gifts.setdefault(self._division.of(host), {})[host] = surplus
        return gifts

    # Tasks in.

    def add(
        self,
        tasks: Sequence[Task],
        sightings: Sequence[Sighting] = (),
        *,
        seeds_complete: bool = False,
    ) -> int:
        seeds_complete = seeds_complete and not self._has_begun_anew()
        if len(self.partitions) == 1:
            return sum(together(self.partitions[0].add(tasks, sightings, complete=seeds_complete)))
        parts: dict[int, list[Task]] = {0: []} if sightings else {}
        for task in tasks:
            parts.setdefault(partition_of(task.url, self._division), []).append(task)
        asks = [
            ask
            for number, some in parts.items()
            for ask in self.partitions[number].add(some, () if number else sightings)
        ]
        new: int = sum(self._outbox.confirmed(asks)[: len(asks)])
        if seeds_complete:  # all are there, whatever is lost from now on is seen by its epoch
            epochs = b"" if self._seeding else self._epochs.now()
            self.partitions[0].steer(seeds="yes", epochs=epochs).alone()
        return new

    def begin_seeds(self) -> None:
        """Seeds are about to be added, from the first one: the crawl cannot end before the last."""
        self._seeding = True
        self._life = "" if self._epochs else life(self._line)
        self.partitions[0].steer(seeds="no", epochs=self._epochs.now()).alone()

    def _has_begun_anew(self) -> bool:
        """Whether the one log was taken up again since the first seed: it may lack some of them,
        though it has what came later. Without the mark behind them all are added again."""
        return bool(self._life) and self._life != life(self._line)

    def lacks_seeds(self) -> bool:
        """Whether seeds that were complete may have been lost: they are to be added again, from
        `begin_seeds` on. Until then the crawl does not end."""
        seeds, epochs = self.partitions[0].command("HMGET", "books", "seeds", "epochs").alone()
        return seeds != b"yes" or (len(self._epochs) > 0 and epochs != self._epochs.now())

    # Tasks out and back.

    def lease(
        self,
        session: str,
        limit: int,
        wait_s: float = 0.0,  # noqa: ARG002
        give: Give | None = None,
    ) -> LeaseReply:
        """See `Frontier.lease`; it never blocks: idle workers are to leave Redis in peace."""
        return self._leasing.lease(self._seated(session), limit, self._parted_gifts(give))

    def finish(
        self, session: str, outcomes: Sequence[Outcome], give: Give | None = None
    ) -> FinishReply:
        gifts = self._parted_gifts(give)
        parts: dict[int, list[int]] = {number: [] for number in gifts}
        for place, one in enumerate(outcomes):
            parts.setdefault(self._division.of_token(one.token), []).append(place)
        parts = parts or {0: []}
        calls = [
            (number, ask, put)
            for number, places in parts.items()
            for ask, put in self.partitions[number].finish(
                session, [outcomes[place] for place in places], gifts.get(number)
            )
        ]
        heads = [read(one, FinishHead) for one in together([ask for _, ask, _ in calls])]
        self._seat_finished(session, outcomes, parts, gifts)
        said = iter([flag == "1" for head in heads for flag in head.accepted])
        accepted = {place: next(said) for places in parts.values() for place in places}
        numbers, packs = [one[0] for one in calls], [one[2] for one in calls]
        self._outbox.carry(_letters(numbers, packs, heads))
        return self._finished(
            tuple(accepted[place] for place in range(len(outcomes))), session, numbers, heads
        )

    def _seat_finished(
        self, session: str, outcomes: Sequence[Outcome], parts: Mapping[int, list[int]],
        gifts: Mapping[int, Give],
    ) -> None:  # fmt: skip
        seats = self._seats.get(session)
        if seats is None:
            return
        for number, places in parts.items():
            seats.finish(number, [outcomes[place].token for place in places])
            seats.give(number, gifts.get(number, {}))

    def _finished(
        self, accepted: tuple[bool, ...], session: str, numbers: Sequence[int],
        heads: Sequence[FinishHead],
    ) -> FinishReply:  # fmt: skip
        seats, one = self._seats.get(session), len(self.partitions) == 1
        grants: tuple[Grant, ...] = ()
        for number, head in zip(numbers, heads, strict=True):
            grants = merged(grants, head.grants if one else numbered(head.grants, head.seq))
            if seats:
                seats.grant(number, head.grants)
        return FinishReply(
            accepted=accepted,
            grants=grants,
            state=heads[-1].state if one else state_of([head.state for head in heads]),
            seq=max(head.seq for head in heads),
        )

    # Results.

    def results(self, cursor: str = "", limit: int = 1_000) -> Results:
        return results_after(self.partitions, cursor, limit)

    def trim(self, cursor: str) -> None:
        cursors = cursors_of(cursor, len(self.partitions))
        together([one.trim(at) for one, at in zip(self.partitions, cursors, strict=True) if at])

    # Looking.

    def stats(self) -> Stats:
        """See `Frontier.stats`. Whoever looks also carries what was left behind in outboxes."""
        every = looking.every_field(self.partitions)
        counts = looking.Counters(looking.merged_fields([fields for fields, _ in every]))
        stats = counts.now()
        if len(self.partitions) == 1:
            return stats
        left = [number for number, (_, waits) in enumerate(every) if waits]
        self._outbox.sweep(left)
        if stats.state is State.ENDED and (left or not self._is_over()):
            return msgspec.structs.replace(stats, state=counts.asked())
        return stats

    def _is_over(self) -> bool:
        looks = looked(self.partitions)
        return is_quiet(looks) and self._has_ended(looks)

    def _has_ended(self, looks: Sequence[Look]) -> bool:
        """Whether a second look agrees: then there was a moment when nothing was to be done."""
        epochs = self._epochs.now()
        running = state_of([one.state for one in looks]) is State.RUNNING
        if running and len(self._epochs) and looks[0].epochs != epochs:
            return False  # seeds may have been lost: they are added again
        again = looked(self.partitions)
        still = [one.activity for one in looks] == [one.activity for one in again]
        return is_quiet(again) and still and epochs == self._epochs.now()

    def hosts(self, limit: int = 100) -> list[HostRow]:
        return looking.host_rows(self.partitions, limit)

    def workers(self) -> list[WorkerRow]:
        now = self._clock.now_s() if self._clock else self._time()
        return looking.worker_rows(self.partitions, now)

    def _time(self) -> float:
        seconds, micros = self._line.command("TIME")
        return int(seconds) + int(micros) / 1e6

    # Steering.

    def requeue(self, which: Filter) -> int:
        left, revived = dict.fromkeys(self.partitions, b"-inf"), 0
        while left:
            answers = together([one.requeue(which, last) for one, last in left.items()])
            revived += sum(number for _, number in answers)
            left = {one: last for one, (last, _) in zip(left, answers, strict=True) if last}
        if revived and len(self.partitions) > 1:
            self.resume()
        return revived

    def refetch(self, anew: Sequence[Anew]) -> int:
        """Forget records, have what brought them done again; answer how many tasks wait for it.

        A record is forgotten once: asked for again before it is fetched anew, that changes nothing.
        Sets *running*, except from a pause.
        """
        parts = shares(anew, lambda url: partition_of(url, self._division))
        again: int = sum(
            ask.alone() for number, some in parts.items()
            for ask in self.partitions[number].refetch(some)
        )  # fmt: skip
        if again and self._asked_for() is not State.PAUSED:
            self.resume()
        return again

    def held(self, held: Sequence[Held]) -> None:
        """Tell whoever writes the catalog where the bytes of records lie as well, or no longer."""
        parts: dict[int, list[Held]] = {}
        for one in held:
            parts.setdefault(partition_of(one.final_url, self._division), []).append(one)
        for number, some in parts.items():
            for start in range(0, len(some), CHUNK):
                self.partitions[number].held(some[start : start + CHUNK]).alone()

    def pause(self, reason: str = "") -> None:
        self._steer(State.PAUSED, reason)

    def resume(self) -> None:
        self._steer(State.RUNNING)

    def stop(self, reason: str = "") -> None:
        self._steer(State.DRAINING, reason)

    def _asked_for(self) -> State:
        return state_of([one.state for one in looked(self.partitions)])

    def _steer(self, state: State, reason: str = "") -> None:
        together([one.steer(state, reason) for one in self.partitions])

    # Care.

    def audit(self) -> list[str]:
        """See `Frontier.audit`; true only while nobody else calls."""
        return [fault for one in self.partitions for fault in audit(one)]

    def close(self) -> None:
        self._line.close()


def _letters(
    numbers: Sequence[int], packs: Sequence[Packed], heads: Sequence[FinishHead]
) -> Iterable[Letter]:
    """What outcomes have written into outboxes."""
    for number, packed, head in zip(numbers, packs, heads, strict=True):
        for sent in head.sent:
            message = packed.at(sent.place) if sent.place else None
            yield Letter(number, sent.entry.encode(), sent.partition, message)
