"""A frontier that is killed and taken up again at any moment, as a state machine: whatever happened
before, it is sound, and what is left of the crawl comes to its end."""

from contextlib import suppress
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bowerbird.errors import SessionGoneError
from bowerbird.frontier.rules import Rules
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.frontier.turns import SOON_S
from bowerbird.model import (
    Filter,
    Lease,
    LeaseReply,
    Outcome,
    Robots,
    State,
    Task,
    Verb,
    WorkerInfo,
)
from bowerbird.testing import ManualClock
from tests.contracts.bench import image
from tests.contracts.machine import RULES, Both, answers, tasks
from tests.contracts.starved import could_have

#: Calls one of which ends a task, while any is left: they outlast the probes of a host.
ENOUGH = 5_000
MANY = 80
#: What a session gives back that has no request under way.
ALL = {f"{letter}.test": 99 for letter in Both.hosts}
gifts = st.dictionaries(st.sampled_from(sorted(ALL)), st.integers(1, 3))
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

    @rule(host=st.sampled_from(sorted(ALL)), start=st.integers(0, 9))
    def flood(self, host: str, start: int) -> None:
        """More tasks of one host than one session may have at a time."""
        first = 100 + start * MANY
        self.frontier.add([image(f"{n}", host) for n in range(first, first + MANY)])

    @rule(local=st.booleans())
    def attach(self, local: bool) -> None:
        info = WorkerInfo(name=f"w{len(self.sessions)}", local=local)
        held = [] if local else [lease.token for lease in self.leases]
        self.sessions.append(self.frontier.attach(info, held, hard_end_s=60.0).session)

    @precondition(lambda self: self.sessions)
    @rule(who=st.integers(0, 99), limit=st.integers(1, 9) | st.just(64))
    def lease(self, who: int, limit: int) -> None:
        session = self.sessions[who % len(self.sessions)]
        try:
            self.leases += self._asked(session, limit).leases
        except SessionGoneError:
            self.sessions.remove(session)

    def _asked(self, session: str, limit: int, give: dict[str, int] | None = None) -> LeaseReply:
        """What a session is given, which must not be less than it could be."""
        for _ in range(ENOUGH):  # each buries some at least, of what robots.txt forbids
            reply: LeaseReply = self.frontier.lease(session, limit, give=give)
            if reply.leases or reply.next_in_s > SOON_S:
                break
            give = None
        else:
            raise AssertionError(f"it is asked in vain without a pause: {reply}")
        if not reply.leases and isinstance(self.frontier, SqliteFrontier):
            missed = could_have(self.frontier, session)
            assert not missed, (missed, reply)
        return reply

    @precondition(lambda self: self.leases)
    @rule(which=st.integers(0, 99), answer=answers, again=st.booleans())
    def finish(self, which: int, answer: dict[str, Any], again: bool) -> None:
        lease = self.leases[which % len(self.leases)]
        if not again:
            self.leases.remove(lease)
        kept = {name: value for name, value in answer.items() if name != "kept"}
        self.frontier.finish("", [Outcome(token=lease.token, reason="x", **kept)])

    @precondition(lambda self: self.sessions)
    @rule(who=st.integers(0, 99), give=gifts)
    def beat(self, who: int, give: dict[str, int]) -> None:
        session = self.sessions[who % len(self.sessions)]
        try:
            self.frontier.beat(session, give)
        except SessionGoneError:
            self.sessions.remove(session)

    @precondition(lambda self: self.sessions)
    @rule(who=st.integers(0, 99), lost=st.sampled_from([True, True, False]))
    def end(self, who: int, lost: bool) -> None:
        session = self.sessions.pop(who % len(self.sessions))
        (self.frontier.lost if lost else self.frontier.detach)(session)

    @rule(limit=st.integers(1, 9))
    def die(self, limit: int) -> None:
        self.attach(local=True)
        self.leases += self._asked(self.sessions[-1], limit).leases
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
            faults = self.frontier.audit()
            assert not faults, faults

    def _drain(self) -> None:
        """Those who are still there do the rest; they answer, and give back what they held."""
        self.frontier.resume()
        self.frontier.add([], seeds_complete=True)
        self.frontier.finish("", [_done(one) for one in self.leases])
        left = ENOUGH
        while left > 0:
            if not self.sessions:
                self.attach(local=False)
            session = self.sessions.pop(0)
            with suppress(SessionGoneError):
                reply = self._turn(session)
                if reply.state is State.ENDED:
                    return
                left = ENOUGH if reply.leases else left - 1
                self.sessions.append(session)
        raise AssertionError(f"it never ends: {self.frontier.stats()}")

    def _turn(self, session: str) -> LeaseReply:
        reply = self._asked(session, 64, ALL)
        self.frontier.finish(session, [_done(one) for one in reply.leases], ALL)
        self.clock.advance(0.0 if reply.leases else max(reply.next_in_s, 0.25))
        return reply


def _done(lease: Lease) -> Outcome:
    return Outcome(token=lease.token, verb=Verb.DONE, answered=True, robots=ROBOTS)
