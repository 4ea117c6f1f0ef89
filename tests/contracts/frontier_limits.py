"""A host's budget of URLs, and how long a delay may be."""

from collections.abc import Callable

import msgspec

from bowerbird.model import Kind, Task, traps_of
from tests.contracts.bench import PLAIN, Bench, image, outcome
from tests.contracts.frontier_robots import OBEY, rules

BOUND = msgspec.structs.replace(PLAIN, max_host_urls=10)
CAPPED = msgspec.structs.replace(OBEY, max_crawl_delay_s=5.0)


def page(number: int, host: str = "a.test") -> Task:
    return Task(url=f"http://{host}/{number}", kind=Kind.PAGE)


class LimitRules:
    """What is beyond a limit is left aside and told, and nothing else is touched."""

    def test_a_host_that_names_too_many_pages_gets_no_more_and_it_is_told(
        self, make: Callable[..., Bench]
    ) -> None:
        bench = make(BOUND)
        bench.add(*map(page, range(8)))
        bench.add(*map(page, range(8, 100)), page(1, "b.test"), image("i.png"))

        stats = bench.frontier.stats()
        assert stats.waiting == {"page": 11, "image": 1}
        (trap,) = traps_of(stats.counters).items()
        assert (trap[0], trap[1].links) == ("host-urls", 90)
        assert trap[1].example == "http://a.test/10"

    def test_pages_that_are_named_one_by_one_are_counted_exactly(
        self, make: Callable[..., Bench]
    ) -> None:
        bench = make(BOUND)
        for number in range(13):
            host = "a.test" if number % 3 else "b.test"
            bench.add(page(number, host), image(f"{number}.png", "a.test"))
        for number in range(13, 19):
            bench.add(page(number))
        assert [row.waiting for row in bench.frontier.hosts()] == [17, 5]
        assert bench.frontier.stats().waiting == {"page": 9, "image": 13}
        assert bench.frontier.audit() == []

    def test_what_is_leased_done_or_dead_counts_as_well(self, make: Callable[..., Bench]) -> None:
        bench = make(BOUND)
        bench.add(*map(page, range(10)))
        worker = bench.worker()
        (first, *_) = worker.lease()
        worker.finish(outcome(first))
        bench.add(page(77))

        assert bench.frontier.stats().counters["trap:host-urls"] == 1

    def test_no_port_of_many_is_passed_over_while_little_goes_on_at_the_host(
        self, make: Callable[..., Bench]
    ) -> None:
        bench = make(PLAIN)
        bench.add(*(image("i.png", f"a.test:{port}") for port in range(1024, 1044)))
        worker = bench.worker()
        for _ in range(100):
            worker.done(worker.lease(1))
            worker.give_surplus()
            bench.clock.advance(0.1)
        assert bench.frontier.stats().done == {"image": 20}

    def test_a_host_with_a_thousand_ports_does_not_make_each_call_at_it_long(
        self, make: Callable[..., Bench]
    ) -> None:
        bench = make(PLAIN)
        first, *more = [image("i.png", f"a.test:{port}") for port in range(1024, 2024)]
        bench.add(first)
        bench.add(*more)
        bench.add(image("j.png", "a.test:1024"), page(1, "b.test"), image("j.png", "a.test"))

        stats = bench.frontier.stats()
        assert stats.waiting == {"page": 1, "image": 65}
        (trap,) = traps_of(stats.counters).items()
        assert (trap[0], trap[1].links) == ("host-origins", 937)
        assert trap[1].example == "http://a.test:1088/i.png"
        assert len(bench.crawl(bench.worker())) == 66
        assert bench.frontier.audit() == []

    def test_a_crawl_delay_is_no_longer_than_the_rules_say(
        self, make: Callable[..., Bench]
    ) -> None:
        bench = make(CAPPED)
        bench.add(image("1"))
        worker = bench.worker()
        (lease,) = worker.lease()
        worker.finish(outcome(lease, robots=rules("User-agent: *\nCrawl-delay: 60\n")))

        assert bench.frontier.hosts()[0].delay_s == 5.0
