"""With --durable nothing is said to be done before its files are synced, or when they are lost."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from bowerbird.model import DISK_FULL, Holder, Outcome, Record, Verb
from bowerbird.store import FileStore
from bowerbird.worker.durable import Durable


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
    assert handed_in[0].counts == {DISK_FULL: 1}
    assert verbs(durable([stored(store, b"one")])) == [Verb.DONE]


def test_a_file_lost_with_an_earlier_batch_is_not_said_to_be_there(store, monkeypatch):
    late, durable = stored(store, b"late"), Durable(store)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", refuse)
        durable([])

    assert verbs(durable([late])) == [Verb.RELEASED]
