"""Verify: every way in which files and records can differ is found, named, and can be put right."""

import hashlib
import os
from pathlib import Path

import msgspec
import pytest

from bowerbird.manager.here import Here
from bowerbird.manager.verify import Bad, Verified, doubtful, mend, verify
from bowerbird.model import Holder, Record
from bowerbird.store import FileStore


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path)


def stored(store: FileStore, body: bytes, name: str = "") -> Record:
    sha256 = hashlib.sha256(body).hexdigest()
    path = store.put(body, sha256, "jpeg")
    url = f"https://a.org/{name or body.decode()}"
    return Record(
        url=url, final_url=url, status=200, type="jpeg", width=1, height=1, bytes=len(body),
        sha256=sha256, fetched_at=0.0, holders=(Holder(folder=store.folder, path=path),),
    )  # fmt: skip


def path_of(store: FileStore, record: Record) -> Path:
    return Path(store.folder, record.holders[0].path)


def check(store: FileStore, records: list[Record], *, prune: bool = False) -> Verified:
    return verify(lambda: records, Here(store), prune=prune)


def test_a_whole_store_is_clean(store: FileStore) -> None:
    records = [stored(store, b"one"), stored(store, b"two"), stored(store, b"two", "again")]

    found = check(store, records)

    assert found.clean
    assert (found.records, found.files, found.bytes) == (3, 2, 6)
    assert found.lines() == ["3 records, 2 files, 6 bytes checked: all is well."]


def test_an_empty_crawl_is_clean(store: FileStore) -> None:
    assert check(store, []).clean


def test_missing_cut_and_flipped_files_are_found_once_each(store: FileStore) -> None:
    records = [stored(store, body) for body in (b"missing", b"cut", b"flipped", b"good")]
    path_of(store, records[0]).unlink()
    path_of(store, records[1]).write_bytes(b"cu")
    path_of(store, records[2]).write_bytes(b"fliqped")

    found = check(store, records)

    assert not found.clean
    assert sorted((bad.final_url[14:], bad.why) for bad in found.bad) == [
        ("cut", "size"), ("flipped", "content"), ("missing", "missing"),
    ]  # fmt: skip


def test_every_url_of_a_bad_file_is_named(store: FileStore) -> None:
    records = [stored(store, b"same", "a"), stored(store, b"same", "b")]
    path_of(store, records[0]).write_bytes(b"sane")

    assert [bad.final_url[-1] for bad in check(store, records).bad] == ["a", "b"]


def test_bad_files_put_right_are_stored_anew(store: FileStore) -> None:
    record = stored(store, b"flipped")
    path_of(store, record).write_bytes(b"fliqped")

    asked: list[str] = []
    found = check(store, [record])
    mend(found, Here(store), lambda urls: asked.extend(urls) or len(urls))
    assert found.clean
    assert asked == [record.final_url]

    stored(store, b"flipped")
    assert check(store, [record]).clean


def test_orphans_and_left_overs_are_listed_and_go_only_when_asked(store: FileStore) -> None:
    record = stored(store, b"good")
    orphan = path_of(store, stored(store, b"orphan"))
    left = Path(store.folder, "images/.tmp-00000000-1-1-00000000-0")
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    mine = Path(store.folder, "images/notes.txt")
    mine.write_text("mine")

    found = check(store, [record])
    assert (found.orphans, found.left_over, found.foreign, found.clean) == (1, 1, 1, False)
    assert orphan.exists()
    assert any("no record: images/" in line for line in found.lines())

    pruned = check(store, [record], prune=True)
    assert (pruned.pruned, pruned.clean) == (2, True)
    assert not orphan.exists()
    assert not left.exists()
    assert mine.read_text() == "mine"
    assert check(store, [record]).clean


def test_a_file_being_written_is_no_left_over(store: FileStore) -> None:
    with store.spool() as spool:
        spool.write(b"half")
        found = check(store, [], prune=True)

        assert (found.clean, found.pruned) == (True, 0)
        assert Path(spool.path).exists()


def test_images_held_elsewhere_are_not_called_missing(store: FileStore) -> None:
    record = stored(store, b"x")
    path_of(store, record).unlink()
    away = msgspec.structs.replace(record, holders=(), state="elsewhere")

    found = check(store, [away])
    assert (found.elsewhere, found.clean) == (1, True)


def test_progress_is_told(store: FileStore) -> None:
    records = [stored(store, str(i).encode()) for i in range(300)]
    told: list[int] = []

    verify(lambda: records, Here(store), tell=told.append)

    assert told[-1] == 300
    assert told == sorted(told)


def test_recent_records_are_doubted_by_content(store: FileStore) -> None:
    records = [stored(store, body) for body in (b"good", b"zeroed", b"gone")]
    path_of(store, records[1]).write_bytes(b"\0" * 6)
    path_of(store, records[2]).unlink()

    assert [(bad.final_url[14:], bad.why) for bad in doubtful(records, store)] == [
        ("zeroed", "content"), ("gone", "missing"),
    ]  # fmt: skip
    far = Holder(folder="file://b/data#1", path=records[2].holders[0].path)
    assert doubtful([msgspec.structs.replace(records[2], holders=(far,))], store) == []
    assert all(isinstance(bad, Bad) for bad in doubtful(records, store))
