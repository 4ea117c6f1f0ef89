"""A network that falls into two: the primary of Redis stays with its clients on one side, and the
Sentinels promote its replica on the other."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import redis

from bowerbird.errors import BowerbirdError, ConnectionLostError
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.model import Lease, WorkerInfo
from tests.bird import wait_for
from tests.contracts.bench import PLAIN, image, outcome, record
from tests.net.lan import Host, Lan

T = TypeVar("T")

PORT, SENTINEL_PORT = 6379, 26379
IMAGES = 120
#: A primary whose replica has not been heard of for so long takes no writes, in seconds.
LAG_S = 2
WATCHED = (
    "port {port}\nbind 0.0.0.0\nprotected-mode no\ndir {folder}\n"
    "sentinel monitor mine {primary} {redis} 2\n"
    "sentinel down-after-milliseconds mine 1500\nsentinel failover-timeout mine 3000\n"
)


class Side:
    """A worker on one host: what it asks it asks from there."""

    def __init__(self, host: Host, address: str) -> None:
        self.host, self.session = host, ""
        self.frontier = patiently(host, lambda: RedisFrontier(address, PLAIN))

    def call(self, what: Callable[[RedisFrontier], T]) -> T:
        """Ask the frontier."""
        with self.host.entered():
            return what(self.frontier)

    def attach(self) -> None:
        """Begin a session."""
        worker = WorkerInfo(name=self.host.name)
        self.session = patiently(self.host, lambda: self.frontier.attach(worker).session)

    def finish(self, leases: list[Lease]) -> tuple[bool, ...]:
        """Hand in an image for each, if that is still wanted."""
        done = [outcome(one, records=(record(one.task.url),)) for one in leases]
        return self.call(lambda one: one.finish(self.session, done).accepted)

    def work(self) -> bool:
        """Do some of what there is; whether all is done."""
        with suppress(ConnectionLostError):
            leases = self.call(lambda one: one.lease(self.session, 64).leases)
            self.finish(list(leases))
            return self.call(lambda one: one.stats().done) == {"image": IMAGES}
        return False


def patiently(host: Host, ask: Callable[[], T]) -> T:
    """Ask from there again and again while nobody answers, as workers and managers do."""
    found: list[T] = []

    def asked() -> bool:
        with host.entered(), suppress(ConnectionLostError):
            found.append(ask())
        return bool(found)

    wait_for("an answer", asked)
    return found[0]


@contextmanager
def redis_on(host: Host, folder: Path, *options: object) -> Iterator[redis.Redis]:
    """A server there, and a way to it from there."""
    folder.mkdir(parents=True)
    words = ("redis-server", *options, "--dir", folder, "--save", "")
    with (folder / "log").open("wb") as log:
        process = host.popen(words, stdout=log, stderr=log)
    try:
        yield redis.Redis(host=host.address, port=PORT, protocol=2)
    finally:
        process.kill()
        process.wait()


@contextmanager
def sentinel_on(host: Host, folder: Path, primary: Host) -> Iterator[subprocess.Popen[bytes]]:
    folder.mkdir(parents=True)
    file = folder / "sentinel.conf"
    file.write_text(
        WATCHED.format(port=SENTINEL_PORT, folder=folder, primary=primary.address, redis=PORT)
    )
    with (folder / "log").open("wb") as log:
        process = host.popen(["redis-server", file, "--sentinel"], stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def seen(host: Host, ask: Callable[[], T]) -> T | None:
    """What is answered on a host; None while nobody answers."""
    with host.entered(), suppress(redis.exceptions.RedisError):
        return ask()
    return None


def watches(host: Host) -> bool:
    """Whether a Sentinel knows the replica and the two others."""
    with redis.Redis(host=host.address, port=SENTINEL_PORT, protocol=2) as client:
        row = client.sentinel_master("mine")
        return bool(row["num-slaves"] == 1 and row["num-other-sentinels"] == 2)


def refusal(side: Side) -> str:
    """What a worker is told when it beats; "" while all is well."""
    try:
        side.call(lambda one: one.beat(side.session))
    except BowerbirdError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def test_what_an_old_primary_took_behind_a_cut_line_is_done_anew_and_counts_once(
    lan: Lan, tmp_path: Path, needs: Callable[[str], str]
) -> None:
    needs("redis-server")
    old, new, third = lan.host("old"), lan.host("new"), lan.host("third")
    common = (
        "--port", PORT, "--bind", "0.0.0.0", "--protected-mode", "no", "--appendonly", "yes",
        "--repl-diskless-sync-delay", 0, "--repl-ping-replica-period", 1,
        "--min-replicas-to-write", 1, "--min-replicas-max-lag", LAG_S,
    )  # fmt: skip
    with (
        redis_on(old, tmp_path / "old", *common) as primary,
        redis_on(new, tmp_path / "new", *common, "--replicaof", f"{old.address} {PORT}") as replica,
        sentinel_on(old, tmp_path / "s1", old),
        sentinel_on(new, tmp_path / "s2", old),
        sentinel_on(third, tmp_path / "s3", old),
    ):
        for host in (old, new, third):
            wait_for("Sentinels", lambda host=host: seen(host, lambda: watches(host)))
        places = [f"{one.address}:{SENTINEL_PORT}" for one in (old, new, third)]
        kept = Side(old, f"redis+sentinel://{','.join(places)}/mine?crawl=x")
        tasks = [image(f"{n}", f"h{n}.test") for n in range(IMAGES)]
        assert kept.call(lambda one: one.add(tasks, seeds_complete=True)) == IMAGES
        kept.attach()
        mine = list(kept.call(lambda one: one.lease(kept.session, 20).leases))
        assert all(kept.finish(mine[:5]))
        with old.entered():
            assert primary.wait(1, 30_000) == 1

        old.unplug()
        with suppress(ConnectionLostError):  # the primary may know already that it is alone
            kept.finish(mine[5:10])
        wait_for("a refusal", lambda: refusal(kept))
        assert "takes no writes" in refusal(kept)
        wait_for("a new primary", lambda: seen(new, lambda: replica.role()[0] == b"master"))
        with new.entered():
            replica.config_set("min-replicas-to-write", 0)  # it is alone as long as the line is cut
        places = places[1:]
        moved = Side(new, f"redis+sentinel://{','.join(places)}/mine?crawl=x")
        moved.attach()
        wait_for("all images", moved.work)
        old.plug()
        wait_for("peace", lambda: seen(old, lambda: primary.role()[0] == b"slave"))

        assert patiently(old, lambda: kept.finish(mine[10:])) == (False,) * 10
        assert moved.call(lambda one: one.stats().done) == {"image": IMAGES}
        told = moved.call(lambda one: one.results("").records)
        assert sorted(one.url for one in told) == sorted(one.url for one in tasks)
        assert moved.call(lambda one: one.audit()) == []
