"""A crawl in several partitions, on one Redis or a real Cluster: nothing is lost between them, and
it ends when all is done, neither sooner nor never."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

import msgspec
import pytest
from tests.contracts.bench import (
    PLAIN,
    Bench,
    Worker,
    coming_again,
    image,
    outcome,
    page,
    record,
    refused,
    urls,
)
from tests.contracts.frontier_robots import OBEY
from tests.redis_cluster import add_replica, address_of, cluster, move_slot
from tests.redis_fixtures import KEEPING, RedisServer, Start, redis_server, start, until

from bowerbird.errors import BowerbirdError, ConnectionLostError, StorageFullError, UsageError
from bowerbird.frontier.redis import leasing, outbox, seats
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.redis.partition import Partition
from bowerbird.frontier.rules import Rules
from bowerbird.manager.seeds import Seeder
from bowerbird.model import Kind, Lease, Robots, State, Task, Verb
from bowerbird.testing import ManualClock

__all__ = ["redis_server", "start"]

Make = Callable[..., Bench]


@pytest.fixture
def make(redis_server: RedisServer) -> Make:
    """Makes a crawl in so many partitions of one Redis."""
    with redis_server.client() as client:
        client.flushall()
    clock, numbers = ManualClock(), count()

    def make(partitions: int, rules: Rules = PLAIN) -> Bench:
        address = redis_server.address(f"c{next(numbers)}&partitions={partitions}")
        return Bench(RedisFrontier(address, rules, clock), clock)

    return make


def hosts_of(bench: Bench, wanted: int = 1) -> list[list[str]]:
    """Names of hosts in each partition."""
    frontier: Any = bench.frontier
    found: list[list[str]] = [[] for _ in frontier.partitions]
    for number in count():
        name = f"h{number}.test"
        names = found[frontier._division.of(name)]
        if len(names) < wanted:
            names.append(name)
        if all(len(names) == wanted for names in found):
            return found
    raise AssertionError


def letters(bench: Bench) -> int:
    """Messages in all outboxes."""
    frontier: Any = bench.frontier
    return sum(one.command("XLEN", "outbox").alone() for one in frontier.partitions)


def work(
    bench: Bench, worker: Worker, finish: Callable[[Lease], Any] = outcome,
    seeds: Sequence[Task] = (),
) -> list[str]:  # fmt: skip
    """Do all there is, with patience for what is away; what was fetched. Seeds are added again
    where a manager would."""
    frontier: Any = bench.frontier
    fetched: list[str] = []
    for _ in range(20_000):
        with suppress(ConnectionLostError), coming_again(worker):
            reply = worker.ask(16)
            if reply.state is State.ENDED:
                return fetched
            fetched += urls(reply.leases)
            bench.clock.advance(0.05)
            worker.finish(*map(finish, reply.leases))
            worker.give_surplus()
            if seeds and not reply.leases and frontier.lacks_seeds():
                frontier.begin_seeds()
                bench.add(*seeds)
    raise AssertionError(f"the crawl does not end: {bench.frontier.stats()}")


def _sweep_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies in an outbox was left behind, as soon as anybody looks."""
    monkeypatch.setattr(outbox, "STALE_S", 0.0)
    monkeypatch.setattr(outbox, "SWEEP_EVERY_S", 0.0)


# Between partitions.


def test_what_a_page_finds_is_found_in_all_partitions(make: Make) -> None:
    bench = make(8)
    names = [name for (name,) in hosts_of(bench)]
    bench.add(page("", names[0]))
    worker = bench.worker()
    (lease,) = worker.lease()
    found = [image(f"{n}", name) for name in names for n in range(3)]
    assert worker.finish(outcome(lease, found=(*found, *found))) == (True,)
    assert letters(bench) == 0
    assert bench.frontier.stats().waiting == {"image": 24}
    assert sorted(work(bench, worker)) == sorted(one.url for one in found)
    assert bench.frontier.audit() == []


