"""The SQLite frontier against the one in memory, through whatever happens to both."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.contracts.bench import record

from bowerbird.errors import SessionGoneError
from bowerbird.frontier.local import LocalFrontier
from bowerbird.frontier.memory import MemoryFrontier
from bowerbird.frontier.rules import Rules
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.model import (
    Filter,
    Kind,
    Lease,
    LeaseReply,
    Outcome,
    Record,
    Robots,
    State,
    Task,
    Verb,
    WorkerInfo,
)
from bowerbird.testing import ManualClock

KINDS = [Kind.IMAGE, Kind.PAGE, Kind.SITEMAP]
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
                Robots(verdict="text", text="User-agent: *\nDisallow: /1\nCrawl-delay: 1"),
            ]
        ),
        "kept": st.booleans(),
    }
)


class Both(RuleBasedStateMachine):
    """Each call goes to both; sessions and tokens differ, all else has to be equal."""

    @initialize(
        rules=st.builds(
            Rules,
            per_host=st.integers(1, 4),
            obey_robots=st.booleans(),
            delay_s=st.sampled_from([0.0, 0.0, 1.5]),
            max_images=st.sampled_from([0, 0, 5]),
            max_pages=st.sampled_from([0, 0, 3]),
        )
    )
    def open(self, rules: Rules) -> None:
        self.folder = TemporaryDirectory()
        self.clock = ManualClock()
        self.per_host = rules.per_host
        path = Path(self.folder.name) / "crawl.db"
        self.pair: list[LocalFrontier] = [
            MemoryFrontier(rules, self.clock),
            SqliteFrontier(path, rules, self.clock),
        ]
        self.sessions: list[Sequence[str]] = []
        self.leases: list[Sequence[Lease]] = []

    def teardown(self) -> None:
        if hasattr(self, "pair"):
            for frontier in self.pair:
                assert frontier.audit() == []
                frontier.close()
            self.folder.cleanup()

    @rule(found=st.lists(tasks, max_size=12), complete=st.booleans())
    def add(self, found: list[Task], complete: bool) -> None:
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
        memory, sqlite = replies
        assert (memory is None) == (sqlite is None)
        if memory is None or sqlite is None:
            return
        assert [one.task for one in memory.leases] == [one.task for one in sqlite.leases]
        for one, other in zip(memory.leases, sqlite.leases, strict=True):
            assert (one.attempts, one.suspect) == (other.attempts, other.suspect)
        assert set(memory.grants) == set(sqlite.grants)
        assert (memory.state, memory.seq) == (sqlite.state, sqlite.seq)
        assert memory.next_in_s == sqlite.next_in_s
        self.leases += zip(memory.leases, sqlite.leases, strict=True)

    @precondition(lambda self: self.leases)
    @rule(which=st.integers(0, 99), answer=answers, again=st.booleans())
    def finish(self, which: int, answer: dict[str, object], again: bool) -> None:
        pair = self.leases[which % len(self.leases)]
        if not again:
            self.leases.remove(pair)
        answer = dict(answer)
        kept = answer.pop("kept")
        records: tuple[Record, ...] = (record(pair[0].task.url),) if kept else ()
        accepted = [
            frontier.finish(
                "",
                [Outcome(token=lease.token, reason="x", records=records, **answer)],  # type: ignore[arg-type]
            ).accepted
            for frontier, lease in zip(self.pair, pair, strict=True)
        ]
        assert accepted[0] == accepted[1]

    @rule(seconds=st.sampled_from([0.1, 1.0, 3.0, 9.0, 70.0, 100_000.0]))
    def wait(self, seconds: float) -> None:
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
            memory, sqlite = self.pair
            assert memory.stats() == sqlite.stats()
            assert memory.hosts() == sqlite.hosts()

    @invariant()
    def slots_never_exceed(self) -> None:
        for frontier in getattr(self, "pair", ()):
            assert all(row.slots <= self.per_host for row in frontier.hosts())


TestBoth = Both.TestCase
TestBoth.settings = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
