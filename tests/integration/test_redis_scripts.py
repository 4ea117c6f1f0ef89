"""Each script checks first and writes last: whatever key is not ours, and wherever memory ends, a
call that fails has changed nothing. Redis rolls nothing back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from tests.contracts.bench import PLAIN, Bench, Worker, image, outcome, page, record, refused
from tests.contracts.frontier_robots import OBEY
from tests.redis_fixtures import RedisServer, redis_server

from bowerbird.codec import encode
from bowerbird.errors import BowerbirdError, StorageFullError, UsageError
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.redis.division import Division
from bowerbird.frontier.redis.keys import fingerprint
from bowerbird.frontier.redis.leaving import leave_hosts
from bowerbird.frontier.redis.packing import found_message
from bowerbird.frontier.redis.partition import Identity, Partition
from bowerbird.model import Filter, Kind, Lease, Place, Robots, Sighting, Verb, WorkerInfo
from bowerbird.testing import ManualClock

__all__ = ["redis_server"]

HOSTS = ("a.test", "b.test", "c.test", "d.test")
TEXT = Robots(verdict="text", text="User-agent: *\nDisallow: /no\nCrawl-delay: 1")


@dataclass
class Scene:
    """A crawl in full swing, and its data, so that it can be had again."""

    bench: Bench
    client: redis.Redis
    worker: Worker
    leases: list[Lease]
    data: dict[bytes, bytes]

    @property
    def frontier(self) -> Any:
        return self.bench.frontier

    def again(self) -> None:
        self.client.flushdb()
        for key, value in self.data.items():
            self.client.restore(key, 0, value)

    def now(self) -> dict[bytes, bytes]:
        return {key: self.client.dump(key) for key in self.client.scan_iter()}  # type: ignore[misc]


Call = Callable[[Scene], Any]


def _finish(scene: Scene) -> Any:
    one, two, three, four, five, *_ = scene.leases
    return scene.bench.frontier.finish(
        scene.worker.session,
        [
            outcome(
                one, records=(record(one.task.url), record("data:1")), counts={"x": 1},
                found=(image("new"), image("new", "new.test"), page("again", "b.test", depth=3)),
                sightings=(Sighting(image_url="u", page_url="p", place=Place.IMG),), delay_s=2.0,
            ),
            outcome(two, Verb.DEAD, reason="http-404", found=(image("spare"),)),
            outcome(three, Verb.RETRY, reason="http-503", in_s=5.0, hold_s=9.0),
            outcome(four, Verb.MOVED, moved=image("moved", "moved.test"), status=301),
            refused(five),
        ],
        {"a.test": 1},
    )  # fmt: skip


def _attach(scene: Scene) -> Any:
    info, tokens = WorkerInfo(name=scene.worker.name), [one.token for one in scene.leases[:3]]
    return scene.bench.frontier.attach(info, tokens, (), 60.0, {"a.test": 2})


def _add(scene: Scene) -> Any:
    tasks = [image(f"more/{n}", host) for n in range(3) for host in (*HOSTS, "new.test")]
    seen = [Sighting(image_url="u", page_url="p", place=Place.IMG)]
    return scene.bench.frontier.add(tasks, seen, seeds_complete=True)


def _after_a_while(call: Call) -> Call:
    def later(scene: Scene) -> Any:
        scene.bench.clock.advance(6.0)
        try:
            return call(scene)
        finally:
            scene.bench.clock.advance(-6.0)

    return later


def _deliver(scene: Scene) -> Any:
    """All that other partitions send."""
    key = b"k" * 16
    gate = ("a.test", "http", "text", "", "User-agent: *", 2.0)
    fields = ("http://b.test/r", "robots", 0, 1, "http://a.test/robots.txt", "", (), 0)
    messages = [
        found_message([image(f"sent/{n}", host) for n in range(3) for host in HOSTS], key),
        encode(("u", [(fingerprint("record data:x", key), 9)])),
        encode(("g", *gate)),
        encode(("r", "b.test", "http", fields)),
    ]
    return scene.frontier.partitions[0].deliver(messages).alone()


def _finish_for_others(scene: Scene) -> Any:
    """Outcomes of a crawl in two partitions, whose other half is not here."""
    first = scene.frontier.partitions[0]
    half = Partition(
        first.line, first.keys, Identity(first._identity, first._key), first._judge,
        first._clock, Division(2, b"k"),
    )  # fmt: skip
    one, two, *_ = scene.leases
    found = tuple(image(f"found/{n}", f"h{n}.test") for n in range(9))
    moved = image("moved", next(name for name in HOSTS_MORE if Division(2, b"k").of(name)))
    outcomes = [
        outcome(one, found=found, records=tuple(record(f"data:{n}") for n in range(4))),
        outcome(two, Verb.MOVED, moved=moved, status=301),
    ]
    ((ask, _),) = half.finish(scene.worker.session, outcomes, None)
    return ask.alone()


HOSTS_MORE = tuple(f"m{n}.test" for n in range(20))

CALLS: dict[str, Call] = {
    "add": _add,
    "deliver": _deliver,
    "finish-for-others": _finish_for_others,
    "finish": _finish,
    "attach": _attach,
    "attach-anew": lambda scene: scene.bench.frontier.attach(WorkerInfo(name="new")),
    "lease": lambda scene: scene.bench.frontier.lease(scene.worker.session, 30, 0, {"a.test": 1}),
    "lease-reaping": _after_a_while(
        lambda scene: scene.bench.frontier.lease(scene.worker.session, 30)
    ),
    "beat": lambda scene: scene.bench.frontier.beat(scene.worker.session, {"a.test": 1}),
    "detach": lambda scene: scene.bench.frontier.detach(scene.worker.session),
    "lost": lambda scene: scene.bench.frontier.lost(scene.worker.session),  # type: ignore[attr-defined]
    "requeue": lambda scene: scene.bench.frontier.requeue(Filter()),
    "pause": lambda scene: scene.bench.frontier.pause("because"),
    "leave": lambda scene: leave_hosts(scene.frontier.partitions),
}

#: What is one unit of work. Others first reap, or end sessions bit by bit; each unit is whole.
ONE_UNIT = {"add", "deliver", "finish", "finish-for-others", "beat", "requeue", "pause", "leave"}


@pytest.fixture(params=["plain", "obeying"])
def scene(request: Any, redis_server: RedisServer) -> Iterator[Scene]:
    with redis_server.client() as client:
        client.config_set("maxmemory", 0)
        client.flushall()
        clock = ManualClock()
        rules = OBEY if request.param == "obeying" else PLAIN
        bench = Bench(RedisFrontier(redis_server.address(), rules, clock), clock)
        yield _in_full_swing(bench, client)
        client.config_set("maxmemory", 0)
        bench.frontier.close()


def _in_full_swing(bench: Bench, client: redis.Redis) -> Scene:
    """Tasks waiting, leased, delayed, dead, suspect; hosts held, slow, failing; workers silent."""
    bench.add(*[image(f"{n}", host) for n in range(12) for host in HOSTS])
    bench.add(*[image(f"no/{n}", host) for n in range(4) for host in HOSTS], page("p", depth=1))
    lost = bench.worker("lost")
    for _ in range(2):  # two deaths make suspects
        lost.lease(6)
        bench.kill(lost)
        lost = bench.worker("lost")
    bench.frontier.detach(lost.session)
    bench.workers.remove(lost)
    worker = bench.worker("worker")
    for _ in range(8):  # suspects one by one, then gates
        leases = worker.lease(40)
        if not any(one.suspect or one.task.kind is Kind.ROBOTS for one in leases):
            break
        worker.finish(*[_opened(one) for one in leases])
        bench.wait(1.5)
    dead, retried, *_ = leases
    worker.finish(outcome(dead, Verb.DEAD, reason="x"), outcome(retried, Verb.RETRY, in_s=3.0))
    for n in range(2):
        silent = bench.worker(f"silent-{n}")
        silent.lease(6)
        bench.workers.remove(silent)
    worker.beat()
    bench.clock.advance(5.0)
    worker.beat()
    assert len(worker.leases) >= 5, "nothing to try"
    assert bench.frontier.audit() == []
    made = Scene(bench, client, worker, list(worker.leases), {})
    made.data = made.now()
    return made


def _opened(lease: Lease) -> Any:
    return outcome(lease, robots=TEXT if lease.task.kind is Kind.ROBOTS else None)


def _touched(scene: Scene, call: Call) -> dict[str, set[str]]:
    """The keys that a call's scripts touch, and the commands that do."""
    keys: dict[str, set[str]] = {}
    with scene.client.monitor() as watch:
        scene.again()
        call(scene)
        scene.client.echo("over")
        for seen in watch.listen():
            command, _, rest = seen["command"].partition(" ")
            if command == "ECHO":
                break
            if seen["client_type"] == "lua" and rest:
                for key in rest.split(" ") if command == "MGET" else [rest.split(" ")[0]]:
                    keys.setdefault(key, set()).add(command)
    return keys


