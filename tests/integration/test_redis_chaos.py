"""Redis is killed at a write, workers vanish, answers get lost, all at random: then what was
accepted is compared with what was recorded. Real time, real processes."""

import random
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from tests.contracts.bench import PLAIN, image, outcome, record
from tests.redis_fixtures import KEEPING, RedisServer, need_redis, patiently

from bowerbird.errors import ConnectionLostError, SessionGoneError
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.model import Lease, Outcome, Results, State, WorkerInfo

HOSTS, TASKS, KILLS, VANISH = 12, 2_500, 5, 4
#: Seconds without a record; the longest that is due to a rule is less than 20.
SILENT_S = 60.0


class Worker(threading.Thread):
    """Leases and finishes until the crawl has ended; what was not answered it does again."""

    def __init__(self, address: str, name: str, seed: int, gone: threading.Event) -> None:
        super().__init__(daemon=True)
        self.frontier = RedisFrontier(address)
        self.named, self.dice, self.gone = name, random.Random(seed), gone
        self.late: list[Outcome] = []
        self.over = False

    def run(self) -> None:
        while not (self.over or self.gone.is_set()):
            with suppress(ConnectionLostError, SessionGoneError):
                self._session()
            time.sleep(0.02)

    def _session(self) -> None:
        tokens = [one.token for one in self.late]
        info = WorkerInfo(name=self.named)
        session = self.frontier.attach(info, tokens, in_flight={}).session
        while not self.gone.is_set():
            self._finish(session)
            reply = self.frontier.lease(session, self.dice.randint(1, 8))
            if reply.state is State.ENDED:
                self.over = True
                return
            self.late = [self._done(lease) for lease in reply.leases]
            gifts = {grant.host: grant.slots for grant in reply.grants}
            time.sleep(self.dice.random() * 0.02)
            self.frontier.beat(session, gifts)

    def _done(self, lease: Lease) -> Outcome:
        number = int(lease.task.url.rsplit("/", 1)[1])
        found = (image(f"{number + TASKS}", f"{number % HOSTS}.test"),) if number < TASKS else ()
        return outcome(lease, records=(record(lease.task.url),), found=found)

    def _finish(self, session: str) -> None:
        self.frontier.finish(session, self.late)
        self.late = []


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_and_nothing_recorded_twice(tmp_path: Path, seed: int) -> None:
    need_redis()
    dice = random.Random(seed)
    server = RedisServer(tmp_path / "redis", *KEEPING).start()
    try:
        feeder = RedisFrontier(server.address(), PLAIN)
        urls = [image(f"{n}", f"{n % HOSTS}.test") for n in range(TASKS)]
        for start in range(0, TASKS, 1_000):
            feeder.add(urls[start : start + 1_000])
        workers = _workers(server, dice)
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.2, 0.8))
            server.kill()
            server.tear(dice)
            time.sleep(dice.uniform(0.0, 0.3))
            server.start()
        patiently(lambda: feeder.add([], seeds_complete=True))
        _vanish(workers[:VANISH])
        _wait(feeder, workers[VANISH:])
        _compare(feeder)
    finally:
        server.kill()


def _workers(server: RedisServer, dice: random.Random) -> list[Worker]:
    workers = [
        Worker(server.address(), f"w{n}", dice.randrange(1 << 30), threading.Event())
        for n in range(VANISH + 3)
    ]
    for worker in workers:
        worker.start()
    return workers


def _vanish(workers: list[Worker]) -> None:
    """They stop without a word, with leases in their hands."""
    for worker in workers:
        worker.gone.set()
        worker.join(30)


def _wait(feeder: RedisFrontier, workers: list[Worker]) -> None:
    """To the end, however slow the disk is that each call waits for, while it gets nearer."""
    done, since_s = -1, time.monotonic()
    while not all(worker.over for worker in workers):
        assert all(worker.over or worker.is_alive() for worker in workers), "a worker has died"
        stats = feeder.stats()
        if stats.records != done:
            done, since_s = stats.records, time.monotonic()
        assert time.monotonic() - since_s < SILENT_S, (stats, feeder.hosts())
        time.sleep(0.1)


def _compare(frontier: RedisFrontier) -> None:
    stats = frontier.stats()
    assert (stats.state, stats.dead, stats.leased) == (State.ENDED, {}, 0)
    recorded = [one.final_url for one in _all(frontier).records]
    wanted = {f"http://{n % HOSTS}.test/{n}" for n in range(TASKS)}
    wanted |= {f"http://{n % HOSTS}.test/{n + TASKS}" for n in range(TASKS)}
    assert set(recorded) == wanted, "lost or unexpected"
    assert len(recorded) == len(wanted) == stats.records, "recorded twice"
    assert stats.done == {"image": len(wanted)}
    assert frontier.audit() == []


def _all(frontier: RedisFrontier) -> Results:
    return frontier.results(limit=1_000_000)