def test_links_of_many_pages_do_not_hold_up_another_partition_in_one_long_call(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make(2)
    one, other = (names[0] for names in hosts_of(bench))
    bench.add(*(page(f"{n}", one) for n in range(8)))
    worker = bench.worker()
    leases = worker.lease(8)
    sent: list[int] = []
    deliver = Partition.deliver

    def counted(self: Partition, messages: Sequence[bytes]) -> Any:
        sent.append(len(messages))
        return deliver(self, messages)

    monkeypatch.setattr(Partition, "deliver", counted)
    links = [tuple(image(f"{n}/{m}", other) for m in range(100)) for n in range(8)]
    worker.finish(*[outcome(lease, found=some) for lease, some in zip(leases, links, strict=True)])
    assert sum(sent) == 8
    assert max(sent) <= 4
    assert bench.frontier.stats().waiting == {"image": 800}


def test_a_refused_outcome_sends_nothing(make: Make) -> None:
    bench = make(4)
    one, other = (names[0] for names in hosts_of(bench)[:2])
    bench.add(page("", one))
    worker = bench.worker()
    (lease,) = worker.lease()
    assert worker.finish(outcome(lease)) == (True,)
    again = outcome(lease, found=(image("1", other),))
    assert bench.frontier.finish(worker.session, [again]).accepted == (False,)
    assert (letters(bench), bench.frontier.stats().waiting) == (0, {})


def test_who_dies_before_he_has_carried_what_he_found_loses_nothing(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make(8)
    names = [name for (name,) in hosts_of(bench)]
    bench.add(page("", names[0]), page("old", names[1]))
    worker = bench.worker()
    leases = worker.lease()
    target = page("new", names[2], hops=1, first_url=f"http://{names[1]}/old")
    moved = {f"http://{names[1]}/old": {"verb": Verb.MOVED, "moved": target, "status": 301}}
    found = tuple(image("1", name) for name in names)
    monkeypatch.setattr(outbox, "STALE_S", 1e9)
    with monkeypatch.context() as patch:
        patch.setattr(outbox.Outbox, "carry", lambda *_: None)
        for one in leases:
            more = moved.get(one.task.url, {"found": found})
            assert worker.finish(outcome(one, **more)) == (True,)
    assert letters(bench) == 8
    assert bench.frontier.stats().waiting == {"image": 1}
    worker.done(worker.lease())
    for _ in range(20):  # nobody may call it over, whoever looks
        assert worker.ask().state is State.RUNNING
        assert bench.frontier.stats().state is State.RUNNING
    _sweep_at_once(monkeypatch)
    left = [f"http://{names[2]}/new", *(f"http://{name}/1" for name in names[1:])]
    assert sorted(work(bench, worker)) == sorted(left)
    assert letters(bench) == 0
    assert bench.frontier.audit() == []


def test_messages_that_come_twice_do_nothing_twice(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox.Outbox, "_remove", lambda *_: None)
    _sweep_at_once(monkeypatch)
    bench = make(4)
    one, other = (names[0] for names in hosts_of(bench)[:2])
    bench.add(page("", one))
    worker = bench.worker()
    (lease,) = worker.lease()
    inline = record("data:image/png;sha256,00", 7)
    worker.finish(
        outcome(lease, found=tuple(image(f"{n}", other) for n in range(5)), records=(inline,))
    )
    for _ in range(3):
        bench.frontier.stats()
    stats = bench.frontier.stats()
    assert (stats.waiting, stats.records, stats.bytes) == ({"image": 5}, 1, 7)
    assert bench.frontier.audit() == []


def test_an_image_that_many_pages_bring_is_counted_once(make: Make) -> None:
    bench = make(4)
    bench.add(*[page("", name) for (name,) in hosts_of(bench)])
    worker = bench.worker()
    leases = worker.lease()
    inline = record("data:image/png;sha256,00", 7)
    worker.finish(*[outcome(one, records=(inline,)) for one in leases])
    stats = bench.frontier.stats()
    assert len(leases) == 4
    assert (stats.records, stats.bytes) == (1, 7)


def test_a_robots_txt_elsewhere_opens_the_gate_here_and_costs_its_hosts_budget(make: Make) -> None:
    bench = make(4, msgspec.structs.replace(OBEY, per_host=1))
    (first, beside), (second, _), (third, _), _ = hosts_of(bench, 2)
    bench.add(image("yes", first), image("no/1", first))
    worker = bench.worker()
    (lease,) = worker.lease()
    for name in (second, third, beside):  # home again by its last hop
        hops, origin = lease.task.hops + 1, f"http://{first}/robots.txt"
        target = Task(url=f"http://{name}/r", kind=Kind.ROBOTS, hops=hops, first_url=origin)
        assert worker.finish(outcome(lease, Verb.MOVED, moved=target, status=301)) == (True,)
        (lease,) = worker.lease()
        assert (lease.task.url, lease.task.kind) == (f"http://{name}/r", Kind.ROBOTS)
        assert worker.slots[name] == 1
    text = Robots(verdict="text", text="User-agent: *\nDisallow: /no/\nCrawl-delay: 3")
    worker.finish(outcome(lease, robots=text))
    worker.give_surplus()
    bench.clock.advance(4.0)
    assert urls(worker.lease()) == [f"http://{first}/yes"]
    assert bench.frontier.stats().dead == {"robots": 1}
    rows = {row.host: row.delay_s for row in bench.frontier.hosts()}
    assert (rows[first], rows[second]) == (3.0, 0.0)
    assert letters(bench) == 0
    assert bench.frontier.audit() == []


def test_a_robots_txt_that_leads_to_a_host_that_is_down_closes_the_gate(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    _sweep_at_once(monkeypatch)
    bench = make(4, OBEY)
    one, other = (names[0] for names in hosts_of(bench)[:2])
    bench.add(image("1", one))
    worker = bench.worker()
    (lease,) = worker.lease()
    origin = lease.task.url
    target = Task(url=f"http://{other}/r", kind=Kind.ROBOTS, hops=1, first_url=origin)
    worker.finish(outcome(lease, Verb.MOVED, moved=target, status=301))
    for _ in range(400):
        reply = worker.ask()
        if reply.state is State.ENDED:
            break
        worker.finish(*map(refused, reply.leases))
        bench.wait(5.0)
    assert bench.frontier.stats().state is State.ENDED
    assert bench.dead() == {"robots-unreachable": 1}
    assert bench.frontier.audit() == []


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("partitions", [1, 4])
def test_no_robots_txt_gives_a_host_one_more_port_than_it_may_have(
    make: Make, monkeypatch: pytest.MonkeyPatch, partitions: int
) -> None:
    _sweep_at_once(monkeypatch)
    bench = make(partitions, OBEY)
    one, full = hosts_of(bench, 2)[0][0], hosts_of(bench, 2)[-1][1]
    bench.add(image("1", one))
    worker = bench.worker()
    (lease,) = worker.lease()
    bench.add(*(image("1", f"{full}:{port}") for port in range(1, 65)))
    target = Task(url=f"http://{full}/r", kind=Kind.ROBOTS, hops=1, first_url=lease.task.url)
    worker.finish(outcome(lease, Verb.MOVED, moved=target, status=301))

    def is_judged() -> bool:
        worker.lease(1)
        bench.clock.advance(0.01)
        return bool(bench.dead())

    until(is_judged)  # letters between partitions go by the time of Redis
    assert bench.dead() == {"robots-unreachable": 1}
    assert bench.frontier.stats().waiting["image"] == 64
    assert bench.frontier.audit() == []


# Many partitions.


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers look around at each call: a test's clock is not theirs."""
    for module, name in ((leasing, "TURN_S"), (seats, "TURN_S"), (seats, "BARREN_S"),
                         (seats, "LEASED_S")):  # fmt: skip
        monkeypatch.setattr(module, name, 0.0)
    monkeypatch.setattr(seats.Seats, "is_time_to_look", lambda _: True)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(("fleet", "most"), [(1, 64), (20, seats.MOST_SEATS)])
def test_a_fleet_serves_all_partitions_and_each_worker_few(
    make: Make, fleet: int, most: int
) -> None:
    bench = make(64)
    every = [image(f"{n}", name) for names in hosts_of(bench, 2) for name in names for n in (1, 2)]
    workers = [bench.worker() for _ in range(fleet)]
    bench.add(*every)
    frontier: Any = bench.frontier
    fetched: list[str] = []
    for turn in range(10_000):
        worker = workers[turn % fleet]
        reply = worker.ask(8)
        assert len(frontier._seats[worker.session].at) <= most
        fetched += urls(reply.leases)
        if reply.state is State.ENDED:
            break
        worker.done(reply.leases)
        worker.give_surplus()
        bench.clock.advance(0.05 / fleet)
    assert sorted(fetched) == sorted(one.url for one in every)
    assert (bench.frontier.stats().sessions, len(bench.frontier.workers())) == (fleet, fleet)
    assert bench.frontier.audit() == []


@pytest.mark.usefixtures("hurried")
def test_work_without_end_in_some_partitions_starves_no_other(make: Make) -> None:
    bench = make(16)
    names = [name for (name,) in hosts_of(bench)]
    bench.add(*[image("0", name) for name in names])
    for _ in range(5):  # a fleet, in which one alone does any work
        bench.worker()
    worker, met, numbers = bench.worker(), set[str](), count(1)
    for _ in range(400):
        for lease in worker.lease(8):
            host = lease.task.url.split("/")[2]
            met.add(host)
            worker.finish(outcome(lease, found=(image(f"{next(numbers)}", host),)))
        worker.give_surplus()
        bench.clock.advance(0.05)
    assert met == set(names)


@pytest.mark.usefixtures("hurried")
def test_what_a_dead_worker_held_comes_back_whoever_is_left(make: Make) -> None:
    bench = make(16)
    every = [image("1", name) for (name,) in hosts_of(bench)]
    bench.add(*every)
    dead = bench.worker("dead")
    held: list[str] = []
    while len(held) < 4:
        held += urls(dead.lease(2))
    bench.workers.remove(dead)
    bench.clock.advance(9.0)
    assert sorted(work(bench, bench.worker("heir"))) == sorted(one.url for one in every)
    assert bench.frontier.audit() == []


def test_workers_near_a_limit_do_not_pass_it_together(make: Make) -> None:
    bench = make(4, msgspec.structs.replace(PLAIN, max_images=40))
    bench.add(*[image(f"{n}", f"h{n % 50}.test") for n in range(400)])
    address: Any = bench.frontier
    leased: list[int] = []

    def lease() -> None:
        other = Bench(RedisFrontier(address._line.place, clock=bench.clock), bench.clock)
        worker = other.worker(threading.current_thread().name)
        leased.append(sum(len(worker.lease(9)) for _ in range(5)))

    threads = [threading.Thread(target=lease) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(leased) == 40


def test_what_one_partition_gave_while_another_had_no_memory_goes_back_at_once(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make(4)
    every = [image("1", name) for (name,) in hosts_of(bench)]
    bench.add(*every)
    worker, frontier = bench.worker(), bench.frontier
    asked = leasing.together
    with monkeypatch.context() as patch:

        def full(asks: Any) -> Any:
            asked(asks)
            raise StorageFullError("Redis has no memory left.")

        patch.setattr(leasing, "together", full)
        with pytest.raises(ConnectionLostError, match="memory"):
            worker.ask()
    assert frontier.stats().leased == 4
    worker.again()
    assert sorted(urls(worker.lease())) == sorted(one.url for one in every)
    assert not any(one.attempts or one.suspect for one in worker.leases)


# What people get wrong.


def test_another_number_of_partitions_is_refused_and_told(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.flushall()
    RedisFrontier(redis_server.address("x&partitions=4"), PLAIN)
    for rules in (PLAIN, None):
        with pytest.raises(UsageError, match="partitions=4"):
            RedisFrontier(redis_server.address("y&partitions=8"), rules)
    assert len(RedisFrontier(redis_server.address("z"), PLAIN).partitions) == 4


def test_what_was_lost_of_one_partition_ends_the_crawl_with_a_word(make: Make) -> None:
    bench = make(4)
    worker = bench.worker()
    frontier: Any = bench.frontier
    frontier.partitions[2].command("DEL", "books").alone()
    for call in (bench.frontier.stats, worker.ask, lambda: RedisFrontier(frontier._line.place)):
        with pytest.raises(BowerbirdError, match="deleted"):
            call()


# A Cluster.


def test_slots_of_a_cluster_are_moved_in_mid_crawl(start: Start) -> None:
    nodes = cluster(start)
    clock = ManualClock()
    bench = Bench(RedisFrontier(address_of(nodes, 16), PLAIN, clock), clock)
    starts = [page(f"p{n}", f"h{n % 40}.test") for n in range(120)]
    bench.add(*starts)
    worker = bench.worker()
    slots = [nodes[0].client().execute_command("CLUSTER", "KEYSLOT", f"bowerbird:{{{n}}}:")
             for n in (0, 3, 7, 11)]  # fmt: skip
    mover = threading.Thread(target=lambda: [move_slot(nodes, one) for one in slots])
    mover.start()

    def finish(lease: Lease) -> Any:
        number = lease.task.url.rpartition("p")[2]
        links = tuple(image(f"i{number}.{n}", f"g{n * 7 % 50}.test") for n in range(10))
        return outcome(lease, found=links if lease.task.kind is Kind.PAGE else ())

    work(bench, worker, finish, starts)
    mover.join()
    work(bench, worker, finish, starts)
    assert bench.frontier.stats().done == {"page": 120, "image": 1_200}
    assert bench.frontier.audit() == []


def test_a_crawl_outlasts_the_death_of_a_node_that_keeps_a_file(start: Start) -> None:
    nodes = cluster(start, 3, *KEEPING)
    clock = ManualClock()
    bench = Bench(RedisFrontier(address_of(nodes, 8), PLAIN, clock), clock)
    starts = [page(f"p{n}", f"h{n % 20}.test") for n in range(100)]
    bench.add(*starts)
    worker = bench.worker()
    held: list[Lease] = []
    while len(held) < 30:
        held += worker.lease(16)
    nodes[1].kill()
    found = {one.token: tuple(image(f"{one.task.url[-4:]}{n}", f"g{n}.test") for n in range(20))
             for one in held}  # fmt: skip
    outcomes = [outcome(one, found=found[one.token]) for one in held]
    with suppress(ConnectionLostError):
        worker.finish(*outcomes)
    nodes[1].start()
    until(lambda: _is_there(bench))
    bench.frontier.finish(worker.session, outcomes)
    worker.leases.clear()
    begun = bench.frontier.stats()
    assert begun.done["page"] == len(held)
    work(bench, worker, seeds=starts)
    assert bench.frontier.stats().done["page"] == 100
    links = {one.url for some in found.values() for one in some}
    assert bench.frontier.stats().done["image"] == len(links)
    assert bench.frontier.audit() == []


def _is_there(bench: Bench) -> bool:
    with suppress(ConnectionLostError):
        return bench.frontier.stats() is not None
    return False


def test_seeds_that_a_failover_has_lost_are_added_again_before_the_end(start: Start) -> None:
    nodes = cluster(start)
    replicas = [add_replica(start, node) for node in nodes]
    clock = ManualClock()
    bench = Bench(RedisFrontier(address_of(nodes, 12), PLAIN, clock), clock)
    frontier: Any = bench.frontier
    until(lambda: frontier._line.holder().replicas == 1 or frontier._line.way.forget("") or False)
    _cut_off(nodes[1])
    every = [image(f"{n}", f"h{n % 60}.test") for n in range(300)]
    frontier.begin_seeds()
    seeder = Seeder(every, lambda tasks, last: frontier.add(tasks, seeds_complete=last),
                    lambda: _again(frontier))  # fmt: skip
    seeder.start()
    until(lambda: frontier.stats().seeds_complete)
    assert frontier.stats().waiting == {"image": 300}
    nodes[1].kill()  # what it was given since has gone with it
    until(lambda: replicas[1].client().role()[0] == b"master")
    until(lambda: _is_there(bench))
    worker = bench.worker()
    work(bench, worker)
    seeder.stop()
    assert seeder.error is None
    assert bench.frontier.stats().done == {"image": 300}
    assert bench.frontier.audit() == []


def _again(frontier: RedisFrontier) -> bool:
    with suppress(ConnectionLostError):
        if frontier.lacks_seeds():
            frontier.begin_seeds()
            return True
    return False


def _cut_off(master: RedisServer) -> None:
    """Its replica gets nothing more."""
    client = master.client()
    client.execute_command("ACL", "SETUSER", "default", "-psync")
    client.execute_command("CLIENT", "KILL", "TYPE", "replica")
