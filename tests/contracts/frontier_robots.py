"""robots.txt: a task of the frontier's own before each origin, and what follows from it."""

import time
from collections.abc import Callable

import msgspec
import pytest

from bowerbird.model import Kind, Lease, Outcome, Robots, State, Task, Verb
from tests.contracts.bench import PLAIN, Bench, Worker, host_of, image, outcome, refused, urls

OBEY = msgspec.structs.replace(PLAIN, obey_robots=True, user_agent="bowerbird/1.0 (+x)")
FORBID = "User-agent: *\nDisallow: /no/\n"


def rules(text: str) -> Robots:
    return Robots(verdict="text", text=text)


class RobotsRules:
    """The gate and the judge (RFC 9309)."""

    @pytest.fixture
    def obeying(self, make: Callable[..., Bench]) -> Bench:
        return make(OBEY)

    def _ask(self, worker: Worker) -> Lease:
        (lease,) = worker.lease()
        assert lease.task.kind is Kind.ROBOTS
        return lease

    def _open(self, worker: Worker, text: str = "") -> None:
        lease = self._ask(worker)
        worker.finish(outcome(lease, robots=rules(text)))

    def test_tasks_wait_for_the_robots_txt_of_their_origin(self, obeying: Bench) -> None:
        obeying.add(image("1"), image("2"))
        worker = obeying.worker()
        lease = self._ask(worker)
        assert lease.task.url == "http://a.test/robots.txt"
        assert worker.slots == {"a.test": 1}
        assert worker.lease() == []

        worker.finish(outcome(lease, robots=rules(FORBID)))
        assert len(worker.lease()) == 2
        assert obeying.frontier.stats().done == {}

    def test_each_origin_has_its_own(self, obeying: Bench) -> None:
        secure = Task(url="https://a.test/1", kind=Kind.IMAGE)
        obeying.add(image("1"), secure, Task(url="http://a.test:81/1", kind=Kind.IMAGE))

        assert set(urls(obeying.worker().lease())) == {
            "http://a.test/robots.txt",
            "https://a.test/robots.txt",
            "http://a.test:81/robots.txt",
        }

    def test_a_page_that_is_the_robots_txt_is_still_a_task(self, obeying: Bench) -> None:
        obeying.add(image("robots.txt"))
        worker = obeying.worker()
        self._open(worker)

        assert worker.lease()[0].task.kind is Kind.IMAGE

    def test_forbidden_tasks_die_when_they_would_be_leased(self, obeying: Bench) -> None:
        obeying.add(image("no/1"), image("yes"), *[image(f"no/{n}") for n in range(2, 600)])
        worker = obeying.worker()
        self._open(worker, FORBID)
        fetched = obeying.crawl(worker)

        assert fetched == ["http://a.test/yes"]
        assert obeying.dead() == {"robots": 599}
        assert obeying.requeue(reason="robots") == 599

    def test_one_that_kills_its_workers_closes_its_origin_and_no_other(
        self, obeying: Bench
    ) -> None:
        obeying.add(image("1"), image("2"))
        for _ in range(4):
            worker = obeying.worker()
            self._ask(worker)
            obeying.kill(worker)
            obeying.clock.advance(2.0)
        obeying.add(image("3", host="b.test"))
        worker = obeying.worker()
        self._open(worker)

        assert obeying.crawl(worker) == ["http://b.test/3"]
        assert worker.ask().state is State.ENDED
        assert obeying.dead() == {"kills-worker": 2}
        assert obeying.requeue(reason="kills-worker") == 2
        assert self._ask(obeying.worker()).task.url == "http://a.test/robots.txt"

    def test_rules_for_our_own_name_count(self, obeying: Bench) -> None:
        obeying.add(image("1"))
        worker = obeying.worker()
        self._open(worker, "User-agent: *\nAllow: /\nUser-agent: bowerbird\nDisallow: /\n")
        worker.ask()

        assert obeying.dead() == {"robots": 1}

    def test_its_crawl_delay_is_the_hosts(self, obeying: Bench) -> None:
        obeying.add(image("1"), image("2"))
        worker = obeying.worker()
        self._open(worker, "User-agent: *\nCrawl-delay: 7\n")
        worker.give_surplus()
        obeying.wait(7.1)

        assert len(worker.lease()) == 2
        assert worker.delays == {"a.test": 7.0}
        assert worker.wished == {"a.test": 1}

    def test_no_crawl_delay_is_longer_than_five_minutes(self, obeying: Bench) -> None:
        obeying.add(image("1"))
        worker = obeying.worker()
        self._open(worker, "User-agent: *\nCrawl-delay: 86400\n")

        assert obeying.frontier.hosts()[0].delay_s == 300.0

    def test_no_robots_txt_allows_all(self, obeying: Bench) -> None:
        obeying.add(image("1"))
        worker = obeying.worker()
        worker.finish(outcome(self._ask(worker), status=404, robots=Robots(verdict="allow")))

        assert len(worker.lease()) == 1

    def test_a_broken_one_forbids_all(self, obeying: Bench) -> None:
        obeying.add(image("1"))
        worker = obeying.worker()
        worker.finish(outcome(self._ask(worker), status=500, robots=Robots(verdict="forbid")))
        worker.ask()

        assert obeying.dead() == {"robots-unreachable": 1}
        assert worker.ask().state is State.ENDED

    def test_one_that_fails_is_tried_again_and_then_forbids_all(self, obeying: Bench) -> None:
        obeying.add(image("1"))
        worker = obeying.worker()
        for attempt in range(1 + OBEY.retries):
            lease = self._ask(worker)
            assert lease.attempts == attempt
            worker.finish(outcome(lease, Verb.RETRY, reason="http-503", in_s=0.5))
            assert worker.lease() == []
            obeying.wait(0.6)
        worker.ask()

        assert obeying.dead() == {"robots-unreachable": 1}

    def test_a_dead_one_forbids_all_and_is_no_death_itself(self, obeying: Bench) -> None:
        obeying.add(image("1"))
        worker = obeying.worker()
        worker.finish(outcome(self._ask(worker), Verb.DEAD, reason="too-large"))
        worker.ask()

        assert obeying.dead() == {"robots-unreachable": 1}

    def test_what_forbade_all_is_asked_again_for_those_brought_back(self, obeying: Bench) -> None:
        obeying.add(image("1"))
        worker = obeying.worker()
        worker.finish(outcome(self._ask(worker), robots=Robots(verdict="forbid")))
        worker.ask()

        assert obeying.requeue() == 1
        self._open(worker)
        assert len(worker.lease()) == 1

    def test_connections_that_fail_bring_the_host_down(self, obeying: Bench) -> None:
        obeying.add(image("1", host="b.test"), image("1"))
        worker = obeying.worker()
        leases = worker.lease()
        worker.finish(*[outcome(one, robots=rules("")) for one in leases if "b." in one.task.url])
        robots = [one for one in leases if "a." in one.task.url]
        for _ in range(5):
            verb = Verb.DEAD if robots[0].attempts >= OBEY.retries else Verb.RETRY
            lost = Outcome(
                token=robots[0].token, verb=verb, reason="connect-refused", answered=False
            )
            worker.finish(lost)
            obeying.wait(0.1)
            robots = [one for one in worker.lease() if "a." in one.task.url]
        assert robots == []

        rows = {row.host: row.state for row in obeying.frontier.hosts()}
        assert rows["a.test"] == "down"
        assert obeying.dead() == {}
        obeying.wait(61.0)
        probe = next(one for one in worker.lease() if "a." in one.task.url)
        worker.finish(refused(probe))
        worker.ask()
        assert obeying.dead() == {"host-down": 1}

    def test_a_late_answer_for_a_task_that_died_meanwhile_changes_nothing(
        self, obeying: Bench
    ) -> None:
        obeying.add(image("1"))
        worker = obeying.worker()
        self._open(worker)
        (late,) = worker.lease()
        obeying.frontier.detach(worker.session)
        worker.session = ""
        obeying.clock.advance(86_401.0)
        worker = obeying.worker()
        self._open(worker, "User-agent: *\nDisallow: /\n")
        assert worker.lease() == []
        assert obeying.dead() == {"robots": 1}

        assert obeying.frontier.finish("", [outcome(late)]).accepted == (False,)
        assert obeying.dead() == {"robots": 1}
        assert obeying.frontier.stats().done == {}

    def test_an_origin_whose_robots_txt_moved_to_a_host_that_is_given_up_is_closed(
        self, obeying: Bench
    ) -> None:
        obeying.add(image("1"), image("1", host="b.test"))
        worker = obeying.worker()
        moved = Task(url="http://b.test/robots.txt", kind=Kind.ROBOTS, hops=1)
        end = time.monotonic() + 60.0  # the word between partitions goes by a clock of Redis
        while (reply := worker.ask()).state is not State.ENDED:
            assert time.monotonic() < end, obeying.frontier.stats()
            for lease in reply.leases:
                if host_of(lease) == "a.test":
                    worker.finish(outcome(lease, Verb.MOVED, moved=moved))
                else:
                    worker.finish(refused(lease))
            worker.give_surplus()
            obeying.wait(1.0)

        assert obeying.dead() == {"host-down": 1, "robots-unreachable": 1}

    def test_a_host_that_does_not_exist_ends_with_that_reason(self, obeying: Bench) -> None:
        obeying.add(image("1"))
        worker = obeying.worker()
        for attempt in range(1 + OBEY.retries):
            verb = Verb.DEAD if attempt == OBEY.retries else Verb.RETRY
            lease = self._ask(worker)
            worker.finish(outcome(lease, verb, reason="dns-failed", answered=False))
        worker.ask()

        assert obeying.dead() == {"dns-failed": 1}

    @pytest.mark.parametrize("retries", [0, 3])
    def test_what_bars_the_whole_origin_is_said_and_brings_no_host_down(
        self, make: Callable[..., Bench], retries: int
    ) -> None:
        bench = make(msgspec.structs.replace(OBEY, retries=retries))
        bench.add(image("1"), image("2"))
        worker = bench.worker()
        barred = outcome(self._ask(worker), Verb.DEAD, reason="private-address", answered=False)
        worker.finish(barred)
        worker.ask()

        assert bench.dead() == {"private-address": 2}
        assert bench.frontier.hosts()[0].state != "down"

    def test_a_robots_txt_that_leads_to_a_private_address_bars_nobody_by_that_name(
        self, obeying: Bench
    ) -> None:
        obeying.add(image("1"))
        worker = obeying.worker()
        lease = self._ask(worker)
        target = Task(url="http://b.test/r", kind=Kind.ROBOTS, hops=1, first_url=lease.task.url)
        worker.finish(outcome(lease, Verb.MOVED, moved=target, status=301))
        worker.finish(
            outcome(self._ask(worker), Verb.DEAD, reason="private-address", answered=False)
        )
        worker.ask()

        assert obeying.dead() == {"robots-unreachable": 1}

    def test_redirects_keep_the_gate_shut(self, obeying: Bench) -> None:
        obeying.add(image("1"))
        worker = obeying.worker()
        lease = self._ask(worker)
        target = Task(url="https://b.test/r", kind=Kind.ROBOTS, hops=1, first_url=lease.task.url)
        worker.finish(outcome(lease, Verb.MOVED, moved=target, status=301))

        (lease,) = worker.lease()
        assert (lease.task.url, lease.task.kind) == ("https://b.test/r", Kind.ROBOTS)
        assert worker.slots["b.test"] >= 1
        worker.finish(outcome(lease, robots=rules("User-agent: *\nDisallow: /1\n")))
        worker.ask()
        assert obeying.dead() == {"robots": 1}
        assert obeying.frontier.results().redirections == ()

    def test_after_five_redirects_all_is_allowed(self, obeying: Bench) -> None:
        obeying.add(image("1"))
        worker = obeying.worker()
        for hop in range(6):
            lease = self._ask(worker)
            target = Task(
                url=f"http://a.test/r{hop}", kind=Kind.ROBOTS, hops=hop + 1,
                first_url="http://a.test/robots.txt",
            )  # fmt: skip
            worker.finish(outcome(lease, Verb.MOVED, moved=target, status=301))

        assert urls(worker.lease()) == ["http://a.test/1"]

    def test_rules_are_asked_for_again_after_a_day(self, obeying: Bench) -> None:
        obeying.add(image("1"))
        worker = obeying.worker(hard_end_s=1e6)
        self._open(worker)
        worker.done(worker.lease())
        obeying.clock.advance(86_500.0)
        worker.session = ""
        obeying.add(image("2"))

        self._ask(obeying.worker())

    def test_a_session_of_another_kind_waits_for_others_to_open_the_gate(
        self, obeying: Bench
    ) -> None:
        obeying.add(image("1"))
        old, new = obeying.worker(kinds=(Kind.IMAGE,)), obeying.worker()
        assert old.lease() == []
        self._open(new)
        new.give_surplus()

        assert len(old.lease()) == 1

    def test_a_released_or_lost_robots_task_is_given_out_again(self, obeying: Bench) -> None:
        obeying.add(image("1"))
        worker = obeying.worker()
        worker.finish(outcome(self._ask(worker), Verb.RELEASED))
        self._ask(worker)
        obeying.kill(worker)
        obeying.clock.advance(2.0)

        self._open(obeying.worker())
        assert len(obeying.worker().lease()) == 1

    def test_without_obedience_nothing_is_asked(self, bench: Bench) -> None:
        bench.add(image("1"))

        assert urls(bench.worker().lease()) == ["http://a.test/1"]
