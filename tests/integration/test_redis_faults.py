"""What happens to a Redis, or on the way to it: nothing accepted is lost, nothing is done twice,
and people are told what is wrong and never a password."""

import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
import redis
from tests.contracts.bench import PLAIN, Bench, coming_again, image, outcome
from tests.redis_cluster import join, move_slot, owns
from tests.redis_fixtures import (
    KEEPING,
    RedisServer,
    Start,
    free_port,
    redis_server,
    start,
    until,
)
from tests.web import serve

from bowerbird.errors import BowerbirdError, ConnectionLostError, FrontierError, UsageError
from bowerbird.frontier.redis import ways
from bowerbird.frontier.redis.address import parse_redis
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.model import State
from bowerbird.testing import ManualClock

__all__ = ["redis_server", "start"]

SECRET = "s3cret-word"


def bench_at(address: str) -> Bench:
    clock = ManualClock()
    return Bench(RedisFrontier(address, PLAIN, clock), clock)


def trouble(address: str) -> BowerbirdError:
    """What is said to who makes a crawl there."""
    with pytest.raises(BowerbirdError) as caught:
        RedisFrontier(address, PLAIN)
    assert SECRET not in f"{caught.value}{caught.value!r}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


# What is done goes on.


def test_scripts_that_were_flushed_are_loaded_again(start: Start) -> None:
    server = start()
    bench, client = bench_at(server.address()), server.client()
    for turn in range(3):
        client.script_flush()
        assert bench.add(*[image(f"{turn}/{n}") for n in range(700)]) == 700
        client.script_flush()
        worker = bench.worker(f"w{turn}")
        client.script_flush()
        leases = worker.lease(64)
        client.script_flush()
        worker.done(leases)
        bench.frontier.detach(worker.session)
        bench.workers.clear()
    assert bench.frontier.audit() == []


def test_nothing_answered_is_lost_when_redis_is_killed(start: Start) -> None:
    server = start(*KEEPING)
    bench = bench_at(server.address())
    bench.add(*[image(f"{n}", f"{n % 7}.test") for n in range(300)])
    worker = bench.worker()
    leases = worker.lease(40)
    worker.done(leases[:10])
    before = bench.frontier.stats()
    server.kill()
    with pytest.raises(ConnectionLostError, match="cannot be reached"):
        bench.frontier.stats()
    server.start()
    until(lambda: _has_read_its_data(bench))
    assert bench.frontier.stats() == before
    assert bench.frontier.audit() == []
    worker.done(leases[10:])
    worker.again()
    assert len(bench.crawl(worker)) == 300 - len(leases)
    assert bench.frontier.stats().done == {"image": 300}


def test_a_finish_that_was_carried_out_but_not_answered_changes_nothing_again(
    redis_server: RedisServer,
) -> None:
    with LastWord(redis_server.port) as line:
        bench = bench_at(f"redis://127.0.0.1:{line.port}/0?crawl=cut")
        bench.add(image("1"), image("2"))
        worker = bench.worker()
        leases = worker.lease()
        worker.finish()  # Redis knows the script now
        outcomes = [outcome(lease, found=(image("3"),), counts={"x": 1}) for lease in leases]
        line.swallow.set()
        with pytest.raises(ConnectionLostError):
            bench.frontier.finish(worker.session, outcomes)
        line.swallow.clear()
        stats = bench.frontier.stats()
        assert (stats.done, stats.counters) == ({"image": 2}, {"x": 2})
        assert bench.frontier.finish(worker.session, outcomes).accepted == (False, False)
        assert bench.frontier.stats() == stats
        assert bench.frontier.audit() == []
        bench.frontier.close()


def test_a_redis_that_hangs_is_a_lost_connection(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways, "ANSWER_S", 0.3)
    server = start()
    bench = bench_at(server.address())
    assert server.process is not None
    server.process.send_signal(signal.SIGSTOP)
    with pytest.raises(ConnectionLostError, match="does not answer"):
        bench.add(image("1"))
    server.process.send_signal(signal.SIGCONT)
    bench.add(image("1"))
    assert bench.frontier.stats().waiting == {"image": 1}


