"""What one partition of a crawl is asked, and what its answers mean.

What happens is decided by the scripts in `lua/`; here values are packed, calls are cut into pieces
that keep Redis busy for about a millisecond, and robots.txt is judged.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from bowerbird.clock import Clock
from bowerbird.codec import encode
from bowerbird.frontier.base import Give
from bowerbird.frontier.calls import merged
from bowerbird.frontier.redis.answers import BeatHead, Judged, LeaseHead, leases_of, read
from bowerbird.frontier.redis.division import Division
from bowerbird.frontier.redis.keys import Keys
from bowerbird.frontier.redis.line import Ask, Line
from bowerbird.frontier.redis.packing import (
    Packed,
    chunks_of_outcomes,
    chunks_of_tasks,
    partition_of,
)
from bowerbird.frontier.redis.refetch import Share, refetch_calls
from bowerbird.frontier.redis.robots import Judge
from bowerbird.frontier.redis.troubles import vanished
from bowerbird.frontier.tasks import NUMBER
from bowerbird.model import (
    BeatReply,
    Filter,
    Held,
    Kind,
    Lease,
    LeaseReply,
    Outcome,
    Sighting,
    Task,
    WorkerInfo,
)

#: Arguments of `add` and `finish` before those of their tasks.
_BEFORE_TASKS, _BEFORE_TOKENS = 5, 6


class Identity(NamedTuple):
    """Which crawl this is: its name may be another's by now."""

    identity: bytes
    key: bytes  #: of fingerprints


class Leased(NamedTuple):
    """What `lease` answered."""

    reply: LeaseReply
    chosen: bool  #: the session is being let run empty, for a suspect


