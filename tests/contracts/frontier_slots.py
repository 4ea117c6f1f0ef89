"""Slots: how many requests a fleet may have in flight at a host, and how they wander."""

import random
from collections import defaultdict
from collections.abc import Callable

import msgspec
import pytest

from bowerbird.model import State, Verb
from tests.contracts.bench import PLAIN, Bench, Worker, host_of, image, outcome

DELAYED = msgspec.structs.replace(PLAIN, delay_s=2.0)


class SlotRules:
    """Tasks may run ahead of slots, requests never."""

    def test_one_session_has_all_slots_and_tasks_ahead_of_them(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}") for n in range(100)])
        worker = bench.worker()

        assert len(worker.lease(20)) == 20
        assert worker.slots == {"a.test": 4}

    def test_no_more_tasks_ahead_than_can_start_in_time(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}") for n in range(1_000)])

        # A second a request is assumed of a host that nobody knows: 4 slots for 30 s.
        assert len(bench.worker().lease(1_000)) == 120

    def test_a_slow_host_gives_fewer_tasks_ahead(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}") for n in range(1_000)])
        worker = bench.worker(hard_end_s=1e6)
        for _ in range(30):
            leases = worker.lease(4)
            bench.wait(20.0)
            worker.done(leases)

        assert len(worker.lease(1_000)) <= 8

    def test_with_a_delay_there_is_one_slot_and_few_tasks_ahead(
        self, make: Callable[..., Bench]
    ) -> None:
        bench = make(DELAYED)
        bench.add(*[image(f"{n}") for n in range(100)])
        first, second = bench.worker(), bench.worker()

        assert len(first.lease(100)) == 15
        assert (first.slots, first.delays) == ({"a.test": 1}, {"a.test": 2.0})
        assert second.lease(100) == []

    def test_a_session_with_leases_has_a_slot(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}", host=f"{n % 9}.test") for n in range(300)])
        for _ in range(7):
            worker = bench.worker()
            for lease in worker.lease(40):
                assert worker.slots[host_of(lease)] >= 1

    def test_slots_are_shared_when_sessions_come(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}") for n in range(1_000)])
        first = bench.worker()
        first.lease(10)
        second = bench.worker()
        assert second.lease(10) == []  # all four are out

        first.beat()
        assert first.wished == {"a.test": 2}
        assert first.give_surplus() == {"a.test": 2}
        assert len(second.lease(10)) == 10
        assert second.slots == {"a.test": 2}

    def test_slots_go_back_to_those_who_stay(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}") for n in range(1_000)])
        first, second = bench.worker(), bench.worker()
        first.lease(10)
        second.lease(10)
        assert (first.slots, second.slots) == ({"a.test": 2}, {"a.test": 2})

        bench.frontier.detach(second.session)
        second.session, second.slots = "", {}
        first.beat()
        assert first.slots == {"a.test": 4}

    def test_a_session_without_leases_is_asked_for_all_its_slots(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}") for n in range(4)])
        worker = bench.worker()
        worker.done(worker.lease())

        assert worker.wished == {"a.test": 0}
        assert worker.give_surplus() == {"a.test": 4}

    def test_slots_given_with_the_last_finish_serve_the_next_session(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}") for n in range(8)])
        first, second = bench.worker(), bench.worker()
        leases = first.lease(4)
        assert len(second.lease(2)) == 2
        third = bench.worker()
        assert third.lease(1) == []

        first.finish(*map(outcome, leases), give=first.slots)
        first.slots = {}
        assert len(third.lease(1)) == 1

    def test_giving_more_than_one_has_frees_nothing(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}") for n in range(100)])
        first = bench.worker()
        first.lease(10)
        second = bench.worker()

        second.beat({"a.test": 4, "unknown.test": 3})
        first.beat({"a.test": -3})
        assert second.lease(10) == []

    def test_what_is_freed_at_a_host_with_a_delay_cools_first(
        self, make: Callable[..., Bench]
    ) -> None:
        bench = make(DELAYED)
        bench.add(image("1"), image("2"), image("3"))
        first, second = bench.worker(), bench.worker()
        leases = first.lease(1)
        bench.clock.advance(0.5)
        first.finish(*map(outcome, leases), give={"a.test": 1})

        reply = second.ask()
        assert reply.leases == ()
        assert 1.9 < reply.next_in_s <= 2.0 or reply.next_in_s == 1.0
        bench.clock.advance(1.9)
        assert second.lease() == []
        bench.clock.advance(0.2)
        assert second.lease() != []

    def test_a_killed_holders_slot_cools_a_second_longer(self, make: Callable[..., Bench]) -> None:
        bench = make(DELAYED)
        bench.add(image("1"), image("2"))
        first, second = bench.worker(), bench.worker()
        first.lease(1)
        first.session, first.slots = "", {}
        bench.wait(8.0)
        bench.clock.advance(0.1)  # the end is found out with this call
        assert second.lease() == []
        bench.clock.advance(2.9)
        assert second.lease() == []
        bench.clock.advance(0.2)
        assert len(second.lease()) == 2

    def test_a_delay_that_grows_recalls_all_slots_but_one(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}") for n in range(1_000)])
        first, second = bench.worker(), bench.worker()
        leases = first.lease(10)
        second.lease(10)
        first.finish(outcome(leases[0], delay_s=5.0))
        second.beat()

        assert sorted([first.wished["a.test"], second.wished["a.test"]]) == [0, 1]
        assert (first.delays, second.delays) == ({"a.test": 5.0}, {"a.test": 5.0})
        first.give_surplus()
        second.give_surplus()
        assert bench.slots() == 1

    def test_a_delay_that_ends_gives_all_slots_again(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}") for n in range(1_000)])
        worker = bench.worker()
        leases = worker.lease(10)
        worker.finish(outcome(leases[0], delay_s=1.0))
        worker.give_surplus()
        assert worker.slots == {"a.test": 1}

        worker.finish(outcome(leases[1], delay_s=0.0))
        bench.wait(1.1)
        assert worker.slots == {"a.test": 4}

    def test_workers_cannot_shorten_a_delay_the_user_set(self, make: Callable[..., Bench]) -> None:
        bench = make(DELAYED)
        bench.add(*[image(f"{n}") for n in range(9)])
        worker = bench.worker()
        leases = worker.lease()
        worker.finish(outcome(leases[0], delay_s=0.0), outcome(leases[1], delay_s=1.0))

        assert worker.delays == {"a.test": 2.0}

    @pytest.mark.parametrize("seed", range(3))
    @pytest.mark.parametrize("delay_s", [0.0, 0.5])
    def test_a_fleet_never_has_more_slots_out_nor_starts_sooner(
        self, make: Callable[..., Bench], seed: int, delay_s: float
    ) -> None:
        """Workers come, go, die, dawdle and give back; every request they start is checked."""
        bench = make(msgspec.structs.replace(PLAIN, per_host=3, delay_s=delay_s))
        bench.add(*[image(f"{n}", host=f"{n % 5}.test") for n in range(200)])
        fleet = _Fleet(bench, delay_s, random.Random(seed))
        for _ in range(4_000):
            if fleet.step() is State.ENDED:
                break
        else:
            raise AssertionError(f"the crawl does not end: {bench.frontier.stats()}")
        assert sum(fleet.started.values()) >= 200