def test_a_redis_that_reads_its_data_is_waited_for(start: Start) -> None:
    server = start(*KEEPING, "--aof-use-rdb-preamble", "no")
    bench = bench_at(server.address())
    bench.add(*[image(f"{n}", f"h{n}.test") for n in range(8_000)])
    server.kill()
    server.options += ("--key-load-delay", "200", "--loading-process-events-interval-bytes", "1024")
    server.start()
    with pytest.raises(ConnectionLostError, match="still reading its data"):
        bench.frontier.stats()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(ConnectionLostError):
            assert sum(bench.frontier.stats().waiting.values()) == 8_000
            break
        time.sleep(0.05)


def test_a_replica_takes_no_writes_and_is_no_reason_to_end(start: Start) -> None:
    server, other = start(), start()
    bench, client = bench_at(server.address()), server.client()
    client.execute_command("REPLICAOF", "127.0.0.1", other.port)
    with pytest.raises(ConnectionLostError):
        bench.add(image("1"))
    client.execute_command("REPLICAOF", "NO", "ONE")
    assert bench.add(image("1")) == 1


def test_deleted_data_end_the_crawl_with_a_word(start: Start) -> None:
    server = start()
    bench = bench_at(server.address())
    bench.add(image("1"))
    worker = bench.worker()
    (lease,) = worker.lease()
    server.client().flushall()
    for call in (
        lambda: worker.lease(),
        lambda: worker.beat(),
        lambda: bench.add(image("2")),
        lambda: worker.finish(outcome(lease)),
        lambda: RedisFrontier(server.address()),
    ):
        with pytest.raises(FrontierError, match="FLUSHALL"):
            call()
    assert list(server.client().scan_iter()) == []
    RedisFrontier(server.address(), PLAIN)  # another crawl has its name now
    with pytest.raises(FrontierError, match="another one has its name"):
        bench.add(image("2"))


# What is said.


def test_a_wrong_password_is_named_and_not_shown(start: Start) -> None:
    server = start("--requirepass", SECRET)
    place = f"127.0.0.1:{server.port}/0?crawl=x"
    for user in ("", ":wrong@", f"nobody:{SECRET}@"):
        error = trouble(f"redis://{user}{place}")
        assert isinstance(error, UsageError)
        assert "wants another user or password" in str(error)
    frontier = RedisFrontier(f"redis://:{SECRET}@{place}", PLAIN)
    assert SECRET not in f"{frontier!r}{frontier._line!r}"


@pytest.mark.parametrize("command", ["evalsha", "hmget", "hincrby", "zadd", "rpush", "set"])
def test_a_missing_right_is_named(start: Start, command: str) -> None:
    server = start()
    server.client().execute_command(
        "ACL", "SETUSER", "bird", "on", f">{SECRET}", "~bowerbird:*", "+@all", f"-{command}"
    )

    def work() -> None:
        bench = bench_at(f"redis://bird:{SECRET}@127.0.0.1:{server.port}/0?crawl=x")
        bench.add(image("1"))
        bench.worker().lease()

    with pytest.raises(UsageError) as caught:
        work()
    assert f"may not use the command {command.upper()}" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_user_without_dangerous_commands_is_enough(start: Start) -> None:
    server = start("--appendonly", "yes")
    server.client().execute_command(
        "ACL", "SETUSER", "bird", "on", f">{SECRET}", "~bowerbird:*", "+@all", "-@dangerous"
    )
    bench = bench_at(f"redis://bird:{SECRET}@127.0.0.1:{server.port}/0?crawl=x")
    bench.add(image("1"), image("2"))
    assert len(bench.crawl(bench.worker())) == 2
    bench.requeue()
    assert "+info" in bench.frontier.warnings()[0]  # type: ignore[attr-defined]


def test_a_user_who_may_use_other_keys_only_is_told_so(start: Start) -> None:
    server = start()
    server.client().execute_command(
        "ACL", "SETUSER", "bird", "on", f">{SECRET}", "~other:*", "+@all"
    )
    error = trouble(f"redis://bird:{SECRET}@127.0.0.1:{server.port}/0?crawl=x")
    assert "keys that begin with bowerbird:" in str(error)