class Partition:
    """The calls of a crawl to one of its partitions, most of them yet to be made."""

    def __init__(
        self, line: Line, keys: Keys, who: Identity, judge: Judge, clock: Clock | float,
        division: Division,
    ) -> None:  # fmt: skip
        """A partition of a crawl that is there. `clock`: or the time of Redis at monotonic zero."""
        self._began_s = clock if isinstance(clock, float) else 0.0
        self._clock = None if isinstance(clock, float) else clock
        self.line, self.keys, self.number = line, keys, keys.partition
        self._judge, self._division = judge, division
        self._identity, self._key = who
        self._elsewhere = self._other if division.partitions > 1 else None

    def __repr__(self) -> str:
        return f"<Partition {self.number} at {self.line.place}>"

    def _other(self, url: str) -> int | None:
        partition = partition_of(url, self._division)
        return None if partition == self.number else partition

    def now_s(self) -> float:
        """The time of Redis, about: good to guess by, and for no more."""
        return self._clock.now_s() if self._clock else self._began_s + time.monotonic()

    def ask(self, verb: str, *arguments: Any) -> Ask:
        """A script's call."""
        now = repr(self._clock.now_s()) if self._clock else ""
        return Ask(self.line, verb, (self.keys.of("books"), now, self._identity, *arguments))

    def command(self, name: str, key: str, *arguments: Any) -> Ask:
        """A command on one of the crawl's keys."""
        return Ask(self.line, "", (name, self.keys.of(key), *arguments))

    def shared(self, name: str, key: str, *arguments: Any) -> Ask:
        """A command on a key of all crawls."""
        return Ask(self.line, "", (name, f"{self.keys.common}{key}", *arguments))

    def checked(self, identity: bytes | None) -> None:
        """Raises CrawlVanishedError if what its books say is not this crawl's identity."""
        if identity != self._identity:
            raise vanished(self.line.place)

    # Sessions.

    def attach(
        self, session: str, worker: WorkerInfo, tokens_held: Sequence[bytes],
        kinds: Sequence[Kind], hard_end_s: float, in_flight: Give | None, *, counted: bool,
    ) -> Ask:  # fmt: skip
        """Answers the tokens that stand, and those of them that are leased alone. A session is
        counted in one of its partitions."""
        digits = "".join(sorted(str(NUMBER[kind]) for kind in set(kinds))) or "012345"
        flying = "" if in_flight is None else encode(dict(in_flight))
        return self.ask(
            "attach", session, worker.name, encode(worker), digits, repr(hard_end_s),
            repr(worker.clock_s) if worker.clock_s else "", flying, int(counted), *tokens_held,
        )  # fmt: skip

    def detach(self, session: str, how: str = "") -> Ask:
        """Answers 0 where it has to be called again."""
        return self.ask("detach", session, how)

    def beat(self, session: str, give: Give | None) -> Ask:
        """The answer is for `beaten`."""
        return self.ask("beat", session, _packed(give))

    # Tasks in.

    def add(
        self, tasks: Sequence[Task], sightings: Sequence[Sighting] = (), *, complete: bool = False
    ) -> Iterator[Ask]:
        """Tasks of this partition, packed as the calls are made; each answers how many were new."""
        *before, last = chunks_of_tasks(tasks)
        for chunk in before:
            yield self._add(chunk, "", b"")
        seen = encode(((), sightings)) if sightings else b""
        yield self._add(last, "yes" if complete else "", seen)

    def _add(self, tasks: Sequence[Task], mark: str, seen: bytes) -> Ask:
        packed = Packed(_BEFORE_TASKS, self._key)
        groups = encode(packed.groups(tasks))
        return self.ask("add", mark, seen, groups, *packed.arguments)

    def deliver(self, messages: Sequence[bytes]) -> Ask:
        """What other partitions send."""
        return self.ask("deliver", *messages)

    # Tasks out and back.

    def lease(self, session: str, limit: int, give: Give | None, call: bytes, others: bytes) -> Ask:
        """`call` begins the tokens, `others` is what other partitions have: `lua/lease.lua`."""
        return self.ask("lease", session, _packed(give), call, limit, others)

    def leased(self, session: str, call: bytes, answer: Sequence[bytes]) -> Leased:
        """What `lease` answered; what robots.txt forbids is finished as dead, before the session
        ever sees it. Raises SessionGoneError."""
        head = read(answer[0] if answer else b"", LeaseHead)
        reply = LeaseReply(
            state=head.state,
            leases=leases_of(head, call, answer[1:]),
            grants=head.grants,
            next_in_s=head.next_in_s,
            seq=head.seq,
        )
        refused, before = self._forbidden(reply.leases, head.judged)
        if refused:
            reply = self._refused(session, reply, refused, before)
        return Leased(reply, head.chosen)

    def _forbidden(
        self, leases: Sequence[Lease], judged: Sequence[Judged]
    ) -> tuple[set[int], dict[str, int]]:
        """Which leases robots.txt forbids, and the slots held before at their hosts."""
        refused: set[int] = set()
        before: dict[str, int] = {}
        for one in judged:
            bad = [i for i in one.indices if not self._allows(one, leases[i].task.url)]
            if bad:
                refused.update(bad)
                before[one.host] = min(one.slots, before.get(one.host, one.slots))
        return refused, before

    def _allows(self, judged: Judged, url: str) -> bool:
        return self._judge.allows(judged.origin, judged.stamp, url)

    def _refused(
        self, session: str, reply: LeaseReply, refused: set[int], before: dict[str, int]
    ) -> LeaseReply:
        tokens = [reply.leases[index].token for index in sorted(refused)]
        ask = self.ask("refuse", session, "robots", encode(before), *tokens)
        head = read(ask.alone(), BeatHead)
        kept = [lease for index, lease in enumerate(reply.leases) if index not in refused]
        return LeaseReply(
            state=head.state,
            leases=tuple(kept),
            grants=merged(reply.grants, head.grants),
            next_in_s=0.0,
            seq=head.seq,
        )

    def finish(
        self, session: str, outcomes: Sequence[Outcome], give: Give | None
    ) -> list[tuple[Ask, Packed]]:
        """Each answer is a `FinishHead`, which speaks of what was packed."""
        chunks = list(chunks_of_outcomes(outcomes))
        asks = [self._finish(session, chunk, None) for chunk in chunks[:-1]]
        return [*asks, self._finish(session, chunks[-1], give)]

    def _finish(
        self, session: str, outcomes: Sequence[Outcome], give: Give | None
    ) -> tuple[Ask, Packed]:
        put = Packed(_BEFORE_TOKENS + len(outcomes), self._key, self._elsewhere)
        said = encode([put.outcome(one, self._judge) for one in outcomes])
        tokens = [one.token for one in outcomes]
        ask = self.ask(
            "finish", session, _packed(give), said, len(outcomes), *tokens, *put.arguments
        )
        return ask, put

    def trim(self, cursor: str) -> Ask:
        """Free results up to an entry."""
        moment, _, number = cursor.partition("-")
        return self.command("XTRIM", "results", "MINID", f"{moment}-{int(number) + 1}")

    # Steering.

    def steer(self, state: str = "", reason: str = "", seeds: str = "", epochs: bytes = b"") -> Ask:
        """A state, and whether the seeds are complete ('yes', 'no'), added under these epochs."""
        return self.ask("steer", state, reason, seeds, epochs)

    def requeue(self, which: Filter, last: bytes) -> Ask:
        """Answers the last one looked at (empty: that was all), and how many were brought back."""
        digits = "".join(str(NUMBER[kind]) for kind in which.kinds)
        return self.ask("requeue", last, encode((which.host, which.reason, digits, which.url)))

    def refetch(self, some: Sequence[Share]) -> list[Ask]:
        """Each answers how many tasks wait again."""
        return [self.ask("refetch", *one) for one in refetch_calls(some, self._key)]

    def held(self, held: Sequence[Held]) -> Ask:
        """Where bytes of records lie as well."""
        return self.ask("held", *map(encode, held))


def beaten(answer: bytes) -> BeatReply:
    """What `beat` answered. Raises SessionGoneError."""
    head = read(answer, BeatHead)
    return BeatReply(state=head.state, grants=head.grants, seq=head.seq, sessions=head.sessions)


def _packed(give: Give | None) -> bytes:
    return encode(dict(give or {}))
