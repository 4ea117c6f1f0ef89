"""Crawls at one host: what becomes of the others where one ends, pauses, gives up or vanishes."""

from tests.contracts.bench import Bench, Worker, outcome, record, refused
from tests.redis_crawls import Make, crawl, let_pass, some
from tests.redis_fixtures import redis_server

from bowerbird.frontier.base import DOWN_AFTER, PROBES_S
from bowerbird.model import Robots, Verb

__all__ = ["crawl", "redis_server"]


def fetch(worker: Worker) -> None:
    """One image, which shows that the host answers."""
    (lease,) = worker.lease(1)
    worker.finish(outcome(lease, records=(record(lease.task.url),)))
    worker.give_surplus()


def bring_down(worker: Worker) -> None:
    """All connections fail; the rest is for others to do."""
    worker.lease()
    for lease in worker.leases[:DOWN_AFTER]:
        worker.finish(refused(lease))
    worker.finish(*(outcome(lease, Verb.RELEASED) for lease in worker.leases))
    worker.give_surplus()


def leave(bench: Bench, worker: Worker) -> None:
    bench.frontier.detach(worker.session)
    bench.workers.remove(worker)


def at_its_probe(crawl: Make) -> tuple[Bench, Bench, Worker, Worker]:
    """Two crawls of a host that had answered both and is down; it is time to probe it."""
    first, second = crawl(), crawl()
    some(first)
    some(second)
    prober, waiting = first.worker(), second.worker()
    fetch(prober)
    fetch(waiting)
    bring_down(prober)
    let_pass(PROBES_S[0] + 1.0, first, second)
    return first, second, prober, waiting


def test_a_host_that_one_crawl_gave_up_is_tried_by_the_next(crawl: Make) -> None:
    first, second = crawl(), crawl()
    some(first)
    worker = first.worker()
    bring_down(worker)
    worker.lease()
    worker.lease()
    assert first.dead() == {"host-down": 20}
    leave(first, worker)
    some(second)
    other = second.worker()
    assert len(other.lease(4)) == 4
    other.done(other.leases)
    assert second.dead() == {}


def test_who_gives_a_host_up_buries_no_tasks_but_his_own(crawl: Make) -> None:
    patient, other = crawl(), crawl()
    some(patient)
    some(other)
    worker = patient.worker()
    fetch(worker)
    bring_down(worker)
    newcomer = other.worker()
    newcomer.lease()
    newcomer.lease()
    assert other.dead() == {"host-down": 20}, "no host ever answered it, and all are down"
    let_pass(PROBES_S[0] + 1.0, patient, other)
    (probe,) = worker.lease()
    worker.done([probe])
    assert patient.dead() == {}


def test_a_probe_of_a_worker_that_died_keeps_no_other_crawl_waiting(crawl: Make) -> None:
    first, second, dying, worker = at_its_probe(crawl)
    assert len(dying.lease()) == 1
    first.workers.clear()
    assert worker.lease() == [], "one probe is out"
    let_pass(12.0, second)
    worker.done(worker.lease())
    assert len(worker.lease(4)) == 4, "nobody calls for the first crawl any more"
    worker.done(worker.leases)
    worker.give_surplus()
    second.frontier.detach(worker.session)
    second.workers.clear()
    heir = first.worker()
    assert len(heir.lease()) == 19, "its lease went back with a call of its own crawl"


def test_a_paused_crawl_does_not_miss_what_it_would_be_woken_by(crawl: Make) -> None:
    _, second, prober, waiting = at_its_probe(crawl)
    (probe,) = prober.lease()
    assert waiting.lease() == [], "it is set aside until the probe is over"
    second.frontier.pause()
    third = crawl()
    some(third)
    third.worker().lease()  # the paused one binds nobody there from now on
    prober.done([probe])
    prober.give_surplus()
    second.frontier.resume()
    assert len(waiting.lease(1)) == 1


def test_a_delay_that_robots_txt_asks_for_binds_no_crawl_that_ignores_it(crawl: Make) -> None:
    good = crawl(obey_robots=True)
    some(good, 1)
    worker = good.worker()
    (gate,) = worker.lease()
    text = "User-agent: *\nCrawl-delay: 60\n"
    worker.finish(outcome(gate, robots=Robots(verdict="text", text=text)))
    let_pass(61.0, good)
    bad = crawl()
    some(bad)
    worker.lease()
    assert [one.delay_s for one in bad.frontier.hosts()] == [60.0], "the strictest has tasks there"
    worker.done(worker.leases)
    assert [one.delay_s for one in bad.frontier.hosts()] == [0.0]


def test_a_crawl_that_has_all_its_images_binds_no_other(crawl: Make) -> None:
    full, other = crawl(max_images=2, delay_s=30.0), crawl()
    some(full)
    some(other)
    staying, worker = full.worker(), other.worker()
    fetch(staying)
    let_pass(31.0, full, other)
    fetch(staying)
    for _ in range(3):
        worker.lease(1)
        staying.lease()
        worker.done(worker.leases)
        worker.give_surplus()
    worker.lease(1)
    assert worker.delays == {"a.test": 0.0}