def test_what_would_lose_tasks_is_refused_or_told(start: Start) -> None:
    server = start("--maxmemory-policy", "allkeys-lru")
    assert "maxmemory-policy noeviction" in str(trouble(server.address()))
    server.client().config_set("maxmemory-policy", "noeviction")
    frontier = RedisFrontier(server.address(), PLAIN)
    assert ["appendonly yes" in one for one in frontier.warnings()] == [True]
    server.client().config_set("appendonly", "yes")
    assert frontier.warnings() == []


def test_data_of_another_version_are_left_alone(start: Start) -> None:
    server = start()
    frontier = RedisFrontier(server.address(), PLAIN)
    server.client().hset(frontier.keys.of("books"), "version", "99")
    assert "another version" in str(trouble(server.address()))


def test_a_key_of_another_program_is_explained(start: Start) -> None:
    server = start()
    server.client().rpush("bowerbird:{0}:c:test:books", "what is this")
    assert "of a type that is not ours" in str(trouble(server.address()))


def test_what_is_not_there_or_not_redis_is_said(start: Start) -> None:
    server = start()
    assert "no database of this number" in str(trouble(server.address(database=99)))
    assert "no Cluster" in str(trouble(f"redis+cluster://127.0.0.1:{server.port}/?crawl=x"))
    assert "no Sentinel" in str(trouble(f"redis+sentinel://127.0.0.1:{server.port}/m?crawl=x"))
    with serve({}) as web:
        error = trouble(f"redis://{web.url.removeprefix('http://')}/0?crawl=x")
        assert (type(error), "no Redis" in str(error)) == (UsageError, True)
    port = server.port
    server.kill()
    for scheme, path in (("redis", "0"), ("redis+cluster", ""), ("redis+sentinel", "mine")):
        error = trouble(f"{scheme}://:{SECRET}@127.0.0.1:{port}/{path}?crawl=x")
        assert isinstance(error, ConnectionLostError)


# Other ways.


def test_a_unix_socket_leads_there_too(start: Start, tmp_path: Path) -> None:
    start("--unixsocket", str(tmp_path / "r.sock"))
    bench = bench_at(f"unix://{tmp_path}/r.sock?crawl=x&db=3")
    assert bench.add(image("1")) == 1


def test_tls_leads_there_only_where_the_certificate_is_trusted(start: Start) -> None:
    pem, port = str(Path(__file__).parent.parent / "site/localhost.pem"), free_port()
    start(
        "--tls-port", str(port), "--tls-cert-file", pem, "--tls-key-file", pem,
        "--tls-ca-cert-file", pem, "--tls-auth-clients", "no",
    )  # fmt: skip
    address = parse_redis(f"rediss://localhost:{port}/0?crawl=x")
    with pytest.raises(ConnectionLostError, match="certificate"):
        RedisFrontier(address, PLAIN)
    trusting = msgspec.structs.replace(address, url=f"{address.url}?ssl_ca_certs={quote(pem)}")
    assert RedisFrontier(trusting, PLAIN).add([image("1")]) == 1


def test_sentinels_lead_to_the_new_master_when_the_old_one_dies(
    start: Start, tmp_path: Path
) -> None:
    master = start("--appendonly", "yes", "--repl-diskless-sync-delay", "0")
    replica = start("--replicaof", f"127.0.0.1 {master.port}")
    sentinels = [_sentinel(tmp_path / f"sentinel{n}", master.port) for n in range(3)]
    try:
        until(lambda: replica.client().info("replication")["master_link_status"] == "up")
        until(lambda: all(_sees(port) for _, port in sentinels))
        nodes = ",".join(f"127.0.0.1:{port}" for _, port in sentinels)
        bench = bench_at(f"redis+sentinel://{nodes}/mine?crawl=x")
        bench.add(*[image(f"{n}", f"{n % 9}.test") for n in range(200)])
        worker = bench.worker()
        leases = worker.lease(30)
        worker.done(leases[:10])
        assert bench.frontier._line.command("WAIT", 1, 10_000) == 1  # type: ignore[attr-defined]
        master.client().execute_command("ACL", "SETUSER", "default", "-psync")
        master.client().execute_command("CLIENT", "KILL", "TYPE", "replica")
        lost = [outcome(one, found=(image(f"found-{n}"),)) for n, one in enumerate(leases[10:])]
        assert all(worker.finish(*lost))  # the replica does not get this
        master.kill()
        until(lambda: _answers(bench))
        assert bench.frontier.audit() == []
        assert bench.frontier.stats().state is not State.ENDED
        again = bench.frontier.finish(worker.session, lost[:10]).accepted
        assert again == (True,) * 10, "what the replica has not seen is open there"
        bench.workers.remove(worker)
        bench.wait(9.0)  # the rest is done anew by another, who finds nothing
        bench.crawl(bench.worker("heir"))
        assert bench.frontier.stats().done == {"image": 200 + 10 + 1}
        assert bench.frontier.audit() == []
    finally:
        for process, _ in sentinels:
            process.kill()
            process.wait()


