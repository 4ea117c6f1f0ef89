"""A far worker whose calls and answers get lost: at a frontier in this process, by a real web."""

import random
import time
from collections.abc import Callable
from pathlib import Path
from threading import RLock, Thread
from typing import Any

import msgspec
import pytest
from tests.bird import wait_for
from tests.web import images_of, serve, tree

from bowerbird.app.worker import Life, member_of, new_info
from bowerbird.errors import ConnectionLostError
from bowerbird.fetch import Guard
from bowerbird.frontier.memory import MemoryFrontier
from bowerbird.frontier.rules import rules_of
from bowerbird.model import Kind, LeaseReply, State, Task, WorkerInfo
from bowerbird.settings import Job, Mode, make_settings
from bowerbird.store import FileStore

WAYS = ("lease", "finish", "beat", "attach", "add", "detach")


class Line:
    """A way to a frontier on which calls or their answers are lost."""

    def __init__(self, frontier: MemoryFrontier, lock: Any, lost: Callable[[str], str]) -> None:
        self._frontier, self._lock, self._lost = frontier, lock, lost
        self.closed = False

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            lost = self._lost(name)
            if self.closed or lost == "call":
                raise ConnectionLostError
            with self._lock:
                answer = getattr(self._frontier, name)(*arguments, **named)
            if lost == "answer":
                raise ConnectionLostError
            return answer

        assert name in WAYS
        return call

    def close(self) -> None:
        self.closed = True


class Bench:
    """A worker, and the frontier that it loses."""

    def __init__(self, url: str, folder: Path, lost: Callable[[str], str]) -> None:
        settings = make_settings({"mode": Mode.CRAWL, "delay": 0.0, "obey_robots": False})
        self.job = Job(name="test", settings=settings, start_urls=(f"{url}/p0",))
        self.frontier = MemoryFrontier(rules_of(settings))
        self.frontier.add([Task(url=f"{url}/p0", kind=Kind.PAGE)], seeds_complete=True)
        self.lock = RLock()
        self.lost = lost
        self.store = FileStore(folder)
        self.ways = 0

    def connect(self) -> Any:
        self.ways += 1
        return Line(self.frontier, self.lock, self.lost)

    def work(self) -> None:
        info = new_info()
        member = member_of(self.connect, _far(info), self.job)
        life = Life(self.job, member, self.store, Guard(allow_private=True), info.name)
        assert life.live() is None


def _far(info: WorkerInfo) -> WorkerInfo:
    return msgspec.structs.replace(info, local=False)


@pytest.mark.parametrize("what", ["call", "answer"])
@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_lost_every_url_is_fetched_once_and_recorded_once(
    tmp_path: Path, what: str, seed: int
) -> None:
    dice = random.Random(seed)
    calls = 0

    def lost(name: str) -> str:
        nonlocal calls
        calls += 1
        # The first is the first attach; the last is past caring.
        return what if calls > 1 and name != "detach" and dice.random() < 0.25 else ""

    with serve(tree(pages=30, images=5), pause_s=0.002) as web:
        bench = Bench(web.url, tmp_path, lost)
        bench.work()

        assert bench.ways > 3, "the worker has come again"
        assert max(web.counts().values()) == 1
        assert bench.frontier.audit() == []
        assert bench.frontier.stats().state is State.ENDED
        records = bench.frontier.results().records
        assert sorted(record.url for record in records) == sorted(
            web.url + path for path in images_of(web.answers)
        )


def test_leases_of_a_lost_answer_go_back_at_once(tmp_path: Path) -> None:
    lost_leases: list[int] = []

    with serve(tree(pages=6, images=4)) as web:
        bench = Bench(web.url, tmp_path, lambda _: "")
        real = bench.frontier.lease

        def lease(*arguments: Any) -> LeaseReply:
            reply = real(*arguments)
            if reply.leases and len(lost_leases) < 3:
                lost_leases.append(len(reply.leases))
                raise ConnectionLostError
            return reply

        bench.frontier.lease = lease  # type: ignore[method-assign]
        bench.work()

        assert len(lost_leases) == 3
        assert max(web.counts().values()) == 1
        assert bench.frontier.stats().done["image"] == len(images_of(web.answers))


def test_leases_given_up_while_the_next_session_was_asked_for_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to `attach` comes after the deadline, by which all that was claimed has ended."""
    monkeypatch.setattr("bowerbird.worker.member.SESSION_DEADLINE_S", 0.5)
    monkeypatch.setattr("bowerbird.worker.link.BEAT_EVERY_S", 0.1)
    standing: list[bytes] = []
    outcomes: list[bytes] = []

    with serve(tree(pages=6, images=4), pause_s=0.05) as web:
        bench = Bench(web.url, tmp_path, lambda name: "call" if name in cut else "")
        cut: set[str] = set()
        attach, finish = bench.frontier.attach, bench.frontier.finish

        def slow_attach(*arguments: Any) -> Any:
            attached = attach(*arguments)
            if cut:
                standing.extend(attached.standing)
                cut.clear()
                web.pause_s = 0.05
                time.sleep(1.0)  # longer than the deadline
            elif bench.ways == 1:
                web.pause_s = 1.5
            return attached

        def noted_finish(session: str, batch: Any) -> Any:
            outcomes.extend(one.token for one in batch)
            return finish(session, batch)

        def cut_off() -> None:
            wait_for("a request", lambda: len(web.requests) > 0)
            cut.update(("beat", "lease", "finish"))

        bench.frontier.attach = slow_attach  # type: ignore[method-assign]
        bench.frontier.finish = noted_finish  # type: ignore[method-assign]
        Thread(target=cut_off, daemon=True).start()
        bench.work()

        assert standing
        assert set(standing) <= set(outcomes)
        assert bench.frontier.stats().done["image"] == len(images_of(web.answers))
