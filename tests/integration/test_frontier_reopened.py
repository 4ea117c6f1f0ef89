"""What a SQLite frontier remembers: after a close, after kill -9, after a disk that was full."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec
import pytest
from tests.contracts.bench import (
    PLAIN,
    Bench,
    Worker,
    image,
    outcome,
    page,
    record,
    refused,
    urls,
)
from tests.contracts.frontier_robots import OBEY

from bowerbird.app.recovery import recover
from bowerbird.catalog import Boot, CatalogReader, CatalogWriter, boot_now, last_boot, note_boot
from bowerbird.errors import FolderError, SchemaError, SessionGoneError, StorageFullError
from bowerbird.frontier.rules import Rules
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.model import Robots, State, Verb, WorkerInfo
from bowerbird.store import FileStore
from bowerbird.testing import ManualClock

Open = Callable[..., Bench]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def reopen(tmp_path: Path, clock: ManualClock) -> Open:
    """Opens the crawl, after letting go of it as a killed process does: without a word."""
    benches: list[Bench] = []

    def reopen(rules: Rules = PLAIN, *, away_s: float = 0.0) -> Bench:
        if benches:
            benches[-1].frontier.close()
            clock._now_s = 5.0  # a boot in between: no clock but the wall's goes on
            clock._wall_s += away_s
        benches.append(Bench(SqliteFrontier(tmp_path / "crawl.db", rules, clock), clock))
        assert benches[-1].frontier.audit() == []
        return benches[-1]

    return reopen


def test_leases_of_local_workers_go_back_at_once_and_leave_no_death(reopen: Open) -> None:
    for _ in range(5):
        bench = reopen()
        bench.add(image("1"), image("2"))
        leases = bench.worker().lease()
        assert len(leases) == 2
        assert not any(lease.suspect for lease in leases)


@pytest.mark.parametrize("delay_s", [0.0, 3.0])
def test_who_was_forgotten_when_the_machine_went_down_has_its_host_alone(
    tmp_path: Path, clock: ManualClock, delay_s: float
) -> None:
    rules = Rules(obey_robots=False, delay_s=delay_s)
    before = Bench(SqliteFrontier(tmp_path / "crawl.db", rules, clock), clock)
    before.add(image("1"), image("2"))
    for file in list(tmp_path.iterdir()):
        shutil.copy(file, tmp_path / f"kept-{file.name}")
    assert before.worker("forgotten", local=False).lease(1)
    before.frontier.close()

    clock._now_s = 2.0  # seconds after the machine was started
    bench = in_another_boot(tmp_path / "kept-crawl.db", rules, clock)
    other = bench.worker("other")
    while clock.now_s() < 9.0 + delay_s:
        assert other.lease() == []
        bench.wait(0.5)

    assert other.lease()
    assert bench.frontier.audit() == []


def test_which_boot_it_is_survives_a_power_cut(tmp_path: Path) -> None:
    frontier = SqliteFrontier(tmp_path / "crawl.db")
    recover(frontier, FileStore(tmp_path))
    shutil.copy(tmp_path / "crawl.db", tmp_path / "synced.db")  # its log is not
    connection = apsw.Connection(str(tmp_path / "synced.db"))
    assert last_boot(CatalogReader(connection)) == boot_now()
    connection.close()
    frontier.close()


def in_another_boot(path: Path, rules: Rules, clock: ManualClock) -> Bench:
    frontier = SqliteFrontier(path, rules, clock)
    note_boot(CatalogWriter(frontier.connection), Boot(id="another life"))
    recover(frontier, FileStore(path.parent))
    return Bench(frontier, clock)


def test_a_machine_that_was_up_for_long_has_nobody_to_wait_for(tmp_path: Path) -> None:
    rules = Rules(obey_robots=False, delay_s=3.0)
    bench = in_another_boot(tmp_path / "crawl.db", rules, ManualClock(now_s=100.0))
    bench.add(image("1"))
    assert bench.worker().lease()


def test_a_suspect_whose_host_has_nothing_else_is_leased_after_a_restart(reopen: Open) -> None:
    bench = reopen()
    bench.add(image("1"))
    for _ in range(2):
        victim = bench.worker()
        assert victim.lease()
        bench.kill(victim)
    bench = reopen()
    worker = bench.worker()
    (lease,) = worker.lease()
    assert lease.suspect
    worker.done([lease])
    assert worker.ask().state is State.ENDED
    assert bench.frontier.audit() == []


def test_a_late_finish_of_before_a_restart_is_taken_once(reopen: Open) -> None:
    bench = reopen()
    bench.add(image("1"))
    (lease,) = bench.worker().lease()
    bench = reopen()

    answers = [bench.frontier.finish("gone", [outcome(lease)]).accepted for _ in range(2)]
    assert answers == [(True,), (False,)]
    assert bench.frontier.stats().done == {"image": 1}


def test_leases_of_far_workers_stand_and_their_hosts_wait(reopen: Open) -> None:
    bench = reopen()
    bench.add(image("1"), image("2"), image("3"), image("x", host="b.test"))
    one, two = bench.worker("far", local=False).lease(2)
    bench = reopen()
    local = bench.worker("near")
    assert urls(local.lease()) == ["http://b.test/x"]
    assert bench.frontier.stats().leased == 3

    attached = bench.frontier.attach(WorkerInfo(name="far", local=False), [one.token])
    far = Worker(bench, "far", attached.session, leases=[one])
    bench.workers.append(far)
    assert attached.standing == (one.token,)
    far.beat()
    assert far.slots == {"a.test": 1}
    assert far.finish(outcome(one)) == (True,)
    assert two.task.url in urls(local.lease())


def test_far_workers_own_what_they_have_in_flight_after_a_restart(reopen: Open) -> None:
    bench = reopen()
    bench.add(*[image(f"{n}") for n in range(8)])
    first, second = bench.worker("one", local=False), bench.worker("two", local=False)
    one = first.lease()
    assert first.slots == {"a.test": 2}
    two = second.lease()
    tokens = [[lease.token for lease in leases] for leases in (one, two)]
    bench = reopen()

    for name, held, flying in (("one", tokens[0], 2), ("two", tokens[1], 1)):
        attached = bench.frontier.attach(
            WorkerInfo(name=name, local=False), held, (), 180.0, {"a.test": flying}
        )
        worker = Worker(bench, name, attached.session, slots={"a.test": flying})
        bench.workers.append(worker)
        assert set(attached.standing) == set(held)
        worker.beat()
    assert bench.workers[0].slots == {"a.test": 2}
    assert bench.workers[1].slots["a.test"] <= 2
    assert bench.frontier.audit() == []


def test_a_host_with_a_delay_waits_after_the_request_of_a_far_worker_of_before(
    reopen: Open,
) -> None:
    slow = Rules(delay_s=60.0, obey_robots=False)
    bench = reopen(slow)
    bench.add(image("1"), image("2"))
    far = bench.worker("far", local=False)
    (lease, *_) = far.lease(1)
    bench = reopen(slow)
    assert bench.frontier.finish("gone", [outcome(lease)]).accepted == (True,)

    near = bench.worker("near")
    assert near.lease() == []
    bench.wait(59.0)
    assert near.lease() == []
    bench.wait(2.0)
    assert urls(near.lease()) == ["http://a.test/2"]


def test_far_workers_that_do_not_come_back_are_not_blamed(reopen: Open) -> None:
    bench = reopen()
    for _ in range(3):
        bench.add(image("1"))
        session = bench.worker("far", local=False)
        (lease,) = session.lease()
        assert not lease.suspect
        bench = reopen()
        with pytest.raises(SessionGoneError):
            bench.frontier.beat(session.session)
        near = bench.worker("near")
        assert near.lease() == []
        bench.wait(8.5)
        near.ask(0)
        assert len(near.lease()) == 1
        bench.frontier.detach(near.session)
        bench.workers.clear()


def test_a_pause_lasts_and_so_does_its_reason(reopen: Open) -> None:
    bench = reopen()
    bench.add(image("1"))
    bench.frontier.pause("the disk is full")
    stats = reopen().frontier.stats()

    assert (stats.state, stats.reason, stats.seeds_complete) == (
        State.PAUSED, "the disk is full", True,
    )  # fmt: skip


def test_counts_records_and_facts_are_as_before(reopen: Open) -> None:
    bench = reopen()
    bench.add(page("1"), image("2"), image("3"))
    worker = bench.worker()
    two, three, one = worker.lease()
    worker.finish(
        outcome(two, records=(record("http://a.test/2", 7),), counts={"x": 3}),
        outcome(three, Verb.DEAD, reason="http-404"),
        outcome(one, Verb.MOVED, moved=page("4", hops=1), status=301),
    )
    before = bench.frontier.stats(), bench.frontier.results(), bench.frontier.hosts()
    bench.frontier.detach(worker.session)
    bench = reopen()

    after = bench.frontier.stats(), bench.frontier.results(), bench.frontier.hosts()
    assert msgspec.structs.replace(before[0], sessions=0) == after[0]
    assert before[1] == after[1]
    assert bench.add(image("2"), image("3"), page("4")) == 0


@pytest.mark.parametrize("wall_s", [0.0, -1e6, 1e9], ids=["same", "back", "years-on"])
def test_holds_and_retries_wait_no_longer_and_only_by_time_passed(
    reopen: Open, wall_s: float
) -> None:
    bench = reopen()
    bench.add(image("1"), image("2", host="b.test"))
    worker = bench.worker()
    for lease in worker.lease():
        held = 100.0 if "a.test" in lease.task.url else 0.0
        worker.finish(outcome(lease, Verb.RETRY, reason="http-503", in_s=50.0, hold_s=held))
    bench.clock.advance(20.0)
    bench.frontier.pause()
    bench = reopen(away_s=wall_s)
    bench.frontier.resume()

    worker = bench.worker()
    if wall_s > 0:
        assert len(worker.lease()) == 2
        return
    assert worker.lease() == []
    bench.wait(31.0)
    assert urls(worker.lease()) == ["http://b.test/2"]
    bench.wait(51.0)
    assert urls(worker.lease()) == ["http://a.test/1"]


def test_robots_are_not_asked_again_and_an_unfinished_one_is(reopen: Open) -> None:
    bench = reopen(OBEY)
    bench.add(image("no/1"), image("1", host="b.test"))
    worker = bench.worker()
    for lease in worker.lease():
        if "a.test" in lease.task.url:
            forbid = Robots(verdict="text", text="User-agent: *\nDisallow: /no\nCrawl-delay: 3")
            worker.finish(outcome(lease, robots=forbid))
    bench = reopen(OBEY)
    worker = bench.worker()

    assert urls(worker.lease()) == ["http://b.test/robots.txt"]
    bench.wait(3.1)  # robots.txt was a request, too
    assert worker.lease() == []
    assert bench.dead() == {"robots": 1}
    assert {row.host: row.delay_s for row in bench.frontier.hosts()}["b.test"] == 0.0


def test_a_host_that_was_down_still_is(reopen: Open) -> None:
    bench = reopen()
    bench.add(image("ok"))
    worker = bench.worker()
    worker.done(worker.lease())
    bench.add(*[image(f"{n}") for n in range(5)])
    worker.finish(*[refused(lease) for lease in worker.lease()])
    bench = reopen()
    worker = bench.worker()

    assert bench.frontier.hosts()[0].state == "down"
    assert worker.lease() == []
    bench.wait(61.0)
    assert len(worker.lease()) == 1


def test_a_delay_is_kept_between_the_last_request_before_and_the_first_after(
    reopen: Open,
) -> None:
    slow = msgspec.structs.replace(PLAIN, delay_s=10.0)
    bench = reopen(slow)
    bench.add(image("1"), image("2"))
    worker = bench.worker()
    (lease,) = worker.lease(1)
    worker.finish(outcome(lease), give={"a.test": 1})
    bench.clock.advance(4.0)
    bench.frontier.beat(worker.session)
    bench.frontier.pause()
    bench = reopen(slow)
    bench.frontier.resume()
    worker = bench.worker()

    assert worker.lease() == []
    bench.wait(5.9)
    assert worker.lease() == []
    bench.wait(0.2)
    assert len(worker.lease()) == 1


def test_a_delay_is_kept_where_a_slot_was_still_held_when_the_manager_was_killed(
    reopen: Open,
) -> None:
    slow = msgspec.structs.replace(PLAIN, delay_s=10.0)
    bench = reopen(slow)
    bench.add(image("1"), complete=False)
    worker = bench.worker()
    (lease,) = worker.lease(1)
    bench.clock.advance(1.0)
    worker.finish(outcome(lease, found=(image("2"),)))
    bench = reopen(slow)
    worker = bench.worker()

    assert worker.lease() == []
    bench.wait(9.9)
    assert worker.lease() == []
    bench.wait(0.2)
    assert len(worker.lease()) == 1


def test_larger_limits_take_up_what_smaller_ones_left(reopen: Open) -> None:
    bench = reopen(msgspec.structs.replace(PLAIN, max_pages=2))
    bench.add(*[page(f"{n}") for n in range(5)])
    assert len(bench.crawl(bench.worker())) == 2
    assert bench.frontier.stats().skipped == 3
    bench = reopen(msgspec.structs.replace(PLAIN, max_pages=4))

    assert bench.frontier.stats().state is State.RUNNING
    assert len(bench.crawl(bench.worker())) == 2
    assert bench.frontier.stats().skipped == 1


def test_words_kept_for_the_manager_stay(reopen: Open) -> None:
    frontier = reopen().frontier
    assert isinstance(frontier, SqliteFrontier)
    frontier.set_meta("name", "a crawl")
    frontier = reopen().frontier
    assert isinstance(frontier, SqliteFrontier)
    assert frontier.get_meta("name") == "a crawl"
    assert frontier.get_meta("other") == ""


# Faults.


def test_a_newer_database_is_refused(reopen: Open, tmp_path: Path) -> None:
    reopen().frontier.close()
    connection = apsw.Connection(str(tmp_path / "crawl.db"))
    connection.pragma("user_version", 99)
    connection.close()

    with pytest.raises(SchemaError, match="newer version"):
        SqliteFrontier(tmp_path / "crawl.db")


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "crawl.db").write_bytes(b"nothing like it" * 100)

    with pytest.raises(FolderError):
        SqliteFrontier(tmp_path / "crawl.db")


def test_of_a_batch_that_fails_nothing_remains(reopen: Open) -> None:
    bench = reopen()
    bench.add(*[image(f"{n}") for n in range(10)])
    worker = bench.worker()
    kept = worker.lease(2)
    before = bench.frontier.stats()
    frontier = bench.frontier
    assert isinstance(frontier, SqliteFrontier)
    with pytest.raises(ZeroDivisionError), frontier.batch():  # noqa: PT012
        worker.finish(outcome(kept[0], found=(image("new"),)))
        frontier.lease(worker.session, 5)
        raise ZeroDivisionError

    assert frontier.stats() == before
    assert frontier.audit() == []
    assert bench.add(image("new")) == 1
    assert frontier.finish(worker.session, [outcome(one) for one in kept]).accepted == (True, True)
    assert len(worker.lease(64)) == 9


def test_slots_given_back_by_a_call_that_is_undone_are_given_back_once(reopen: Open) -> None:
    bench = reopen(msgspec.structs.replace(PLAIN, per_host=4))
    bench.add(*[image(f"{n}") for n in range(40)])
    frontier, giver = bench.frontier, bench.worker()
    assert isinstance(frontier, SqliteFrontier)
    assert giver.lease(4)
    other = bench.worker()
    with pytest.raises(ZeroDivisionError), frontier.batch():  # noqa: PT012
        frontier.lease(giver.session, 1, 0.0, {"a.test": 1})
        raise ZeroDivisionError
    frontier.lease(giver.session, 1, 0.0, {"a.test": 1})  # the same call once more
    other.lease(8)

    assert other.slots == {"a.test": 1}  # the giver has three in flight
    assert frontier.audit() == []


def test_a_slot_that_cools_goes_on_cooling_when_a_batch_is_undone(reopen: Open) -> None:
    bench = reopen(msgspec.structs.replace(PLAIN, per_host=1))
    bench.add(image("1"), image("2"))
    frontier, victim = bench.frontier, bench.worker()
    assert isinstance(frontier, SqliteFrontier)
    assert victim.lease(1)
    bench.kill(victim)  # its request may still be under way
    with pytest.raises(ZeroDivisionError), frontier.batch():
        raise ZeroDivisionError
    other = bench.worker()
    other.lease()

    assert other.slots == {}
    bench.wait(1.1)
    other.lease()
    assert other.slots == {"a.test": 1}


def test_a_full_disk_keeps_nothing_of_the_call_and_all_before_it(reopen: Open) -> None:
    bench = reopen()
    bench.add(*[image(f"{n}") for n in range(50)])
    worker = bench.worker()
    leases = worker.lease(10)
    frontier = bench.frontier
    assert isinstance(frontier, SqliteFrontier)
    pages = frontier.connection.pragma("page_count")
    frontier.connection.pragma("max_page_count", pages)
    before = frontier.stats()
    many = [image(f"more-{n}" + "x" * 500) for n in range(1_000)]
    with pytest.raises(StorageFullError):
        bench.add(*many)
    with pytest.raises(StorageFullError):
        frontier.finish(worker.session, [outcome(leases[0], found=tuple(many))])

    assert frontier.stats() == before
    assert frontier.audit() == []
    frontier.connection.pragma("max_page_count", 1 << 30)
    assert bench.add(*many) == 1_000
    assert all(worker.finish(*map(outcome, leases)))


WRITER = """
import sys
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.frontier.rules import Rules
from bowerbird.model import *