def _has_read_its_data(bench: Bench) -> bool:
    with suppress(ConnectionLostError):
        return bench.frontier.stats() is not None
    return False


def _answers(bench: Bench) -> bool:
    with suppress(ConnectionLostError):
        return bench.add(image("new", "new.test")) >= 0
    return False


def _sentinel(folder: Path, master: int) -> tuple[subprocess.Popen[bytes], int]:
    server = RedisServer(folder)
    folder.mkdir()
    file = folder / "sentinel.conf"
    file.write_text(
        f"port {server.port}\nbind 127.0.0.1\ndir {folder}\n"
        f"sentinel monitor mine 127.0.0.1 {master} 2\n"
        "sentinel down-after-milliseconds mine 500\nsentinel failover-timeout mine 3000\n"
    )
    process = subprocess.Popen(["redis-server", str(file), "--sentinel"], stdout=subprocess.DEVNULL)
    return process, server.port


def _sees(port: int) -> bool:
    """Whether a Sentinel knows the replica and the two others."""
    with suppress(redis.exceptions.ConnectionError), redis.Redis(port=port, protocol=2) as client:
        row = client.sentinel_master("mine")
        return bool(row["num-slaves"] == 1 and row["num-other-sentinels"] == 2)
    return False


def test_a_slot_of_a_cluster_is_moved_in_mid_crawl(start: Start) -> None:
    nodes = [start("--cluster-enabled", "yes", "--cluster-node-timeout", "2000") for _ in range(3)]
    join(nodes)
    slot = nodes[0].client().execute_command("CLUSTER", "KEYSLOT", "bowerbird:{0}:")
    bench = bench_at(f"redis+cluster://127.0.0.1:{nodes[0].port}/?crawl=x")
    bench.add(*[image(f"{n}", f"{n % 9}.test") for n in range(400)])
    worker = bench.worker()
    worker.done(worker.lease(50))
    mover = threading.Thread(target=move_slot, args=(nodes, slot))
    mover.start()
    while True:
        with coming_again(worker):
            reply = worker.ask(20)
            if reply.state is State.ENDED:
                break
            bench.clock.advance(0.1)
            worker.done(reply.leases)
            worker.give_surplus()
    mover.join()
    assert bench.add(image("late")) == 1
    bench.crawl(worker)
    assert bench.frontier.stats().done == {"image": 401}
    assert bench.frontier.audit() == []
    trouble_at_one = trouble(next(one for one in nodes if not owns(one, slot)).address())
    assert "redis+cluster://" in str(trouble_at_one)


class LastWord:
    """A line to a Redis that carries requests and, while `swallow` is set, ends where an answer
    should come."""

    def __init__(self, port: int) -> None:
        self.swallow = threading.Event()
        self._target = port
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]

    def __enter__(self) -> "LastWord":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                threading.Thread(target=self._carry, args=(near, far), daemon=True).start()
                threading.Thread(target=self._answer, args=(far, near), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := near.recv(65_536):
                far.sendall(data)

    def _answer(self, far: socket.socket, near: socket.socket) -> None:
        with suppress(OSError):
            while data := far.recv(65_536):
                if self.swallow.is_set():
                    break
                near.sendall(data)
        near.shutdown(socket.SHUT_RDWR)
        near.close()
        far.close()
