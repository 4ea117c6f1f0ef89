"""A frontier that is killed and taken up again at any moment, as a state machine: whatever happened
before, it is sound, and what is left of the crawl comes to its end."""

from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bowerbird.errors import SessionGoneError
from bowerbird.frontier.rules import Rules
from bowerbird.model import Filter, Lease, Outcome, Robots, State, Task, Verb, WorkerInfo
from bowerbird.testing import ManualClock
from tests.contracts.machine import RULES, Both, answers, tasks

#: Calls after which the rest of a crawl has come to its end.
ENOUGH = 3_000
ROBOTS = Robots(verdict="text", text=Both.robots)


class Resumed(RuleBasedStateMachine):
    """One frontier; who holds a lease may answer it late, twice, or after the next start."""

    @initialize(rules=st.builds(Rules, **RULES))
    def open(self, rules: Rules) -> None:
        self.rules, self.clock = rules, ManualClock()
        self.frontier: Any = self.opened(rules)
        self.sessions: list[str] = []
        self.leases: list[Lease] = []

    def opened(self, rules: Rules) -> Any:
        """The frontier, as it was left."""
        raise NotImplementedError

    def later(self, away_s: float) -> ManualClock:
        """The clock of the next start: of another boot, where only the wall's goes on."""
        return ManualClock(5.0, self.clock.wall_s() + away_s)

    def teardown(self) -> None:
        if hasattr(self, "frontier"):
            self._drain()
            assert self.frontier.audit() == []
            self.frontier.close()

    @rule(away_s=st.sampled_from([0.0, 1.0, 500.0]))
    def kill(self, away_s: float) -> None:
        self.frontier.close()
        self.clock = self.later(away_s)
        self.frontier = self.opened(self.rules)

    @rule(found=st.lists(tasks, max_size=6))
    def add(self, found: list[Task]) -> None:
        self.frontier.add(found, seeds_complete=True)

    @rule(local=st.booleans())
    def attach(self, local: bool) -> None:
        info = WorkerInfo(name=f"w{len(self.sessions)}", local=local)
        held = [] if local else [lease.token for lease in self.leases]
        self.sessions.append(self.frontier.attach(info, held, hard_end_s=60.0).session)

    @precondition(lambda self: self.sessions)
    @rule(who=st.integers(0, 99), limit=st.integers(1, 9))
    def lease(self, who: int, limit: int) -> None:
        session = self.sessions[who % len(self.sessions)]
        try:
            self.leases += self.frontier.lease(session, limit, give=None).leases
        except SessionGoneError:
            self.sessions.remove(session)

    @precondition(lambda self: self.leases)
    @rule(which=st.integers(0, 99), answer=answers, again=st.booleans())
    def finish(self, which: int, answer: dict[str, Any], again: bool) -> None:
        lease = self.leases[which % len(self.leases)]
        if not again:
            self.leases.remove(lease)
        kept = {name: value for name, value in answer.items() if name != "kept"}
        self.frontier.finish("", [Outcome(token=lease.token, reason="x", **kept)])

    @precondition(lambda self: self.sessions)
    @rule(who=st.integers(0, 99), lost=st.sampled_from([True, True, False]))
    def end(self, who: int, lost: bool) -> None:
        session = self.sessions.pop(who % len(self.sessions))
        (self.frontier.lost if lost else self.frontier.detach)(session)

    @rule(limit=st.integers(1, 9))
    def die(self, limit: int) -> None:
        self.attach(local=True)
        self.leases += self.frontier.lease(self.sessions[-1], limit, give=None).leases
        self.frontier.lost(self.sessions.pop())

    @rule(seconds=st.sampled_from([0.125, 1.0, 9.0, 70.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def requeue(self) -> None:
        self.frontier.requeue(Filter())

    @rule(pause=st.booleans())
    def steer(self, pause: bool) -> None:
        if pause:
            self.frontier.pause("because")
        else:
            self.frontier.resume()

    @invariant()
    def is_sound(self) -> None:
        if hasattr(self, "frontier"):
            assert self.frontier.audit() == []

    def _drain(self) -> None:
        self.frontier.resume()
        self.frontier.add([], seeds_complete=True)
        session = self.frontier.attach(WorkerInfo(name="last"), hard_end_s=60.0).session
        for _ in range(ENOUGH):
            reply = self.frontier.lease(session, 64, give=None)
            if reply.state is State.ENDED:
                return
            done = [Outcome(token=one.token, verb=Verb.DONE, answered=True, robots=ROBOTS)
                    for one in reply.leases]  # fmt: skip
            self.frontier.finish(session, done)
            self.clock.advance(0.0 if done else max(reply.next_in_s, 0.25))
        raise AssertionError(f"it never ends: {self.frontier.stats()}")