STRINGS = {"GET", "MGET", "SET", "MSET", "DEL", "EXISTS"}


@pytest.mark.parametrize("name", CALLS)
def test_a_key_of_another_type_is_noticed_before_anything_is_written(
    scene: Scene, name: str
) -> None:
    touched = _touched(scene, CALLS[name])
    changed = scene.now()
    known = [key for key in touched if key.encode() in changed or key.encode() in scene.data]
    assert len(known) >= 1
    broken = []
    for key in known:
        scene.again()
        scene.client.delete(key)
        if touched[key] <= STRINGS:
            scene.client.rpush(key, "not ours")
        else:
            scene.client.set(key, "not ours")
        before = scene.now()
        try:
            CALLS[name](scene)
        except UsageError:
            changed = scene.now() != before
            scene.client.delete(key)
            if key.encode() in scene.data:
                scene.client.restore(key, 0, scene.data[key.encode()])
            faults = scene.bench.frontier.audit()
            if faults or (changed and name in ONE_UNIT):
                broken.append((key, faults))
        except BowerbirdError as error:
            broken.append((key, [str(error)]))
    assert broken == []


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_finds_no_memory_has_changed_nothing(scene: Scene, name: str) -> None:
    scene.again()
    before = scene.now()
    scene.client.config_set("maxmemory", 1)
    with pytest.raises(StorageFullError, match="no memory left"):
        CALLS[name](scene)
    scene.client.config_set("maxmemory", 0)
    assert scene.now() == before
    CALLS[name](scene)
    assert scene.bench.frontier.audit() == []


