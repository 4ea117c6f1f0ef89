"""A frontier against the one in memory, as a state machine: through whatever happens to both."""

from collections.abc import Iterable, Sequence
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from bowerbird.errors import SessionGoneError
from bowerbird.frontier.memory import MemoryFrontier
from bowerbird.frontier.rules import Rules
from bowerbird.model import (
    Filter,
    HostRow,
    Kind,
    Lease,
    LeaseReply,
    Outcome,
    Record,
    Robots,
    State,
    Stats,
    Task,
    Verb,
    WorkerInfo,
)
from bowerbird.testing import ManualClock
from tests.contracts.bench import record

KINDS = [Kind.IMAGE, Kind.PAGE, Kind.SITEMAP]
#: What rules have, most of all.
RULES = {
    "per_host": st.integers(1, 4),
    "obey_robots": st.booleans(),
    "delay_s": st.sampled_from([0.0, 0.0, 1.5]),
}
tasks = st.builds(
    lambda host, path, kind, depth: Task(url=f"http://{host}.test/{path}", kind=kind, depth=depth),
    st.sampled_from("abc"),
    st.integers(0, 40),
    st.sampled_from(KINDS),
    st.integers(0, 3),
)
answers = st.fixed_dictionaries(
    {
        "verb": st.sampled_from(list(Verb)),
        "answered": st.sampled_from([True, True, False, None]),
        "in_s": st.sampled_from([0.0, 1.0, 40.0]),
        "hold_s": st.sampled_from([0.0, 0.0, 0.0, 20.0]),
        "delay_s": st.sampled_from([None, None, None, 0.0, 2.0]),
        "found": st.lists(tasks, max_size=3).map(tuple),
        "moved": st.none() | tasks,
        "robots": st.sampled_from(
            [
                Robots(verdict="allow"),
                Robots(verdict="forbid"),
                Robots(verdict="text"),
            ]
        ),
        "kept": st.booleans(),
    }
)


def _kept(task: Task, verb: object) -> Record:
    """An image is kept when its task is done; those within pages come with whatever."""
    own = verb is Verb.DONE and task.kind is not Kind.ROBOTS
    return record(task.url if own else f"data:{len(task.url) + task.depth}")


def _without_what_may_wait(stats: Stats, rows: list[HostRow]) -> tuple[Stats, list[HostRow]]:
    """Dead sessions may be reaped, with their slots, and delayed tasks put back by a later call."""
    return replace(stats, sessions=0), [replace(row, waiting=0, slots=0) for row in rows]


