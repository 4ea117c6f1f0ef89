"""Leases in memory and in SQLite against a model that is too simple to be wrong."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bowerbird.leases import Leases, MemoryItems, Terms, Ticket, Verb
from bowerbird.leases.database import Database
from bowerbird.leases.sqlite import SqliteItems
from bowerbird.testing import ManualClock

TERMS = Terms(lease_s=10.0, attempts=3, retry_s=2.0, maxsize=12)


class Model:
    """One list of items, each a row of plain facts."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.items: list[dict[str, Any]] = []
        self.takes = self.number = 0

    def put(self, data: list[bytes], priority: int, in_s: float) -> int:
        pending = [one for one in self.items if one["state"] in ("waiting", "delayed")]
        fits = data[: max(0, TERMS.maxsize - len(pending))]
        for item in fits:
            self.number += 1
            self.items.append(
                {"data": item, "rank": (-priority, self.number), "state": "waiting",
                 "attempts": 0, "take": None, "due": 0.0}
            )  # fmt: skip
            if in_s:
                self.items[-1] |= {"state": "delayed", "due": self.clock.now_s() + in_s}
        return len(fits)

    def take(self, limit: int, lease_s: float, holder: int) -> list[tuple[bytes, int]]:
        waiting = [one for one in self.items if one["state"] == "waiting"]
        found = sorted(waiting, key=lambda one: one["rank"])[:limit]
        self.takes += bool(found)
        for place, one in enumerate(found):
            one |= {"state": "leased", "take": (self.takes, place), "holder": holder,
                    "attempts": one["attempts"] + 1, "lease_s": lease_s,
                    "until": self.clock.now_s() + lease_s}  # fmt: skip
        return [(one["data"], one["attempts"]) for one in found]

    def settle(self, take: int, places: set[int], verb: Verb, in_s: float | None) -> int:
        named = [one for one in self.items if one["take"] in {(take, p) for p in places}]
        for one in named:
            if verb is Verb.DONE or verb is Verb.DEAD:
                one |= {"state": "done" if verb is Verb.DONE else "dead", "take": None}
            elif one["state"] == "leased" and verb is Verb.RELEASED:
                one["attempts"] -= 1
                self.back(one, in_s or 0.0)
            elif one["state"] == "leased":
                wait_s = TERMS.retry_s * 2 ** (one["attempts"] - 1) if in_s is None else in_s
                self.fail(one, wait_s)
        return len(named)

    def fail(self, one: dict[str, Any], in_s: float) -> None:
        if one["attempts"] >= TERMS.attempts:
            one |= {"state": "dead", "take": None}
        else:
            self.back(one, in_s)

    def back(self, one: dict[str, Any], in_s: float) -> None:
        one |= {"state": "delayed" if in_s else "waiting", "due": self.clock.now_s() + in_s}

    def renew(self, take: int) -> int:
        leased = [one for one in self.items if one["take"] and one["take"][0] == take]
        leased = [one for one in leased if one["state"] == "leased"]
        for one in leased:
            one["until"] = self.clock.now_s() + one["lease_s"]
        return len(leased)

    def lost(self, holder: int) -> None:
        for one in self.items:
            if one["state"] == "leased" and one["holder"] == holder:
                self.fail(one, 0.0)

    def tend(self) -> None:
        for one in self.items:
            if one["state"] == "leased" and one["until"] <= self.clock.now_s():
                self.fail(one, 0.0)
            if one["state"] == "delayed" and one["due"] <= self.clock.now_s():
                one["state"] = "waiting"

    def requeue(self) -> int:
        dead = [one for one in self.items if one["state"] == "dead"]
        for one in sorted(dead, key=lambda one: one["rank"][1]):
            self.number += 1
            rank = one["rank"][0], self.number
            one |= {"state": "waiting", "attempts": 0, "rank": rank}
        return len(dead)

    def count(self, state: str) -> int:
        return sum(one["state"] == state for one in self.items)


class LeasesMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = TemporaryDirectory()
        self.clock = ManualClock()
        self.model = Model(self.clock)
        self.tokens: list[tuple[bytes, bytes, int]] = []  # in memory, in SQLite, how many
        self.number = 0
        self.memory = Leases(MemoryItems(self.clock), TERMS, self.clock)
        self.open()
        self.put(4, 0, 0.0)
        self.take(2, 10.0, 1)

    def open(self) -> None:
        self.database = Database(str(Path(self.folder.name) / "queues.db"))
        with self.database.batch():
            items = SqliteItems(self.database, "q", TERMS, self.clock)
            self.sqlite = Leases(items, TERMS, self.clock)

    @rule(number=st.integers(1, 5), priority=st.sampled_from([0, 0, 0, 3]),
          in_s=st.sampled_from([0.0, 0.0, 5.0]))  # fmt: skip
    def put(self, number: int, priority: int, in_s: float) -> None:
        data = [b"%d" % (self.number + n) for n in range(number)]
        self.number += number
        expected = self.model.put(data, priority, in_s)
        with self.database.batch():
            assert self.sqlite.put(data, priority=priority, in_s=in_s) == expected
        assert self.memory.put(data, priority=priority, in_s=in_s) == expected

    @rule(limit=st.integers(1, 4), lease_s=st.sampled_from([5.0, 10.0]), holder=st.integers(1, 2))
    def take(self, limit: int, lease_s: float, holder: int) -> None:
        expected = self.model.take(limit, lease_s, holder)
        mine = self.memory.take(limit, lease_s, holder)
        with self.database.batch():
            theirs = self.sqlite.take(limit, lease_s, holder)
        for given in (mine, theirs):
            found = list(zip(given.items, given.attempts, strict=True)) if given else []
            assert found == expected
        if mine and theirs:
            self.tokens.append((mine.token, theirs.token, len(expected)))

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), verb=st.sampled_from([*Verb, Verb.DONE]),
          in_s=st.sampled_from([None, 0.0, 3.0]))  # fmt: skip
    def settle(self, data: st.DataObject, verb: Verb, in_s: float | None) -> None:
        take = data.draw(st.integers(1, len(self.tokens)))
        mine, theirs, size = self.tokens[take - 1]
        places = data.draw(st.none() | st.lists(st.integers(0, 5), min_size=1).map(tuple))
        named = set(range(size)) if places is None else set(places)
        expected = self.model.settle(take, named, verb, in_s)
        with self.database.batch():
            ticket = Ticket(theirs, places)
            assert self.sqlite.settle([ticket], verb, in_s=in_s, why="so") == expected
        assert self.memory.settle([Ticket(mine, places)], verb, in_s=in_s, why="so") == expected

    @precondition(lambda self: self.tokens)
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        take = data.draw(st.integers(1, len(self.tokens)))
        expected = self.model.renew(take)
        with self.database.batch():
            assert self.sqlite.renew([Ticket(self.tokens[take - 1][1])]) == expected
        assert self.memory.renew([Ticket(self.tokens[take - 1][0])]) == expected

    @rule(holder=st.integers(1, 2))
    def lost(self, holder: int) -> None:
        self.model.lost(holder)
        self.memory.lost(holder)
        with self.database.batch():
            self.sqlite.lost(holder)

    @rule(seconds=st.sampled_from([0.5, 2.0, 6.0, 11.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.model.tend()
        self.memory.tend()
        with self.database.batch():
            self.sqlite.tend()

    @rule()
    def requeue(self) -> None:
        expected = self.model.requeue()
        assert self.memory.requeue() == expected
        with self.database.batch():
            assert self.sqlite.requeue() == expected

    @rule()
    def roll_back(self) -> None:
        try:
            with self.database.batch():
                self.sqlite.put([b"never"])
                self.sqlite.take(3)
                self.sqlite.lost(1)
                self.sqlite.settle([Ticket(token) for _, token, _ in self.tokens])
                raise ZeroDivisionError
        except ZeroDivisionError:
            self.sqlite.reload()
        for one in self.model.items:
            if one["state"] == "leased":
                one["until"] = self.clock.now_s() + one["lease_s"]
        for token, _, _ in self.tokens:
            self.memory.renew([Ticket(token)])

    @invariant()
    def counts(self) -> None:
        if not hasattr(self, "memory"):
            return
        expected = [self.model.count(one) for one in ("waiting", "delayed", "leased", "dead")]
        for leases in (self.memory, self.sqlite):
            found = leases.counts
            assert [found.waiting, found.delayed, found.leased, found.dead] == expected

    def teardown(self) -> None:
        if hasattr(self, "database"):
            assert self.database.read("integrity") == [("ok",)]
            self.database.close()
            self.folder.cleanup()


TestLeasesMachine = LeasesMachine.TestCase
TestLeasesMachine.settings = settings(
    max_examples=150, stateful_step_count=50, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
