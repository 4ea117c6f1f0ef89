"""Hosts that ask for patience, and hosts that are down."""

from bowerbird.model import Outcome, State, Verb
from tests.contracts.bench import Bench, Worker, image, outcome, refused, urls


class HostRules:
    """Holds, delays, falls and returns."""

    def test_a_hold_stops_the_host_for_everybody(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}") for n in range(9)])
        first, second = bench.worker(), bench.worker()
        (lease,) = first.lease(1)
        bench.add(image("1", host="b.test"))
        first.finish(outcome(lease, Verb.RETRY, reason="http-429", in_s=60.0, hold_s=60.0))

        assert urls(second.lease()) == ["http://b.test/1"]
        bench.wait(59.0)
        assert second.lease() == []
        bench.wait(2.0)
        assert len(second.lease()) == 9

    def test_hosts_that_are_held_hide_none_that_is_not(self, bench: Bench) -> None:
        bench.add(*[image(path, host=f"{host}.test") for host in "abc" for path in "12"])
        worker = bench.worker()
        for _ in "abc":
            (lease,) = worker.lease(1)
            worker.finish(outcome(lease, Verb.RETRY, reason="http-429", in_s=60.0, hold_s=60.0))
        bench.add(image("1", host="d.test"))

        assert "http://d.test/1" in urls(worker.lease())

    def test_who_has_tasks_there_is_told_of_a_hold(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}") for n in range(40)])
        first, second = bench.worker(), bench.worker()
        lease, second_leases = first.lease(1)[0], second.lease(2)
        assert second_leases
        first.finish(outcome(lease, Verb.RETRY, reason="http-429", in_s=1.0, hold_s=30.0))
        bench.clock.advance(1.0)
        second.beat()

        assert second.holds == {"a.test": 29.0}

    def test_a_shorter_hold_does_not_end_a_longer_one(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}") for n in range(3)])
        worker = bench.worker()
        one, two, three = worker.lease()
        worker.finish(outcome(one, Verb.RETRY, reason="http-503", in_s=1.0, hold_s=20.0))
        worker.finish(outcome(two, Verb.RETRY, reason="http-503", in_s=1.0, hold_s=1.0))
        worker.finish(outcome(three))

        bench.wait(19.0)
        assert worker.lease() == []
        bench.wait(1.5)
        assert len(worker.lease()) == 2

    def test_no_hold_is_longer_than_an_hour(self, bench: Bench) -> None:
        bench.add(image("1"))
        worker = bench.worker()
        (lease,) = worker.lease()
        worker.finish(outcome(lease, Verb.RETRY, reason="http-429", in_s=1.0, hold_s=1e9))
        bench.wait(3_601.0)

        assert len(worker.lease()) == 1

    def test_next_in_s_names_the_end_of_a_hold(self, bench: Bench) -> None:
        bench.add(image("1"), image("2"))
        worker = bench.worker()
        one, two = worker.lease()
        worker.finish(outcome(one, hold_s=0.4), outcome(two, Verb.RELEASED))

        reply = worker.ask()
        assert reply.leases == ()
        assert 0.0 < reply.next_in_s <= 0.4

    # Down.

    def _fall(self, bench: Bench, worker: Worker, host: str = "a.test") -> None:
        bench.add(*[image(f"fall-{n}", host=host) for n in range(5)])
        leases = worker.lease(5)
        assert len(leases) == 5
        worker.finish(*[refused(lease, in_s=0.1) for lease in leases])
        bench.wait(0.2)

    def _answered(self, bench: Bench, worker: Worker, host: str) -> None:
        bench.add(image("first", host=host))
        worker.done(worker.lease())
        worker.give_surplus()

    def test_a_host_is_down_after_five_failures_in_a_row(self, bench: Bench) -> None:
        worker = bench.worker()
        self._answered(bench, worker, "a.test")
        self._fall(bench, worker)

        assert worker.lease() == []
        (row,) = bench.frontier.hosts()
        assert (row.host, row.state, row.waiting) == ("a.test", "down", 5)

    def test_a_success_between_failures_keeps_a_host_up(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}") for n in range(9)])
        worker = bench.worker()
        for number, lease in enumerate(worker.lease()):
            worker.finish(outcome(lease) if number % 4 == 3 else refused(lease, in_s=0.1))
        bench.wait(0.2)

        assert worker.lease() != []

    def test_one_probe_at_a_time_and_an_answer_brings_the_host_back(self, bench: Bench) -> None:
        worker, other = bench.worker(), bench.worker()
        self._answered(bench, worker, "a.test")
        self._fall(bench, worker)
        bench.wait(59.0)
        assert worker.lease() == []
        bench.wait(1.5)
        (probe,) = worker.lease()
        assert other.lease() == []

        worker.finish(outcome(probe, Verb.DEAD, reason="http-404"))
        assert len(worker.lease()) == 4

    def test_probes_come_after_one_five_and_fifteen_minutes_and_then_all_is_dead(
        self, bench: Bench
    ) -> None:
        worker = bench.worker()
        self._answered(bench, worker, "a.test")
        self._fall(bench, worker)
        began, probed = bench.clock.now_s(), []
        while bench.clock.now_s() < began + 1_000:
            for probe in worker.lease():
                assert probe.attempts <= 1  # of before the fall: probes are not counted
                probed.append(bench.clock.now_s() - began)
                worker.finish(refused(probe))
                worker.give_surplus()
            bench.wait(2.0)
        worker.ask()

        assert [round(at / 60) for at in probed] == [1, 5, 15]
        assert bench.dead() == {"host-down": 5}
        bench.add(image("later"))
        worker.ask()
        assert bench.dead() == {"host-down": 6}
        assert worker.ask().state is State.ENDED

    def test_a_spent_retry_of_a_host_that_is_down_waits_too(self, bench: Bench) -> None:
        worker = bench.worker()
        self._answered(bench, worker, "a.test")
        bench.add(*[image(f"{n}") for n in range(6)])
        leases = worker.lease()
        worker.finish(*[refused(lease) for lease in leases[:5]])
        assert bench.frontier.hosts()[0].state == "down"
        worker.finish(refused(leases[5]))

        assert bench.frontier.stats().waiting == {"image": 6}

    def test_a_host_that_never_answered_has_one_probe(self, bench: Bench) -> None:
        worker = bench.worker()
        self._answered(bench, worker, "b.test")
        self._fall(bench, worker)
        bench.wait(61.0)
        (probe,) = worker.lease()
        worker.finish(refused(probe))
        worker.ask()

        assert bench.dead() == {"host-down": 5}
        assert bench.frontier.stats().hosts_answered == 1

    def test_where_nothing_ever_answered_the_crawl_ends_at_once(self, bench: Bench) -> None:
        worker = bench.worker()
        self._fall(bench, worker)
        for _ in range(5):
            worker.ask()
            bench.clock.advance(0.1)

        assert worker.ask().state is State.ENDED
        assert bench.dead() == {"host-down": 5}
        assert bench.frontier.stats().hosts_answered == 0

    def test_other_hosts_are_tried_before_giving_up(self, bench: Bench) -> None:
        worker = bench.worker()
        self._fall(bench, worker)
        bench.add(image("x", host="b.test"))
        (lease,) = worker.lease()
        assert bench.dead() == {}
        worker.done([lease])
        bench.wait(61.0)

        (probe,) = worker.lease()
        worker.done([probe])
        assert len(worker.lease()) == 4

    def test_a_name_that_does_not_exist_is_dead_by_its_retries(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}") for n in range(9)])
        worker = bench.worker()
        for _ in range(4):
            leases = worker.lease()
            assert len(leases) == 9
            worker.finish(
                *[
                    Outcome(token=one.token, verb=Verb.RETRY, reason="dns-failed", answered=False)
                    for one in leases
                ]
            )

        assert bench.dead() == {"dns-failed": 9}
        assert worker.ask().state is State.ENDED

    def test_requeue_brings_a_host_that_is_down_back(self, bench: Bench) -> None:
        worker = bench.worker()
        self._fall(bench, worker)
        for _ in range(3):
            worker.ask()
        assert bench.dead() == {"host-down": 5}

        assert bench.requeue(host="a.test") == 5
        assert len(worker.lease()) == 5

    def test_a_dead_probe_is_followed_by_another(self, bench: Bench) -> None:
        worker = bench.worker()
        self._answered(bench, worker, "a.test")
        self._fall(bench, worker)
        bench.wait(61.0)
        (probe,) = worker.lease()
        worker.finish(outcome(probe, Verb.RELEASED))

        assert len(worker.lease()) == 1

    def test_the_wall_clock_may_jump(self, bench: Bench) -> None:
        bench.add(image("1"), image("2"))
        worker = bench.worker()
        one, two = worker.lease()
        worker.finish(outcome(one, Verb.RETRY, reason="timeout", in_s=10.0), outcome(two))
        for jump in (3_600.0, -7_200.0, 315e6, -630e6):
            bench.clock.jump(jump)
            worker.beat()
            assert worker.lease() == []
        bench.wait(10.1)

        assert len(worker.lease()) == 1
