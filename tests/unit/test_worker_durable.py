"""With --durable nothing is said to be done before its files are synced, or when they are lost."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from bowerbird.clock import SystemClock
from bowerbird.errors import BowerbirdError
from bowerbird.frontier.memory import MemoryFrontier
from bowerbird.frontier.rules import Rules
from bowerbird.model import DISK_FULL, Holder, Outcome, Record, Verb, WorkerInfo
from bowerbird.store import FileStore
from bowerbird.worker.durable import Durable
from bowerbird.worker.link import Link
from bowerbird.worker.member import Member


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path, durable=True)


def stored(store: FileStore, body: bytes) -> Outcome:
    sha256 = hashlib.sha256(body).hexdigest()
    holder = Holder(folder=store.folder, path=store.put(body, sha256, "png"))
    record = Record(
        url="http://a/", final_url="http://a/", status=200, type="png", width=1, height=1,
        bytes=len(body), sha256=sha256, fetched_at=0.0, holders=(holder,),
    )  # fmt: skip
    return Outcome(token=body, verb=Verb.DONE, records=(record,))


def verbs(outcomes: Sequence[Outcome]) -> list[Verb]:
    return [one.verb for one in outcomes]


def refuse(_: int) -> None:
    raise OSError(5, "Input/output error")


def test_files_and_folders_are_synced_before_their_outcome_is_handed_in(store, monkeypatch):
    outcome, synced = stored(store, b"one"), set()
    sync = os.fsync

    def watched(descriptor: int) -> None:
        synced.add(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    path = Path(store.folder, outcome.records[0].holders[0].path)

    assert Durable(store)([outcome]) == [outcome]
    assert {str(path), str(path.parent), store.folder} <= synced


def test_a_failed_sync_gives_images_back_and_keeps_other_outcomes(store, monkeypatch):
    image, page = stored(store, b"one"), Outcome(token=b"page", verb=Verb.DONE)
    durable = Durable(store)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", refuse)
        handed_in = durable([image, page])

    assert verbs(handed_in) == [Verb.RELEASED, Verb.DONE]
    assert handed_in[0].counts[DISK_FULL] == 1
    assert verbs(durable([stored(store, b"one")])) == [Verb.DONE]


def test_a_file_lost_with_an_earlier_batch_is_not_said_to_be_there(store, monkeypatch):
    late, durable = stored(store, b"late"), Durable(store)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", refuse)
        durable([])

    assert verbs(durable([late])) == [Verb.RELEASED]


def test_a_file_that_another_worker_has_removed_is_fetched_anew_and_stops_nobody(store):
    gone, page = stored(store, b"gone"), Outcome(token=b"page", verb=Verb.DONE)
    Path(store.folder, gone.records[0].holders[0].path).unlink()

    assert verbs(Durable(store)([gone, page])) == [Verb.RELEASED, Verb.DONE]


def test_a_whole_file_that_could_not_be_opened_is_not_removed(store, monkeypatch):
    outcome, durable = stored(store, b"one"), Durable(store)
    with monkeypatch.context() as broken:
        broken.setattr(os, "open", lambda *_: refuse(0))
        durable([outcome])

    assert verbs(durable([outcome])) == [Verb.DONE]


def test_a_defect_in_a_thread_of_the_line_ends_the_worker_rather_than_its_work():
    def broken(_: list[Outcome]) -> list[Outcome]:
        raise ZeroDivisionError

    clock, info = SystemClock(), WorkerInfo(name="w")
    member = Member(lambda: MemoryFrontier(Rules()), info, 200.0, clock, returns=False)
    link = Link(member, clock, lambda: None, broken)
    link.start()
    link.say(Outcome(token=b"x", verb=Verb.DONE))
    link.flush(clock.now_s(), at_once=True)
    _, news = link.inbox.get(timeout=20.0)
    link.close(0.0)

    assert isinstance(news, BowerbirdError)
    assert "ZeroDivisionError" in str(news)