@pytest.fixture
def filling(redis_server: RedisServer) -> Iterator[tuple[RedisFrontier, redis.Redis]]:
    """An empty crawl."""
    with redis_server.client() as client:
        client.flushall()
        frontier = RedisFrontier(redis_server.address(), PLAIN)
        yield frontier, client
        frontier.close()


def test_buckets_of_seen_urls_split_and_know_each_url_once(
    filling: tuple[RedisFrontier, redis.Redis],
) -> None:
    frontier, client = filling
    tasks = [image(f"{n}") for n in range(3_000)]
    assert frontier.add(tasks) == len(tasks)
    buckets: list[Any] = list(client.scan_iter(f"{frontier.partitions[0].keys.of('seen')}:*"))
    members = [member for bucket in buckets for member in client.smembers(bucket)]  # type: ignore[union-attr]
    assert len(buckets) > 10
    assert len(members) == len(set(members)) == len(tasks)
    assert {client.object("encoding", bucket) for bucket in buckets} == {b"intset"}
    assert frontier.add(tasks) == 0


def test_a_split_that_another_key_is_in_the_way_of_changes_nothing(
    filling: tuple[RedisFrontier, redis.Redis],
) -> None:
    frontier, client = filling
    frontier.add([image(f"{n}") for n in range(250)])  # the next call splits
    other = frontier.partitions[0].keys.of("seen:1")
    client.set(other, "not ours")
    before = {key: client.dump(key) for key in client.scan_iter()}
    with pytest.raises(UsageError, match="of a type that is not ours"):
        frontier.add([image("one more")])
    assert {key: client.dump(key) for key in client.scan_iter()} == before
    client.delete(other)
    assert frontier.add([image("one more"), *(image(f"{n}") for n in range(250))]) == 1
