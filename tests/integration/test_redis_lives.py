"""A Redis that was started anew, or a replica that took over, may lack the end of its books:
workers say again what they hold, and nobody is given what somebody may have who was forgotten."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.bird import PATIENCE_S, wait_for
from tests.contracts.bench import PLAIN, Bench, Worker, image
from tests.redis_fixtures import RedisServer, Start, patiently, server, start, until

from bowerbird.errors import ConnectionLostError, SessionGoneError
from bowerbird.frontier.redis.address import parse_redis
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.redis.working import WorkingFrontier
from bowerbird.manager.seeds import Seeder
from bowerbird.model import State, Task, WorkerInfo
from bowerbird.testing import ManualClock

__all__ = ["server", "start"]


def test_who_redis_forgot_has_its_host_alone_until_its_session_is_over(server: RedisServer) -> None:
    bench = bench_at(server.address())
    bench.add(image("1"), image("2"))
    forgotten, other = bench.worker("forgotten"), bench.worker("other")
    known = log_of(server).stat().st_size
    assert forgotten.lease(1)
    forget(server, known)
    with pytest.raises(SessionGoneError):
        patiently(other.beat)
    other.again()
    assert_alone(bench, other, server)


def test_what_a_replica_did_not_get_is_as_if_it_were_under_way(start: Start) -> None:
    master = start("--repl-diskless-sync-delay", "0")
    replica = start("--replicaof", f"127.0.0.1 {master.port}")
    until(lambda: replica.client().info("replication")["master_link_status"] == "up")
    before = bench_at(master.address())
    before.add(image("1"), image("2"))
    until(lambda: _written(replica) == _written(master))
    replica.client().execute_command("REPLICAOF", "NO", "ONE")
    assert before.worker("forgotten").lease(1)
    master.kill()
    after = Bench(RedisFrontier(replica.address(), clock=before.clock), before.clock)
    assert_alone(after, after.worker("other"), replica)


def test_a_worker_comes_again_and_keeps_the_hosts_where_it_is(server: RedisServer) -> None:
    bench = bench_at(server.address())
    bench.add(*[image(f"{n}") for n in range(9)])
    ours, other = bench.worker("ours"), bench.worker("other")
    held = [one.token for one in ours.lease(3)]
    server.kill()
    server.start()
    for call in (ours.ask, ours.beat):
        with pytest.raises(SessionGoneError):
            patiently(call)

    came = bench.frontier.attach(WorkerInfo(name="ours"), held, in_flight={"a.test": 1})
    ours.session, ours.slots = came.session, {"a.test": 1}
    other.again()
    assert sorted(came.standing) == sorted(held)
    bench.wait(4.0)
    assert (bench.slots(), other.lease()) == (1, [])
    ours.done(ours.leases[:2])
    assert ours.wished["a.test"] == 1
    assert bench.frontier.audit() == []


def test_a_redis_that_was_up_before_anybody_came_is_not_waited_for(server: RedisServer) -> None:
    bench = bench_at(server.address())
    bench.add(image("1"), image("2"))
    server.kill()
    server.start()
    until(lambda: server.client().info("server")["uptime_in_seconds"] >= 3)
    worker = Bench(RedisFrontier(server.address(), clock=bench.clock), bench.clock).worker()
    bench.clock.advance(6.6)
    assert worker.lease(1), "it waits for 9.5 s from when Redis was started"


def test_a_clock_that_is_set_back_after_a_restart_keeps_no_host_waiting(
    server: RedisServer,
) -> None:
    bench = bench_at(server.address())
    bench.clock.advance(1e9)
    bench.add(image("1"))
    server.kill()
    server.start()
    worker = patiently(bench.worker)
    bench.clock.advance(-3_600.0)
    assert worker.lease() == []
    bench.wait(10.0)
    assert len(worker.lease()) == 1


def test_while_redis_was_away_no_worker_has_died(server: RedisServer) -> None:
    bench = bench_at(server.address())
    bench.add(image("1"))
    for n in range(3):
        assert bench.worker(f"w{n}").lease()
        server.kill()
        server.start()
        bench.clock.advance(20.0)
        heir = patiently(lambda n=n: bench.worker(f"heir{n}"))  # type: ignore[misc]
        bench.workers = [heir]
        bench.wait(10.0)
    (lease,) = heir.lease()
    assert (lease.attempts, lease.suspect) == (0, False)


def test_a_user_who_may_not_ask_redis_about_itself_can_still_crawl(server: RedisServer) -> None:
    server.client().execute_command(
        "ACL", "SETUSER", "bird", "on", ">word", "~bowerbird:*", "+@all", "-info"
    )
    bench = bench_at(server.address().replace("//", "//bird:word@"))
    bench.add(image("1"), image("2"))
    assert len(bench.crawl(bench.worker())) == 2


def test_seeds_that_redis_forgot_while_more_came_are_added_again(server: RedisServer) -> None:
    frontier = RedisFrontier(server.address(), PLAIN)
    frontier.begin_seeds()
    known = log_of(server).stat().st_size

    def listed() -> Iterator[Task | None]:
        yield from (image(f"{n}") for n in range(10))
        yield None  # these are added now
        forget(server, known)
        yield from (image(f"{n}") for n in range(10, 20))

    seeder = Seeder(
        listed(),
        lambda tasks, last: patiently(lambda: frontier.add(tasks, seeds_complete=last)),
        lambda: patiently(lambda: lacks_seeds(frontier)),
    )
    seeder.start()
    wait_for("seeds", lambda: patiently(frontier.stats).seeds_complete or seeder.error)
    seeder.stop()

    assert seeder.error is None
    assert frontier.stats().waiting == {"image": 20}
    frontier.close()


def test_links_that_redis_forgot_before_their_page_was_done_come_again(server: RedisServer) -> None:
    RedisFrontier(server.address(), PLAIN).close()
    frontier = WorkingFrontier(parse_redis(server.address()))
    frontier.add([image("1")])
    forget(server, log_of(server).stat().st_size)

    with pytest.raises(ConnectionLostError, match="started anew"):
        _on_and_on(lambda: frontier.add([image("2")]))
    frontier.close()


def _written(server: RedisServer) -> int:
    """How many bytes of writes it has seen."""
    return int(server.client().info("replication")["master_repl_offset"])


def log_of(server: RedisServer) -> Path:
    """What it has appended since it began."""
    (found,) = (server.folder / "appendonlydir").glob("*.incr.aof")
    return found


def forget(server: RedisServer, known: int) -> None:
    """kill -9, and what it has appended behind so many bytes never came to the disk."""
    server.kill()
    os.truncate(log_of(server), known)
    server.start()


def lacks_seeds(frontier: RedisFrontier) -> bool:
    if frontier.lacks_seeds():
        frontier.begin_seeds()
        return True
    return False


def bench_at(address: str) -> Bench:
    clock = ManualClock()
    rules = msgspec.structs.replace(PLAIN, delay_s=0.5)
    return Bench(RedisFrontier(address, rules, clock), clock)


def assert_alone(bench: Bench, worker: Worker, server: RedisServer) -> None:
    """A worker is given nothing before whoever was forgotten must have stopped, then something: a
    session's 8 s after this life began, 1 s for what was under way, and the delay."""
    began_s = float(server.client().hget("bowerbird:{0}:life", "since") or 0)
    bench.workers = [worker]
    for moment_s in (0.0, 4.0, 8.0, 9.4):
        bench.clock.advance(began_s + moment_s - bench.clock.now_s())
        assert (worker.beat(), worker.lease()) == (State.RUNNING, [])
    bench.clock.advance(0.2)
    assert worker.lease()


def _on_and_on(call: Callable[[], object]) -> None:
    """As a worker does; that connections break is told too, and is something else."""
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        try:
            call()
        except ConnectionLostError as error:
            if "anew" in str(error):
                raise
        time.sleep(0.01)