frontier = SqliteFrontier(sys.argv[1], Rules(obey_robots=False))
session = frontier.attach(WorkerInfo(name="w")).session
number = int(sys.argv[2])
while True:
    with frontier.batch():
        tasks = [Task(url=f"http://{n % 7}.test/{n}", kind=Kind.IMAGE) for n in
                 range(number, number + 50)]
        frontier.add(tasks)
        leases = frontier.lease(session, 40).leases
        reply = frontier.finish(session, [Outcome(token=l.token, verb=Verb.DONE) for l in leases])
    number += 50
    print(number, sum(reply.accepted), flush=True)
"""


def test_kill_9_in_mid_batch_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    path, number, done = tmp_path / "crawl.db", 0, 0
    for lines in (3, 20, 7):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(number)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        for _ in range(lines):
            number, finished = map(int, writer.stdout.readline().split())
            done += finished
        writer.send_signal(signal.SIGKILL)
        for line in writer.stdout.read().decode().splitlines():  # answered before the signal
            number, finished = map(int, line.split())
            done += finished
        writer.wait()
        writer.stdout.close()
        frontier = SqliteFrontier(path, PLAIN)
        stats = frontier.stats()
        assert frontier.audit() == []
        assert stats.done["image"] in (done, done + 40)  # a commit may go unanswered
        done = stats.done["image"]
        every = [image(f"{n}", host=f"{n % 7}.test") for n in range(number)]
        assert frontier.add(every) == 0
        assert stats.waiting["image"] + done in (number, number + 50)
        frontier.close()
