"""The frontier in Redis, for those who lease from it, feed it or look at it.

What happens is decided by the scripts in `lua/`; here values are packed, calls are cut into pieces
that keep Redis busy for about a millisecond, and robots.txt is judged.
"""

import os
from collections.abc import Sequence
from typing import Any

from bowerbird.clock import Clock
from bowerbird.codec import encode
from bowerbird.errors import UsageError
from bowerbird.frontier.base import Frontier, Give
from bowerbird.frontier.calls import merged
from bowerbird.frontier.redis import looking
from bowerbird.frontier.redis.address import RedisAddress, parse_redis
from bowerbird.frontier.redis.answers import (
    BeatHead,
    FinishHead,
    Judged,
    LeaseHead,
    joined,
    leases_of,
    read,
)
from bowerbird.frontier.redis.audit import audit
from bowerbird.frontier.redis.examine import warnings_of
from bowerbird.frontier.redis.keys import VERSION, Keys
from bowerbird.frontier.redis.line import Line
from bowerbird.frontier.redis.packing import (
    CHUNK,
    Packed,
    chunks_of_outcomes,
    chunks_of_tasks,
)
from bowerbird.frontier.redis.refetch import Anew, refetch_calls
from bowerbird.frontier.redis.results import results_after
from bowerbird.frontier.redis.robots import Judge
from bowerbird.frontier.redis.troubles import vanished
from bowerbird.frontier.rules import Rules
from bowerbird.frontier.tasks import NUMBER
from bowerbird.model import (
    Attached,
    BeatReply,
    Filter,
    FinishReply,
    Grant,
    Held,
    HostRow,
    Kind,
    Lease,
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

#: Arguments of `add` and `finish` before those of their tasks.
_BEFORE_TASKS, _BEFORE_TOKENS = 5, 6


class RedisFrontier(Frontier):
    """A crawl in Redis; any number of threads and processes may call it.

    Every call raises `ConnectionLostError` when Redis has gone or does not answer; whether the call
    was carried out is then not known: a worker attaches again with what it holds.
    """

    def __init__(
        self, address: RedisAddress | str, rules: Rules | None = None, clock: Clock | None = None
    ) -> None:
        """Take a crawl up, or make it where `rules` are given, which then bind it from now on.

        Time is Redis `TIME`, never that of a client. `clock` is for tests, which cannot set that:
        its time goes along with each call and is used instead.

        Raises:
            UsageError: the address is none, or Redis refuses us, or holds another version's crawl.
            ConnectionLostError: nothing answers there.
            FrontierError: there is no such crawl, and no `rules` to make one.
        """
        where = parse_redis(address) if isinstance(address, str) else address
        self._line, self._clock = Line(where), clock
        self.keys = Keys(where.crawl)
        self._books = self.keys.of("books")
        if rules:
            self.warnings()
        self._identity, self._key = self._open(rules)
        self._judge = Judge(self._user_agent(), self._robots_text)

    def __repr__(self) -> str:
        return f"<RedisFrontier {self._line.place}>"

    def _open(self, rules: Rules | None) -> tuple[bytes, bytes]:
        chosen = encode(_flat(rules)) if rules else b""
        fresh = os.urandom(8).hex(), os.urandom(16).hex()
        answer = self._line.run("open", self._books, self._now(), "", *fresh, VERSION, chosen)
        identity, key, version = answer
        if version != VERSION.encode():
            raise UsageError(
                f"The crawl {self.keys.crawl} in Redis was written by another version of Bowerbird "
                f"(its data are of version {version.decode()}, this one writes {VERSION})."
            )
        return identity, key

    def warnings(self) -> list[str]:
        """What of this Redis's settings should be put right, in whole sentences.

        Raises:
            UsageError: they make it lose keys.
        """
        return warnings_of(self._line)

    def _user_agent(self) -> str:
        agent: bytes = self._line.command("HGET", self._books, "user_agent") or b""
        return agent.decode()

    # Calls.

    def _now(self) -> str:
        return repr(self._clock.now_s()) if self._clock else ""

    def _run(self, verb: str, *arguments: Any) -> Any:
        return self._line.run(verb, self._books, self._now(), self._identity, *arguments)

    # Sessions.

    def attach(
        self,
        worker: WorkerInfo,
        tokens_held: Sequence[bytes] = (),
        kinds: Sequence[Kind] = (),
        hard_end_s: float = 180.0,
        in_flight: Give | None = None,
    ) -> Attached:
        session = os.urandom(8).hex()
        digits = "".join(sorted(str(NUMBER[kind]) for kind in set(kinds))) or "012345"
        flying = "" if in_flight is None else encode(dict(in_flight))
        standing = self._run(
            "attach", session, worker.name, encode(worker), digits, repr(hard_end_s),
            repr(worker.clock_s) if worker.clock_s else "", flying, *tokens_held,
        )  # fmt: skip
        return Attached(session=session, standing=tuple(standing))

    def detach(self, session: str) -> None:
        self._end(session, "")

    def lost(self, session: str) -> None:
        """End a session whose worker has vanished: a death for each task it held."""
        self._end(session, "lost")

    def _end(self, session: str, how: str) -> None:
        while not self._run("detach", session, how):
            pass

    def beat(self, session: str, give: Give | None = None) -> BeatReply:
        head = read(self._run("beat", session, _packed(give)), BeatHead)
        return BeatReply(state=head.state, grants=head.grants, seq=head.seq, sessions=head.sessions)

    # Tasks in.

    def add(
        self,
        tasks: Sequence[Task],
        sightings: Sequence[Sighting] = (),
        *,
        seeds_complete: bool = False,
    ) -> int:
        chunks = list(chunks_of_tasks(tasks))
        calls = [self._add_call(chunk) for chunk in chunks[:-1]]
        calls.append(self._add_call(chunks[-1], sightings, complete=seeds_complete))
        return sum(self._line.run_many("add", self._books, calls))

    def _add_call(
        self, tasks: Sequence[Task], sightings: Sequence[Sighting] = (), *, complete: bool = False
    ) -> list[Any]:
        packed = Packed(_BEFORE_TASKS, self._key)
        groups = encode(packed.groups(tasks))
        seen = encode(((), sightings)) if sightings else b""
        mark = "yes" if complete else ""
        return [self._now(), self._identity, mark, seen, groups, *packed.arguments]

    def begin_seeds(self) -> None:
        """Seeds are about to be added, from the first one: the crawl cannot end before the last."""
        self._run("steer", "", "", "no")

    # Tasks out and back.

    def lease(
        self,
        session: str,
        limit: int,
        wait_s: float = 0.0,  # noqa: ARG002
        give: Give | None = None,
    ) -> LeaseReply:
        """See `Frontier.lease`; it never blocks: idle workers are to leave Redis in peace."""
        reply = self._lease(session, min(limit, CHUNK), give)
        left = limit - len(reply.leases)
        while left > 0 and len(reply.leases) % CHUNK == 0 and reply.leases:
            more = self._lease(session, min(left, CHUNK), None)
            left -= len(more.leases)
            reply = joined(reply, more)
            if not more.leases:
                break
        return reply

    def _lease(self, session: str, limit: int, give: Give | None) -> LeaseReply:
        call = os.urandom(8)
        answer = self._run("lease", session, _packed(give), call, limit)
        head = read(answer[0] if answer else b"", LeaseHead)
        reply = LeaseReply(
            state=head.state,
            leases=leases_of(head, call, answer[1:]),
            grants=head.grants,
            next_in_s=head.next_in_s,
            seq=head.seq,
        )
        refused, before = self._forbidden(reply.leases, head.judged)
        return self._refused(session, reply, refused, before) if refused else reply

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
        """What robots.txt forbids is finished as dead, before the session ever sees it."""
        tokens = [reply.leases[index].token for index in sorted(refused)]
        head = read(self._run("refuse", session, "robots", encode(before), *tokens), BeatHead)
        kept = [lease for index, lease in enumerate(reply.leases) if index not in refused]
        return LeaseReply(
            state=head.state,
            leases=tuple(kept),
            grants=merged(reply.grants, head.grants),
            next_in_s=0.0,
            seq=head.seq,
        )

    def finish(
        self, session: str, outcomes: Sequence[Outcome], give: Give | None = None
    ) -> FinishReply:
        chunks = list(chunks_of_outcomes(outcomes))
        calls = [self._finish_call(session, chunk, None) for chunk in chunks[:-1]]
        calls.append(self._finish_call(session, chunks[-1], give))
        answers = self._line.run_many("finish", self._books, calls)
        heads = [read(answer, FinishHead) for answer in answers]
        grants: tuple[Grant, ...] = ()
        for head in heads:
            grants = merged(grants, head.grants)
        accepted = tuple(one == "1" for head in heads for one in head.accepted)
        return FinishReply(
            accepted=accepted, grants=grants, state=heads[-1].state, seq=heads[-1].seq
        )

    def _finish_call(
        self, session: str, outcomes: Sequence[Outcome], give: Give | None
    ) -> list[Any]:
        packed = Packed(_BEFORE_TOKENS + len(outcomes), self._key)
        said = encode([packed.outcome(one, self._judge) for one in outcomes])
        tokens = [one.token for one in outcomes]
        return [
            self._now(), self._identity, session, _packed(give), said, len(outcomes), *tokens,
            *packed.arguments,
        ]  # fmt: skip

    def _robots_text(self, origin: str) -> bytes | None:
        text: bytes | None = self._line.command("GET", self.keys.text(origin))
        return text

    # Results.

    def results(self, cursor: str = "", limit: int = 1_000) -> Results:
        return results_after(self._line, self.keys.of("results"), cursor, limit)

    def trim(self, cursor: str) -> None:
        if cursor:
            self._line.command("XTRIM", self.keys.of("results"), "MINID", _next_entry(cursor))

    # Looking.

    def stats(self) -> Stats:
        fields = self._line.table("HGETALL", self._books)
        if fields.get(b"identity") != self._identity:
            raise vanished(self._line.place)
        return looking.Counters(fields).now()

    def hosts(self, limit: int = 100) -> list[HostRow]:
        return looking.host_rows(self._line, self.keys, limit, self._ask_hosts)

    def _ask_hosts(self, names: Sequence[bytes]) -> bytes:
        rows: bytes = self._run("hosts", *names)
        return rows

    def workers(self) -> list[WorkerRow]:
        now = self._clock.now_s() if self._clock else self._time()
        return looking.worker_rows(self._line, self.keys, now)

    def _time(self) -> float:
        seconds, micros = self._line.command("TIME")
        return int(seconds) + int(micros) / 1e6

    # Steering.

    def requeue(self, which: Filter) -> int:
        digits = "".join(str(NUMBER[kind]) for kind in which.kinds)
        wanted = encode((which.host, which.reason, digits, which.url))
        last, revived = b"-inf", 0
        while last:
            last, number = self._run("requeue", last, wanted)
            revived += number
        return revived

    def refetch(self, anew: Sequence[Anew]) -> int:
        """Forget records, have what brought them done again; answer how many tasks wait for it.

        A record is forgotten once: asked for again before it is fetched anew, that changes nothing.
        Sets *running*, except from a pause.
        """
        return sum(self._run("refetch", *one) for one in refetch_calls(anew, self._key))

    def held(self, held: Sequence[Held]) -> None:
        """Tell whoever writes the catalog where the bytes of records lie as well, or no longer."""
        for start in range(0, len(held), CHUNK):
            self._run("held", *map(encode, held[start : start + CHUNK]))

    def pause(self, reason: str = "") -> None:
        self._run("steer", State.PAUSED, reason, "")

    def resume(self) -> None:
        self._run("steer", State.RUNNING, "", "")

    def stop(self, reason: str = "") -> None:
        self._run("steer", State.DRAINING, reason, "")

    # Care.

    def audit(self) -> list[str]:
        """See `Frontier.audit`; true only while nobody else calls."""
        return audit(self._line, self.keys, lambda *what: self._run("audit", *what))

    def close(self) -> None:
        self._line.close()


def _flat(rules: Rules) -> list[Any]:
    """Rules as fields of the crawl's books."""
    pairs = {
        "per_host": rules.per_host,
        "delay_s": repr(rules.delay_s),
        "obey_robots": int(rules.obey_robots),
        "user_agent": rules.user_agent,
        "max_pages": rules.max_pages,
        "max_images": rules.max_images,
        "retries": rules.retries,
    }
    return [item for pair in pairs.items() for item in pair]


def _next_entry(cursor: str) -> str:
    """The id behind that of an entry of a stream."""
    time, _, number = cursor.partition("-")
    return f"{time}-{int(number) + 1}"


def _packed(give: Give | None) -> bytes:
    return encode(dict(give or {}))
