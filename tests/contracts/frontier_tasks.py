"""Tasks in, out and back: dedupe, order, outcomes, tokens, the end."""

from collections import Counter
from collections.abc import Callable

import msgspec
import pytest

from bowerbird.model import Filter, Kind, Outcome, Place, Sighting, State, Task, Verb
from tests.contracts.bench import PLAIN, Bench, image, outcome, page, record, urls


class TaskRules:
    """What happens to tasks."""

    # In.

    def test_a_url_is_a_task_once_whatever_its_kind(self, bench: Bench) -> None:
        assert bench.add(image("1"), image("1"), page("2")) == 2
        assert bench.add(page("1"), image("2"), image("3")) == 1

        leases = bench.worker().lease()
        assert {(one.task.url[-1], one.task.kind) for one in leases} == {
            ("1", Kind.IMAGE),
            ("2", Kind.PAGE),
            ("3", Kind.IMAGE),
        }

    def test_done_dead_and_moved_urls_are_not_taken_again(self, bench: Bench) -> None:
        bench.add(image("done"), image("dead"), image("moved"))
        worker = bench.worker()
        one, two, three = worker.lease()
        worker.finish(
            outcome(one),
            outcome(two, Verb.DEAD, reason="http-404"),
            outcome(three, Verb.MOVED, moved=image("target"), status=301),
        )

        assert bench.add(image("done"), image("dead"), image("moved"), image("target")) == 0

    def test_a_task_comes_back_as_it_was_given(self, bench: Bench) -> None:
        task = Task(
            url="http://a.test/x?q=%20&ü", kind=Kind.IMAGE, depth=7, hops=2,
            first_url="http://b.test/y", referrer="http://a.test/", alternates=("http://a.test/2",),
        )  # fmt: skip
        bench.add(task)

        assert bench.worker().lease()[0].task == task

    def test_strange_urls_are_kept_exactly(self, bench: Bench) -> None:
        strange = [
            "http://[::1]:8080/a",
            "http://u:p@a.test/",
            "http://a.test/\u202e%00",
            "http://a.test/?",
        ]
        bench.add(*[Task(url=url, kind=Kind.IMAGE) for url in strange])

        assert sorted(urls(bench.worker().lease())) == sorted(strange)

    def test_a_page_with_a_hundred_thousand_links_goes_in_by_chunks(self, bench: Bench) -> None:
        bench.add(page(""))
        worker = bench.worker()
        (lease,) = worker.lease()
        for start in range(0, 100_000, 1_000):
            chunk = [image(f"{n}") for n in range(start, start + 1_000)]
            assert bench.frontier.add(chunk) == 1_000
        worker.finish(outcome(lease, found=(image("last"),)))

        stats = bench.frontier.stats()
        assert stats.waiting == {"image": 100_001}
        assert stats.done == {"page": 1}

    # Order.

    def test_hosts_take_turns_and_none_waits_for_a_full_one(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}") for n in range(500)])
        bench.add(*[image("x", host=f"{n}.test") for n in range(20)])

        leased = Counter(url.split("/")[2] for url in urls(bench.worker().lease(40)))
        assert leased["a.test"] <= 20
        assert len(leased) == 21

    def test_no_host_has_more_than_its_turn_while_others_wait(self, bench: Bench) -> None:
        for host in "abc":
            bench.add(*[image(f"{n}", host=f"{host}.test") for n in range(50)])

        leases = urls(bench.worker().lease(30))
        assert [url[7] for url in leases[:24]] == ["a"] * 8 + ["b"] * 8 + ["c"] * 8

    def test_images_come_before_pages_and_shallow_pages_before_deep_ones(
        self, bench: Bench
    ) -> None:
        bench.add(page("d3", depth=3), page("d1", depth=1), image("i1"), page("d2", depth=2))
        bench.add(image("i2"), page("also-d1", depth=1))

        names = [url.split("/")[-1] for url in urls(bench.worker().lease())]
        assert names == ["i1", "i2", "d1", "also-d1", "d2", "d3"]

    def test_priority_holds_between_the_origins_of_one_host(self, bench: Bench) -> None:
        secure = Task(url="https://a.test/i", kind=Kind.IMAGE)
        bench.add(page("p"), secure, image("i"))

        assert urls(bench.worker().lease())[:2] == ["https://a.test/i", "http://a.test/i"]

    def test_a_session_gets_only_its_kinds(self, bench: Bench) -> None:
        bench.add(page("p"), image("i"))
        old, new = bench.worker(kinds=(Kind.IMAGE,)), bench.worker(kinds=(Kind.PAGE,))

        assert urls(old.lease()) == ["http://a.test/i"]
        assert urls(new.lease()) == ["http://a.test/p"]
        assert old.lease() == []

    # Outcomes.

    def test_an_outcome_takes_everything_with_it(self, bench: Bench) -> None:
        bench.add(page(""))
        worker = bench.worker()
        (lease,) = worker.lease()
        seen = Sighting(
            image_url="http://a.test/i", page_url="http://a.test/", place=Place.IMG, alt="x"
        )
        worker.finish(outcome(lease, found=(image("i"),), sightings=(seen,), counts={"scripts": 2}))
        (lease,) = worker.lease()
        worker.finish(outcome(lease, records=(record("http://a.test/i", 99),)))

        stats, results = bench.frontier.stats(), bench.frontier.results()
        assert (stats.records, stats.bytes, stats.counters) == (1, 99, {"scripts": 2})
        assert stats.done == {"page": 1, "image": 1}
        assert [one.final_url for one in results.records] == ["http://a.test/i"]
        assert results.sightings == (seen,)
        assert bench.frontier.results(results.cursor).records == ()

    def test_finishing_twice_changes_nothing(self, bench: Bench) -> None:
        bench.add(image("1"), image("2"))
        worker = bench.worker()
        one, two = worker.lease()
        first = (
            outcome(one, records=(record("http://a.test/1"),), counts={"n": 1}),
            outcome(two, Verb.RETRY, reason="timeout", in_s=1.0),
        )

        assert worker.finish(*first) == (True, True)
        before = bench.frontier.stats()
        assert worker.finish(*first) == (False, False)
        assert worker.finish(first[0], first[0]) == (False, False)
        assert bench.frontier.stats() == before

    def test_one_refused_outcome_does_not_touch_its_neighbours(self, bench: Bench) -> None:
        bench.add(image("1"), image("2"))
        worker = bench.worker()
        one, two = worker.lease()
        wrong = Outcome(token=bytes(10), verb=Verb.DONE, found=(image("never"),))

        assert worker.finish(outcome(one), wrong, outcome(one), outcome(two)) == (
            True, False, False, True,
        )  # fmt: skip
        assert bench.frontier.stats().done == {"image": 2}
        assert bench.add(image("never")) == 1

    def test_a_token_of_an_earlier_lease_is_refused(self, bench: Bench) -> None:
        bench.add(image("1"))
        worker = bench.worker()
        (stale,) = worker.lease()
        worker.finish(outcome(stale, Verb.RELEASED))
        (fresh,) = worker.lease()

        assert stale.token != fresh.token
        assert worker.finish(outcome(stale)) == (False,)
        assert worker.finish(outcome(fresh)) == (True,)

    def test_a_late_finish_of_an_unfinished_task_is_taken(self, bench: Bench) -> None:
        bench.add(image("1"))
        worker = bench.worker()
        (lease,) = worker.lease()
        bench.frontier.detach(worker.session)
        assert bench.frontier.stats().waiting == {"image": 1}

        reply = bench.frontier.finish(worker.session, [outcome(lease)])
        assert reply.accepted == (True,)
        assert bench.frontier.stats().done == {"image": 1}
        worker.session = ""
        assert bench.worker().lease() == []

    def test_a_late_finish_is_refused_once_the_task_is_leased_anew(self, bench: Bench) -> None:
        bench.add(image("1"))
        first, second = bench.worker(), bench.worker()
        (lease,) = first.lease()
        bench.frontier.detach(first.session)
        (again,) = second.lease()

        assert bench.frontier.finish(first.session, [outcome(lease)]).accepted == (False,)
        assert second.finish(outcome(again)) == (True,)
        first.session = ""

    def test_tokens_never_repeat(self, bench: Bench) -> None:
        bench.add(*[image(f"{n}") for n in range(50)])
        worker, seen = bench.worker(), set[bytes]()
        for _ in range(20):
            leases = worker.lease()
            seen |= {one.token for one in leases}
            worker.finish(*[outcome(one, Verb.RELEASED) for one in leases])

        assert len(seen) == 1_000

    def test_released_tasks_are_not_counted_as_tried(self, bench: Bench) -> None:
        bench.add(image("1"))
        worker = bench.worker()
        for _ in range(10):
            (lease,) = worker.lease()
            assert lease.attempts == 0
            worker.finish(outcome(lease, Verb.RELEASED))

        assert bench.dead() == {}

    def test_a_retry_waits_its_time_and_is_counted(self, bench: Bench) -> None:
        bench.add(image("1"))
        worker = bench.worker()
        (lease,) = worker.lease()
        worker.finish(outcome(lease, Verb.RETRY, reason="timeout", in_s=5.0))

        reply = worker.ask()
        assert reply.leases == ()
        assert reply.state is State.RUNNING
        assert 0 < reply.next_in_s <= 5.0
        bench.wait(4.9)
        assert worker.lease() == []
        bench.wait(0.2)
        (lease,) = worker.lease()
        assert lease.attempts == 1

    def test_retries_come_to_an_end_and_the_last_reason_stays(self, bench: Bench) -> None:
        bench.add(image("1"))
        worker = bench.worker()
        for _ in range(1 + PLAIN.retries):
            (lease,) = worker.lease()
            worker.finish(outcome(lease, Verb.RETRY, reason="http-503", in_s=1.0))
            bench.wait(1.1)

        assert bench.dead() == {"http-503": 1}
        assert worker.ask().state is State.ENDED

    def test_two_dead_that_share_a_spare_lead_to_it_both(self, bench: Bench) -> None:
        bench.add(image("1"), image("2"))
        worker = bench.worker()
        for lease in worker.lease():
            spare = image("small", first_url=lease.task.url)
            dead = outcome(lease, Verb.DEAD, reason="http-404", status=404, found=(spare,))
            worker.finish(dead)

        assert urls(worker.lease()) == ["http://a.test/small"]
        hops = bench.frontier.results().redirections
        assert sorted((one.from_url[-1], one.to_url[-5:], one.status) for one in hops) == [
            ("1", "small", 404), ("2", "small", 404),
        ]  # fmt: skip

    def test_the_dead_are_told_and_brought_back_as_new(self, bench: Bench) -> None:
        bench.add(image("1"), image("2", host="b.test"), page("3"))
        worker = bench.worker()
        for lease in worker.lease():
            worker.finish(outcome(lease, Verb.DEAD, reason="http-404", detail="gone"))
        assert worker.ask().state is State.ENDED
        assert {one.reason for one in bench.frontier.results().deaths} == {"http-404"}
        assert bench.frontier.stats().dead_kinds == {"image": 2, "page": 1}

        assert bench.requeue(reason="http-500") == 0
        assert bench.requeue(host="b.test") == 1
        assert bench.requeue(kinds=(Kind.PAGE,)) == 1
        assert [one.url for one in bench.frontier.results().deaths] == ["http://a.test/1"]
        assert bench.requeue(url="http://a.test/1") == 1
        assert bench.requeue() == 0
        assert bench.frontier.stats().dead == {}
        assert len(worker.lease()) == 3

    # Redirects.

    def test_a_redirect_is_followed_as_a_task_of_its_own(self, bench: Bench) -> None:
        bench.add(image("old"))
        worker = bench.worker()
        (lease,) = worker.lease()
        target = image("new", host="b.test", hops=1, first_url="http://a.test/old")
        worker.finish(outcome(lease, Verb.MOVED, moved=target, status=302))

        (lease,) = worker.lease()
        assert lease.task == target
        (moved,) = bench.frontier.results().redirections
        assert (moved.from_url, moved.to_url, moved.status) == (
            "http://a.test/old", "http://b.test/new", 302,
        )  # fmt: skip

    def test_two_redirects_to_one_target_fetch_it_once(self, bench: Bench) -> None:
        bench.add(image("1"), image("2"))
        worker = bench.worker()
        for lease in worker.lease():
            worker.finish(outcome(lease, Verb.MOVED, moved=image("t", hops=1), status=301))

        assert urls(worker.lease()) == ["http://a.test/t"]
        assert len(bench.frontier.results().redirections) == 2

    @pytest.mark.parametrize(
        "target",
        [
            image("old", hops=1),
            image("first", hops=2, first_url="http://a.test/first"),
            image("new", hops=11, first_url="http://a.test/first"),
        ],
        ids=["itself", "its-first", "too-many"],
    )
    def test_redirect_loops_are_dead(self, bench: Bench, target: Task) -> None:
        bench.add(image("old", first_url="http://a.test/first", hops=1))
        worker = bench.worker()
        (lease,) = worker.lease()
        worker.finish(outcome(lease, Verb.MOVED, moved=target, status=301))

        assert bench.dead() == {"redirect-loop": 1}
        assert worker.ask().state is State.ENDED

    # The end.

    def test_no_end_before_the_last_seed(self, bench: Bench) -> None:
        worker = bench.worker()
        assert worker.ask().state is State.RUNNING
        bench.add(image("1"), complete=False)
        worker.done(worker.lease())
        assert worker.ask().state is State.RUNNING
        bench.add()
        assert worker.ask().state is State.ENDED

    def test_no_end_while_a_task_is_leased(self, bench: Bench) -> None:
        bench.add(page("1"))
        first, second = bench.worker(), bench.worker()
        (lease,) = first.lease()
        assert second.ask().state is State.RUNNING

        first.finish(outcome(lease, found=(image("2"),)))
        assert urls(second.lease()) == ["http://a.test/2"]

    def test_who_asks_while_paused_is_told_to_wait(self, bench: Bench) -> None:
        bench.add(image("1"), image("2"))
        worker = bench.worker()
        one, two = worker.lease()
        worker.finish(outcome(one, Verb.RETRY, reason="http-503", in_s=2.0, hold_s=1.0))
        worker.finish(outcome(two, Verb.RELEASED))
        assert worker.ask().next_in_s == 1.0
        bench.frontier.pause()
        bench.wait(3.0)

        assert worker.ask().next_in_s == 1.0

    def test_pause_leases_nothing_takes_finishes_and_does_not_end(self, bench: Bench) -> None:
        bench.add(image("1"), image("2"))
        worker = bench.worker()
        (lease,) = worker.lease(1)
        bench.frontier.pause("the disk is full")

        reply = worker.ask()
        assert (reply.leases, reply.state) == ((), State.PAUSED)
        assert reply.next_in_s > 0
        assert worker.finish(outcome(lease)) == (True,)
        assert bench.frontier.stats().reason == "the disk is full"
        assert worker.ask().state is State.PAUSED
        bench.frontier.resume()
        assert len(worker.lease()) == 1

    def test_stop_drains_and_then_ends(self, bench: Bench) -> None:
        bench.add(image("1"), image("2"))
        worker = bench.worker()
        (lease,) = worker.lease(1)
        bench.frontier.stop("enough")

        reply = worker.ask()
        assert (reply.leases, reply.state) == ((), State.DRAINING)
        worker.finish(outcome(lease))
        assert worker.ask().state is State.ENDED
        bench.frontier.resume()
        assert len(worker.lease()) == 1

    def test_requeue_wakes_a_crawl_that_has_ended(self, bench: Bench) -> None:
        bench.add(image("1"))
        worker = bench.worker()
        worker.finish(outcome(worker.lease()[0], Verb.DEAD, reason="http-404"))
        bench.frontier.stop()
        assert worker.ask().state is State.ENDED

        assert bench.frontier.requeue(Filter()) == 1
        assert len(worker.lease()) == 1

    # Limits.

    def test_no_more_pages_than_wanted_and_images_go_on(self, make: Callable[..., Bench]) -> None:
        bench = make(msgspec.structs.replace(PLAIN, max_pages=3))
        bench.add(*[page(f"{n}") for n in range(10)], *[image(f"i{n}") for n in range(5)])

        fetched = bench.crawl(bench.worker())
        stats = bench.frontier.stats()
        assert len(fetched) == 8
        assert (stats.done, stats.skipped) == ({"page": 3, "image": 5}, 7)
        assert stats.waiting == {}

    def test_no_more_images_than_wanted(self, make: Callable[..., Bench]) -> None:
        bench = make(msgspec.structs.replace(PLAIN, max_images=10))
        bench.add(*[image(f"{n}", host=f"{n % 7}.test") for n in range(100)])
        workers = bench.worker(), bench.worker()
        for turn in range(1_000):
            worker = workers[turn % 2]
            reply = worker.ask(8)
            if reply.state is State.ENDED:
                break
            for lease in reply.leases:  # every third is no image after all
                dead = outcome(lease, Verb.DEAD, reason="not-an-image")
                kept = outcome(lease, records=(record(lease.task.url),))
                worker.finish(dead if int(lease.task.url.split("/")[-1]) % 3 == 0 else kept)
            bench.clock.advance(0.1)
            worker.give_surplus()

        stats = bench.frontier.stats()
        assert stats.state is State.ENDED
        assert stats.records == 10
        assert stats.skipped == 100 - sum(stats.done.values()) - sum(stats.dead.values())

    # Size.

    def test_a_hundred_thousand_tasks_over_a_thousand_hosts_each_once(self, bench: Bench) -> None:
        every = [image(f"{n}", host=f"{n % 1_000}.test") for n in range(100_000)]
        for start in range(0, len(every), 1_000):
            bench.add(*every[start : start + 1_000])
        worker, fetched = bench.worker(hard_end_s=1e6), Counter[str]()
        while True:
            reply = worker.ask(1_000)
            if reply.state is State.ENDED:
                break
            fetched.update(urls(reply.leases))
            worker.done(reply.leases)
            bench.clock.advance(0.01)

        assert fetched == Counter(task.url for task in every)