class Both(RuleBasedStateMachine):
    """Each call goes to both; sessions and tokens differ, all else has to be equal."""

    #: What a robots.txt says. An engine that judges when the limit is reached gives fewer tasks.
    exact = True  #: whether work that may wait for another call is done in the same calls
    hosts = "abc"  #: an engine whose hosts take turns in another order can only be tried on one
    robots = "User-agent: *\nDisallow: /1\nCrawl-delay: 1"

    @initialize(
        rules=st.builds(
            Rules,
            **RULES,
            max_images=st.sampled_from([0, 0, 5]),
            max_pages=st.sampled_from([0, 0, 3]),
        )
    )
    def open(self, rules: Rules) -> None:
        self.clock = ManualClock()
        self.per_host = rules.per_host
        self.pair: list[Any] = [MemoryFrontier(rules, self.clock), self.other(rules)]
        self.seqs = [0, 0]
        self.sessions: list[Sequence[str]] = []
        self.leases: list[Sequence[Lease]] = []

    def other(self, rules: Rules) -> Any:
        """The one that is tried, empty."""
        raise NotImplementedError

    def teardown(self) -> None:
        if hasattr(self, "pair"):
            for frontier in self.pair:
                assert frontier.audit() == []
                frontier.close()

    def here(self, tasks: Iterable[Task]) -> tuple[Task, ...]:
        """Tasks at the hosts of this machine."""
        return tuple(
            task if task.url[7] in self.hosts else replace(task, url=f"http://a{task.url[8:]}")
            for task in tasks
        )

    @rule(found=st.lists(tasks, max_size=12), complete=st.booleans())
    def add(self, found: list[Task], complete: bool) -> None:
        found = list(self.here(found))
        new = [one.add(found, seeds_complete=complete) for one in self.pair]
        assert new[0] == new[1]

    @rule()
    def attach(self) -> None:
        info = WorkerInfo(name=f"w{len(self.sessions)}")
        self.sessions.append([one.attach(info, hard_end_s=60.0).session for one in self.pair])

    @precondition(lambda self: self.sessions)
    @rule(who=st.integers(0, 99), limit=st.integers(0, 20), give=st.booleans())
    def lease(self, who: int, limit: int, give: bool) -> None:
        gift = {f"{host}.test": 1 for host in "abc"} if give else None
        sessions = self.sessions[who % len(self.sessions)]
        replies: list[LeaseReply | None] = []
        for frontier, session in zip(self.pair, sessions, strict=True):
            try:
                replies.append(frontier.lease(session, limit, give=gift))
            except SessionGoneError:
                replies.append(None)
        memory, tried = replies
        assert (memory is None) == (tried is None)
        if memory is None or tried is None:
            return
        given = [[one.task for one in reply.leases] for reply in (memory, tried)]
        assert given[0] == given[1], given
        for one, other in zip(memory.leases, tried.leases, strict=True):
            assert (one.attempts, one.suspect) == (other.attempts, other.suspect)
        assert set(memory.grants) == set(tried.grants), (memory, tried)
        assert memory.state == tried.state
        if self.exact:
            assert memory.next_in_s == tried.next_in_s, (memory, tried)
        seqs = [memory.seq, tried.seq]
        assert all(now >= before for now, before in zip(seqs, self.seqs, strict=True))
        self.seqs = seqs
        self.leases += zip(memory.leases, tried.leases, strict=True)

    @precondition(lambda self: self.leases)
    @rule(which=st.integers(0, 99), answer=answers, again=st.booleans())
    def finish(self, which: int, answer: dict[str, Any], again: bool) -> None:
        pair = self.leases[which % len(self.leases)]
        if not again:
            self.leases.remove(pair)
        answer = dict(answer, found=self.here(answer["found"]))
        if answer["moved"] is not None:
            (answer["moved"],) = self.here([answer["moved"]])
        if answer["robots"] == Robots(verdict="text"):
            answer["robots"] = Robots(verdict="text", text=self.robots)
        kept = answer.pop("kept")
        records = (_kept(pair[0].task, answer["verb"]),) if kept else ()
        accepted = [
            frontier.finish(
                "",
                [Outcome(token=lease.token, reason="x", records=records, **answer)],  # type: ignore[arg-type]
            ).accepted
            for frontier, lease in zip(self.pair, pair, strict=True)
        ]
        assert accepted[0] == accepted[1]

    @rule(seconds=st.sampled_from([0.125, 1.0, 3.0, 9.0, 70.0, 100_000.0]))
    def wait(self, seconds: float) -> None:  # exact in binary: clocks begin anywhere
        self.clock.advance(seconds)

    @precondition(lambda self: self.sessions)
    @rule(who=st.integers(0, 99), lost=st.booleans())
    def end(self, who: int, lost: bool) -> None:
        sessions = self.sessions[who % len(self.sessions)]
        for frontier, session in zip(self.pair, sessions, strict=True):
            if lost:
                frontier.lost(session)
            else:
                frontier.detach(session)

    @rule(which=st.builds(Filter, host=st.sampled_from(["", "a.test"])))
    def requeue(self, which: Filter) -> None:
        assert self.pair[0].requeue(which) == self.pair[1].requeue(which)

    @rule(state=st.sampled_from([State.PAUSED, State.RUNNING, State.RUNNING]))
    def steer(self, state: State) -> None:
        for frontier in self.pair:
            if state is State.PAUSED:
                frontier.pause("because")
            else:
                frontier.resume()

    @invariant()
    def same_counts(self) -> None:
        if hasattr(self, "pair"):
            memory, tried = self.pair
            shown = [(one.stats(), one.hosts()) for one in (memory, tried)]
            if not self.exact:
                shown = [_without_what_may_wait(*one) for one in shown]
            assert shown[0] == shown[1], shown

    @invariant()
    def slots_never_exceed(self) -> None:
        for frontier in getattr(self, "pair", ()):
            assert all(row.slots <= self.per_host for row in frontier.hosts())


LIKE_BOTH = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