class _Fleet:
    """Workers that start requests as their slots and the delay allow, checked from outside."""

    def __init__(self, bench: Bench, delay_s: float, dice: random.Random) -> None:
        self.bench, self.delay_s, self.dice = bench, delay_s, dice
        self.last: dict[str, float] = {}
        self.own: dict[tuple[str, str], float] = {}
        self.started: defaultdict[str, int] = defaultdict(int)
        self.flights: defaultdict[str, dict[str, dict[bytes, float]]] = defaultdict(dict)

    def step(self) -> State:
        dice, clock = self.dice, self.bench.clock
        alive = [one for one in self.bench.workers if one.session]
        if not alive or (len(alive) < 4 and dice.random() < 0.05):
            alive.append(self.bench.worker())
        worker = dice.choice(alive)
        if dice.random() < 0.02:
            worker.session, worker.leases, worker.slots = "", [], {}
            return State.RUNNING
        state = worker.ask(dice.randint(0, 12)).state
        self._start(worker)
        for one in alive:
            if one.session:
                self._finish(one)
        clock.advance(dice.random() * 0.3)
        for one in alive:
            if one.session:
                one.beat()
        assert not any(self.bench.slots(f"{n}.test") > 3 for n in range(5))
        return state

    def _start(self, worker: Worker) -> None:
        now = self.bench.clock.now_s()
        for lease in worker.leases:
            host = host_of(lease)
            busy = [one for one in worker.leases if one.token in self._flights(worker, host)]
            if lease in busy or len(busy) >= min(worker.slots[host], worker.wished[host]):
                continue
            if worker.delays[host] and now < self.own.get((worker.name, host), -9.0) + self.delay_s:
                continue
            assert now >= self.last.get(host, -9.0) + self.delay_s, f"too soon at {host}"
            self.last[host] = self.own[worker.name, host] = now
            self.started[host] += 1
            self._flights(worker, host)[lease.token] = now + self.dice.random()

    def _flights(self, worker: Worker, host: str) -> dict[bytes, float]:
        """Requests under way: token -> when it will have ended."""
        return self.flights[worker.name].setdefault(host, {})

    def _finish(self, worker: Worker) -> None:
        now, verbs = self.bench.clock.now_s(), [Verb.DONE] * 9 + [Verb.RETRY]
        ended = [
            outcome(lease, self.dice.choice(verbs), reason="timeout", in_s=0.5)
            for lease in worker.leases
            if self._flights(worker, host_of(lease)).get(lease.token, now) < now
        ]
        if ended:
            worker.finish(*ended)
            for flights in self.flights[worker.name].values():
                for one in ended:
                    flights.pop(one.token, None)
        self._give(worker)

    def _give(self, worker: Worker) -> None:
        """Surplus slots go back once no request uses them."""
        busy = {host_of(lease) for lease in worker.leases}
        gift = {}
        for host, held in worker.slots.items():
            wanted = worker.wished[host] if host in busy else 0
            surplus = held - max(wanted, len(self._flights(worker, host)))
            if surplus > 0:
                gift[host] = surplus
                worker.slots[host] -= surplus
        worker.beat(gift)
