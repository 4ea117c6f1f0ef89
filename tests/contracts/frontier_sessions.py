"""Sessions: beats, ends, successors; deaths, suspects and crashes."""

import pytest

from bowerbird.errors import SessionGoneError
from bowerbird.model import State, Verb, WorkerInfo
from tests.contracts.bench import Bench, Worker, image, outcome, page, urls


class SessionRules:
    """The lives of workers with a frontier."""

    def test_a_session_that_beats_lives_however_long(self, bench: Bench) -> None:
        bench.add(image("1"))
        worker = bench.worker(hard_end_s=1e6)
        worker.lease()
        bench.wait(100.0)

        assert [row.worker.name for row in bench.frontier.workers()] == ["w0"]
        assert bench.frontier.stats().leased == 1

    def test_a_silent_session_ends_and_its_tasks_go_back(self, bench: Bench) -> None:
        bench.add(image("1"))
        silent, other = bench.worker(), bench.worker()
        silent.lease()
        session, silent.session = silent.session, ""
        bench.wait(7.9)
        assert other.lease() == []
        bench.wait(2.0)
        assert urls(other.lease()) == ["http://a.test/1"]

        with pytest.raises(SessionGoneError):
            bench.frontier.beat(session)
        with pytest.raises(SessionGoneError):
            bench.frontier.lease(session, 1)

    def test_a_beat_says_how_many_share_what_is_meant_for_all(self, bench: Bench) -> None:
        first, _, last = bench.worker(), bench.worker(), bench.worker()
        assert bench.frontier.beat(first.session).sessions == 3
        bench.frontier.detach(last.session)
        assert bench.frontier.beat(first.session).sessions == 2

    def test_an_unknown_session_is_told_so(self, bench: Bench) -> None:
        with pytest.raises(SessionGoneError):
            bench.frontier.beat("nobody")
        bench.frontier.detach("nobody")

    def test_a_beat_that_comes_too_late_ends_the_session(self, bench: Bench) -> None:
        bench.add(image("1"))
        worker = bench.worker()
        worker.lease()
        bench.clock.advance(8.1)

        with pytest.raises(SessionGoneError):
            worker.beat()
        worker.session = ""
        assert bench.frontier.stats().leased == 0

    def test_detach_gives_everything_back_and_may_be_repeated(self, bench: Bench) -> None:
        bench.add(image("1"), image("2"))
        first, second = bench.worker(), bench.worker()
        first.lease()
        for _ in range(2):
            bench.frontier.detach(first.session)
        first.session = ""

        assert [one.attempts for one in second.lease()] == [0, 0]

    def test_detaching_leaves_no_death(self, bench: Bench) -> None:
        bench.add(image("1"))
        for _ in range(5):
            worker = bench.worker()
            (lease,) = worker.lease()
            assert not lease.suspect
            bench.frontier.detach(worker.session)
            worker.session = ""

    def test_a_lease_past_its_hard_end_ends_its_session(self, bench: Bench) -> None:
        bench.add(image("1"), image("2", host="b.test"))
        stuck, other = bench.worker(hard_end_s=20.0), bench.worker()
        stuck.lease(1)
        for _ in range(20):
            bench.clock.advance(1.0)
            other.beat()
            stuck.beat()
        bench.clock.advance(0.1)
        with pytest.raises(SessionGoneError):
            stuck.beat()

        stuck.session = ""
        bench.clock.advance(2.0)
        assert len(other.lease()) == 2

    def test_a_lease_that_was_given_back_ends_no_session(self, bench: Bench) -> None:
        bench.add(image("early"), image("late", host="b.test"), complete=False)
        worker = bench.worker(hard_end_s=20.0)
        (early,) = worker.lease(1)
        bench.wait(15.0)
        (late,) = worker.lease(1)
        worker.finish(outcome(early, Verb.RELEASED))
        other = bench.worker()
        other.lease()
        bench.wait(15.0)

        assert worker.finish(outcome(late)) == (True,)

    def test_a_worker_that_comes_again_with_a_suspect_is_still_alone_with_it(
        self, bench: Bench
    ) -> None:
        bench.add(image("bad"), complete=False)
        for _ in range(2):
            victim = bench.worker()
            victim.lease()
            bench.kill(victim)
        worker = bench.worker("same")
        (suspect,) = worker.lease()
        assert suspect.suspect
        bench.add(*[image(f"{n}", host=f"h{n}.test") for n in range(20)])
        worker.session = bench.frontier.attach(
            WorkerInfo(name="same"), [suspect.token], in_flight={"a.test": 1}
        ).session

        assert worker.lease() == []
        worker.done([suspect])
        bench.wait(1.0)
        assert worker.lease() != []

    def test_when_all_were_cut_off_nobody_has_died(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}", host=f"h{n}.test") for n in range(12)])
        for _ in range(2):
            workers = [bench.worker(f"w{n}") for n in range(12)]
            assert sum(len(one.lease(1)) for one in workers) == 12
            bench.clock.advance(10.0)  # all that they say is refused
            for one in workers:
                one.again()
            bench.wait(2.0)
            assert bench.frontier.stats().leased == 0
            for one in workers:
                bench.frontier.detach(one.session)
            bench.workers.clear()

        leases = bench.worker().lease()
        assert len(leases) == 12
        assert not any(one.suspect or one.attempts for one in leases)

    def test_who_dies_when_nobody_was_cut_off_leaves_a_death(self, bench: Bench) -> None:
        bench.add(image("1"), image("2"), complete=False)
        for _ in range(2):
            cut_off, victim = bench.worker("cut off"), bench.worker()
            bench.clock.advance(10.0)
            cut_off.again()
            bench.workers.remove(victim)
            victim = bench.worker()
            victim.lease()
            bench.kill(victim)
            bench.frontier.detach(cut_off.session)
            bench.workers.remove(cut_off)

        assert bench.worker().lease(1)[0].suspect

    def test_the_same_worker_again_takes_over_what_it_names(self, bench: Bench) -> None:
        bench.add(image("1"), image("2"), image("3"))
        old = bench.worker("same")
        one, two, three = old.lease()
        info = WorkerInfo(name="same")
        attached = bench.frontier.attach(info, [two.token, bytes(10), three.token])
        new = Worker(bench, "same", attached.session, leases=[two, three])
        bench.workers[0] = new

        assert set(attached.standing) == {two.token, three.token}
        with pytest.raises(SessionGoneError):
            bench.frontier.beat(old.session)
        new.beat()
        assert new.slots["a.test"] == 3
        assert new.finish(outcome(two)) == (True,)
        assert urls(new.lease()) == [one.task.url]
        assert bench.frontier.stats().sessions == 1

    def test_who_comes_again_keeps_slots_for_what_is_under_way_and_no_others(
        self, bench: Bench
    ) -> None:
        bench.add(*[image(f"{n}") for n in range(8)])
        old = bench.worker("same")
        leases = old.lease()
        assert old.slots == {"a.test": 4}
        attached = bench.frontier.attach(
            WorkerInfo(name="same"), [lease.token for lease in leases[:6]], (), 180.0, {"a.test": 1}
        )
        new = Worker(bench, "same", attached.session, leases=leases[:6], slots={"a.test": 1})
        bench.workers[0] = new
        other = bench.worker()
        other.lease()

        assert other.slots == {"a.test": 2}, "what the first has not in flight is free"
        new.beat()
        assert new.slots == {"a.test": 2}
        new.done(leases[:6])
        assert new.give_surplus() == {"a.test": 2}
        assert bench.frontier.audit() == []

    def test_who_comes_again_with_more_than_its_share_is_told_to_give_back(
        self, bench: Bench
    ) -> None:
        bench.add(*[image(f"{n}") for n in range(8)])
        old = bench.worker("same")
        leases = old.lease()
        tokens = [lease.token for lease in leases]
        other = bench.worker()
        attached = bench.frontier.attach(WorkerInfo(name="same"), tokens, (), 180.0, {"a.test": 4})
        new = Worker(bench, "same", attached.session, leases=leases, slots={"a.test": 4})
        bench.workers[0] = new

        new.beat()
        assert new.wished == {"a.test": 2}
        assert other.lease() == []
        new.done(leases[:2])
        assert new.give_surplus() == {"a.test": 2}
        bench.add(image("more"))
        assert urls(other.lease()) == ["http://a.test/more"]

    def test_slots_for_what_does_not_stand_are_not_given(self, bench: Bench) -> None:
        bench.add(image("1"))
        attached = bench.frontier.attach(
            WorkerInfo(name="liar"), [bytes(10)], (), 180.0, {"a.test": 4, "nowhere.test": 9}
        )
        bench.workers.append(Worker(bench, "liar", attached.session))

        other = bench.worker()
        assert urls(other.lease()) == ["http://a.test/1"]
        assert other.slots == {"a.test": 1}

    def test_the_lease_of_another_worker_is_not_handed_over(self, bench: Bench) -> None:
        bench.add(image("1"))
        first = bench.worker()
        (lease,) = first.lease()

        attached = bench.frontier.attach(WorkerInfo(name="thief"), [lease.token])
        assert attached.standing == ()
        assert first.finish(outcome(lease)) == (True,)

    # Deaths, suspects, crashes.

    def _die_with(self, bench: Bench, limit: int = 64) -> list[str]:
        worker = bench.worker()
        held = urls(worker.lease(limit))
        bench.kill(worker)
        bench.clock.advance(2.0)
        return held

    def test_after_two_deaths_a_task_is_leased_alone(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}") for n in range(3)])
        assert len(self._die_with(bench)) == 3
        assert len(self._die_with(bench)) == 3
        bench.add(image("4"))
        worker = bench.worker()

        for number in range(3):
            (lease,) = worker.lease()
            assert lease.suspect
            assert lease.task.url == f"http://a.test/{number}"
            assert worker.lease() == []
            worker.done([lease])
        (lease,) = worker.lease()
        assert not lease.suspect

    def test_a_suspect_waits_until_its_worker_holds_nothing_else(self, bench: Bench) -> None:
        bench.add(image("poison"))
        self._die_with(bench)
        bench.add(*[image(f"{n}", host="b.test") for n in range(100)])
        busy = bench.worker()
        bench.frontier.pause()
        bench.frontier.resume()
        leases = busy.lease(10)
        assert len(leases) == 10
        self._die_second_time(bench, busy)
        kept = list(busy.leases)

        assert busy.lease() == []
        busy.done(kept)
        (lease,) = busy.lease()
        assert (lease.suspect, lease.task.url) == (True, "http://a.test/poison")

    def _die_second_time(self, bench: Bench, busy: Worker) -> None:
        """The poison goes out once more, to a worker that dies of it; others are not touched."""
        poison = [one for one in busy.leases if one.task.url.endswith("poison")]
        busy.finish(*[outcome(one, Verb.RELEASED) for one in poison])
        victim = bench.worker("victim")
        assert "http://a.test/poison" in urls(victim.lease())
        bench.kill(victim)
        bench.clock.advance(2.0)
        busy.beat()

    def test_a_task_that_kills_its_workers_is_dead_and_takes_no_one_along(
        self, bench: Bench
    ) -> None:
        bench.add(image("poison"), *[image(f"{n}") for n in range(5)])
        for _ in range(40):
            worker = bench.worker()
            if worker.ask(0).state is State.ENDED:
                break
            while leases := worker.lease(3):
                if "http://a.test/poison" in urls(leases):
                    bench.kill(worker)
                    bench.clock.advance(2.0)
                    break
                worker.done(leases)
            if worker.session:
                bench.frontier.detach(worker.session)
                worker.session = ""

        assert bench.dead() == {"kills-worker": 1}
        assert bench.frontier.stats().done == {"image": 5}
        (death,) = bench.frontier.results().deaths
        assert (death.url, death.reason) == ("http://a.test/poison", "kills-worker")

    def test_attempts_and_crashes_are_apart(self, bench: Bench) -> None:
        bench.add(image("1"))
        for _ in range(2):
            self._die_with(bench)
        worker = bench.worker()
        (lease,) = worker.lease()
        assert (lease.attempts, lease.suspect) == (0, True)
        worker.finish(outcome(lease, Verb.RETRY, reason="timeout", in_s=1.0))
        bench.wait(1.1)
        (lease,) = worker.lease()
        assert (lease.attempts, lease.suspect) == (1, True)

    def test_requeue_forgets_deaths_and_crashes(self, bench: Bench) -> None:
        bench.add(image("1"))
        for _ in range(4):
            self._die_with(bench)
        assert bench.dead() == {"kills-worker": 1}
        bench.requeue()

        (lease,) = bench.worker().lease()
        assert not lease.suspect

    def test_a_late_finish_of_a_suspect_settles_it(self, bench: Bench) -> None:
        bench.add(image("1"))
        self._die_with(bench)
        worker = bench.worker()
        (lease,) = worker.lease()
        bench.kill(worker)

        assert bench.frontier.finish("gone", [outcome(lease)]).accepted == (True,)
        assert bench.worker().ask().state is State.ENDED

    def test_a_dead_session_does_not_take_finished_tasks_back(self, bench: Bench) -> None:
        bench.add(page("1"), image("2"))
        worker = bench.worker()
        one, two = worker.lease()
        worker.done([one])
        bench.kill(worker)

        assert sum(bench.frontier.stats().done.values()) == 1
        assert urls(bench.worker().lease()) == [two.task.url]

    def test_those_who_attach_and_leave_change_the_share_of_all(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}") for n in range(100)])
        first = bench.worker()
        first.lease(8)
        others = [bench.worker() for _ in range(3)]
        first.beat()
        assert first.wished == {"a.test": 1}
        for other in others:
            bench.frontier.detach(other.session)
            other.session = ""
        first.beat()
        assert first.wished == {"a.test": 4}
