"""A crawl in Redis of which now this and now that is killed: nothing is lost, nothing twice."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.store import FileStore
from tests.bird import Flying, bird, flying, wait_for
from tests.buckets import S3Server, keys, s3
from tests.engine_place import Place, urls_in
from tests.redis_fixtures import KEEPING, RedisServer, need_redis
from tests.web import Web, images_of, serve, tree

__all__ = ["keys", "s3"]

#: 20 faults; what costs most is rarest: a killed manager's catalog is free after 8 s.
FAULTS = (
    *("worker",) * 6, *("freeze",) * 8, *("redis",) * 3, *("fleet",) * 2, "manager",
)  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A Redis of its own that keeps what it has answered."""
    need_redis()
    server = RedisServer(tmp_path / "redis", *KEEPING).start()
    yield Place(server, tmp_path)
    server.kill()


def test_20_random_faults_lose_nothing_and_leave_the_books_right(place: Place) -> None:
    dice = random.Random(7)
    faults = dice.sample(FAULTS, len(FAULTS))
    answers = tree(pages=200, images=4)

    def crawl() -> tuple[object, ...]:
        return place.crawl(web, "--workers", 2, "--concurrency", 4)

    with serve(answers, pause_s=0.03) as web:
        running = [Flying(crawl()), Flying(place.worker("fleet", "--concurrency", 4))]
        try:
            for fault in faults:
                wanted = len(web.requests) + dice.randint(10, 30)
                until = time.monotonic() + 15  # a Redis started anew gives nothing for a while
                while len(web.requests) < wanted and time.monotonic() < until:
                    time.sleep(0.01)
                _inject(fault, place, running, crawl, dice)
            ran = running[0].ended()
            if ran.status:
                ran = bird(*crawl())
        finally:
            for one in running:
                one.ended() if one.process.poll() is not None else one.kill_group()

    assert ran.status == 0, ran.err
    assert set(ran.report["failures"]) <= {"kills-worker"}
    assert urls_in(place.out, web) == sorted(images_of(answers))
    FileStore(place.base / "fleet").sweep()  # of who was killed in the midst of a write
    assert bird("verify", place.out, "--folder", place.base / "fleet").status == 0
    frontier = RedisFrontier(place.engine)
    assert frontier.audit() == []
    frontier.close()


def _inject(
    fault: str, place: Place, running: list[Flying], crawl: Callable[[], tuple[object, ...]],
    dice: random.Random,
) -> None:  # fmt: skip
    if fault == "redis":
        place.server.kill()
        place.server.start()
    elif fault == "manager":
        running[0].kill_group()
        running[0] = Flying(crawl())
    elif fault == "fleet":
        running[1].kill_group()
        running[1] = Flying(place.worker("fleet", "--concurrency", 4))
    else:
        for worker in running[dice.randint(0, 1)].workers()[:1]:
            with suppress(ProcessLookupError):  # one that is still dying of the last fault
                _hurt(worker, fault)


def _hurt(worker: int, fault: str) -> None:
    if fault == "worker":
        os.kill(worker, signal.SIGKILL)
        return
    os.kill(worker, signal.SIGSTOP)
    time.sleep(0.3)
    os.kill(worker, signal.SIGCONT)


@pytest.mark.usefixtures("keys")
def test_a_bucket_is_all_that_a_manager_on_another_machine_needs(
    place: Place, s3: S3Server
) -> None:
    bucket = f"s3://{s3.make_bucket()}/photos"
    to = f"{bucket}?endpoint={s3.endpoint}"
    answers = tree(pages=120, images=4)

    def crawl(state: str) -> tuple[object, ...]:
        return (
            "crawl", f"{web.url}/p0", "-o", to, "--state", place.base / state, "--engine",
            place.engine, "--json", "--delay", 0, "--per-host", 8, "--workers", 1,
        )  # fmt: skip

    def segments() -> list[str]:
        return [key for key in s3.keys(bucket[5:].partition("/")[0]) if "/segments/" in key]

    with serve(answers, pause_s=0.05) as web:
        with flying(*crawl("first")) as first:
            wait_for("segments", lambda: len(segments()) > 1)
            first.kill_group()
        ran = bird(*crawl("second"))

    assert ran.status == 0, ran.err
    assert urls_in(place.base / "second", web) == sorted(images_of(answers))
    assert place.server.client().xlen("bowerbird:{0}:c:birds:results") == 0
    exported = bird("export", place.engine, "-f", "jsonl")
    assert len(exported.out.splitlines()) == len(images_of(answers))
    (place.base / "second").rename(place.base / "gone")
    assert sorted(bird("export", place.engine, "-f", "jsonl").out) == sorted(exported.out)
    assert "all is well" in bird("verify", place.engine).out


def test_workers_wait_while_no_manager_takes_their_results(place: Place) -> None:
    answers = tree(pages=200, images=4)
    with serve(answers, pause_s=0.02) as web, flying(*place.worker("w")) as worker:
        with flying(*place.crawl(web, "--workers", 0, "--backlog", "20k")) as manager:
            wait_for("some images", lambda: len(web.requests) > 20)
            os.kill(manager.process.pid, signal.SIGSTOP)
            wait_for("a pause", lambda: "workers wait" in bird("status", place.engine).out)
            asked = _still(web)
            assert asked < 900
            manager.kill_group()
        assert _still(web) == asked
        ran = bird(*place.crawl(web, "--workers", 0))
        assert worker.ended().status == 0
    assert ran.status == 0, ran.err
    assert urls_in(place.out, web) == sorted(images_of(answers))


def test_ctrl_c_ends_a_manager_that_waits_for_redis_and_lost_data_end_it_with_a_word(
    place: Place,
) -> None:
    with serve(tree(pages=200, images=4), pause_s=0.03) as web:
        with flying(*place.crawl(web, "--workers", 1)) as run:
            wait_for("some images", lambda: len(web.requests) > 50)
            place.server.kill()
            time.sleep(1.0)
            run.interrupt()
            interrupted = run.ended()
        place.server.start()
        with flying(*place.crawl(web, "--workers", 1)) as run:
            seen = len(web.requests)
            wait_for("some more", lambda: len(web.requests) > seen + 50)
            place.server.client().flushall()
            flushed = run.ended()
    assert (interrupted.status, flushed.status) == (130, 1)
    assert "Waiting for it" in interrupted.err
    assert "not in Redis" in flushed.err
    assert "Traceback" not in interrupted.err + flushed.err


def _still(web: Web) -> int:
    """How many requests there were when no more came for a second."""
    before = -1
    while (now := len(web.requests)) != before:
        before = now
        time.sleep(1.0)
    return now
