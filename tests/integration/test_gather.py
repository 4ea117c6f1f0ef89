"""Gather: images of several machines' folders come together, each whole, once, and recorded."""

import errno
import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from bowerbird.errors import UsageError
from bowerbird.manager.gather import Gathered, gather
from bowerbird.manager.here import Here
from bowerbird.manager.tree import export_tree
from bowerbird.manager.verify import Verified, mend, verify
from bowerbird.model import Held, Holder, Record
from bowerbird.store import FileStore, claimed

CRAWL = "c0ffee00"


class Catalog:
    """Records in memory, and what is told of their holders."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}

    def stored(self, store: FileStore, body: bytes, name: str = "") -> Record:
        """An image that a worker has stored."""
        sha256 = hashlib.sha256(body).hexdigest()
        url = f"https://a.org/{name or body.decode()}"
        holder = Holder(folder=store.name, path=store.put(body, sha256, "jpeg"), worker="w")
        self.records[url] = Record(
            url=url, final_url=url, status=200, type="jpeg", width=1, height=1, bytes=len(body),
            sha256=sha256, fetched_at=0.0, holders=(holder,),
        )  # fmt: skip
        return self.records[url]

    def hold(self, held: Sequence[Held]) -> None:
        """As `CatalogWriter.hold`."""
        for one in held:
            record = self.records[one.final_url]
            assert record.sha256 == one.sha256
            kept = {h.folder: h for h in (*record.holders, one.holder) if h.folder != one.without}
            self.records[one.final_url] = msgspec.structs.replace(
                record, holders=tuple(kept.values())
            )

    def folders_of(self, name: str) -> list[str]:
        return [holder.folder for holder in self.records[f"https://a.org/{name}"].holders]


@pytest.fixture
def catalog() -> Catalog:
    return Catalog()


@pytest.fixture
def own(tmp_path: Path) -> FileStore:
    (tmp_path / "own").mkdir()
    return FileStore(tmp_path / "own")


@pytest.fixture
def far(tmp_path: Path) -> FileStore:
    return worker(tmp_path / "far")


def worker(path: Path, crawl: str = CRAWL) -> FileStore:
    return FileStore(path, name=claimed(path, crawl))


def away(store: FileStore, to: Path) -> Path:
    """A worker's folder as it is mounted or copied elsewhere."""
    shutil.move(store.folder, to)
    return to


def test_a_workers_folder_that_got_no_image_may_be_named(own, tmp_path):
    worker(tmp_path / "idle")
    assert [store.folder for store in Here(own, [tmp_path / "idle"]).given]
    (tmp_path / "other").mkdir()
    with pytest.raises(UsageError, match="has no images"):
        Here(own, [tmp_path / "other"])


def gathered(catalog: Catalog, own: FileStore, *folders: Path, move: bool = False) -> Gathered:
    here = Here(own, folders, CRAWL)
    return gather(list(catalog.records.values()), here, catalog.hold, move=move)


def checked(catalog: Catalog, own: FileStore, *folders: Path, prune: bool = False) -> Verified:
    here = Here(own, folders, CRAWL)
    return verify(lambda: list(catalog.records.values()), here, prune=prune)


def file_of(folder: str | Path, record: Record) -> Path:
    return Path(folder, record.holders[0].path)


def test_images_of_two_machines_come_together_once(catalog, own, tmp_path):
    first, second = worker(tmp_path / "w1"), worker(tmp_path / "w2")
    catalog.stored(own, b"here")
    catalog.stored(first, b"one")
    catalog.stored(second, b"two")
    catalog.stored(second, b"two", "two-again")
    places = away(first, tmp_path / "mnt1"), away(second, tmp_path / "mnt2")

    found = gathered(catalog, own, *places)

    assert (found.records, found.brought, found.there) == (4, 3, 1)
    assert found.lines() == ["4 records: 3 brought, 1 here already. Files: 2 linked."]
    assert found.clean
    assert catalog.folders_of("two-again") == [second.name, own.name]
    shutil.rmtree(places[0])
    shutil.rmtree(places[1])
    assert (checked(catalog, own).files, checked(catalog, own).elsewhere) == (3, 0)


def test_again_it_brings_nothing(catalog, own, far):
    catalog.stored(far, b"one")
    gathered(catalog, own, Path(far.folder))

    again = gathered(catalog, own, Path(far.folder))

    assert (again.files_linked, again.files_copied, again.there) == (0, 0, 1)
    assert again.lines() == ["1 record: 1 here already."]


def test_a_folder_where_its_worker_had_it_is_found_by_itself(catalog, own, far):
    catalog.stored(far, b"one")
    assert gathered(catalog, own).files_linked == 1


def test_files_are_copied_where_they_cannot_be_linked(catalog, own, far, monkeypatch):
    record = catalog.stored(far, b"one")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, "another device")

    monkeypatch.setattr(os, "link", refuse)
    found = gathered(catalog, own, Path(far.folder))

    assert (found.files_copied, found.bytes) == (1, 3)
    assert file_of(own.folder, record).read_bytes() == b"one"
    assert not file_of(own.folder, record).samefile(file_of(far.folder, record))


@pytest.mark.parametrize("link", [True, False])
def test_a_file_that_was_spoiled_on_its_way_is_not_taken(catalog, own, far, monkeypatch, link):
    record = catalog.stored(far, b"one")
    file_of(far.folder, record).write_bytes(b"two")
    if not link:
        monkeypatch.setattr("bowerbird.manager.gather.Carrier._can_link", lambda *_: False)

    found = gathered(catalog, own, Path(far.folder))

    assert (found.bad, found.clean) == (1, False)
    assert any(record.final_url in line for line in found.lines())
    assert not file_of(own.folder, record).exists()
    assert catalog.folders_of("one") == [far.name]
    assert [found.sort for found in own.files()] == []


def test_a_whole_copy_elsewhere_takes_the_place_of_a_spoiled_one(catalog, own, far, tmp_path):
    record = catalog.stored(far, b"one")
    shutil.copytree(far.folder, tmp_path / "copy")
    file_of(far.folder, record).write_bytes(b"two")

    assert gathered(catalog, own, tmp_path / "copy").clean
    assert file_of(own.folder, record).read_bytes() == b"one"


def test_what_is_brought_by_hand_is_recorded(catalog, own, far):
    catalog.stored(far, b"one")
    shutil.copytree(f"{far.folder}/images", f"{own.folder}/images")
    shutil.rmtree(far.folder)
    assert checked(catalog, own).clean  # neither missing nor an orphan

    assert gathered(catalog, own).there == 1
    assert own.name in catalog.folders_of("one")


def test_what_is_not_on_this_machine_is_named(catalog, own, far, tmp_path):
    catalog.stored(far, b"one")
    away(far, tmp_path / "elsewhere")

    found = gathered(catalog, own)

    assert found.away == {far.name: 1}
    assert found.clean  # nothing is wrong
    assert f"1 record in {far.name}: mount or copy it here and name it" in found.lines()


def test_a_file_gone_from_its_folder_is_missing(catalog, own, far):
    file_of(far.folder, catalog.stored(far, b"one")).unlink()

    found = gathered(catalog, own, Path(far.folder))

    assert (found.missing, found.clean) == (1, False)
    assert [bad.why for bad in checked(catalog, own).bad] == ["missing"]


def test_moved_files_leave_their_place_when_they_are_recorded(catalog, own, far):
    one = catalog.stored(far, b"one")
    catalog.stored(far, b"one", "again")
    seen = []

    def hold(held: Sequence[Held]) -> None:
        seen.append(file_of(far.folder, one).exists())
        catalog.hold(held)

    gather(list(catalog.records.values()), Here(own, [Path(far.folder)], CRAWL), hold, move=True)

    assert seen == [True, False]  # recorded, removed, recorded as gone
    assert not file_of(far.folder, one).exists()
    assert catalog.folders_of("one") == catalog.folders_of("again") == [own.name]
    assert checked(catalog, own).clean


def test_a_move_that_was_killed_is_finished_by_the_next_one(catalog, own, far, monkeypatch):
    one, two = catalog.stored(far, b"one"), catalog.stored(far, b"two")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("bowerbird.manager.gather._Batch._clear", killed)
        with pytest.raises(KeyboardInterrupt):
            gathered(catalog, own, move=True)
    file_of(far.folder, two).unlink()  # killed between the two, too

    assert gathered(catalog, own, move=True).files_removed == 1
    assert not file_of(far.folder, one).exists()
    assert catalog.folders_of("one") == catalog.folders_of("two") == [own.name]


def test_what_was_gathered_before_can_be_moved_later(catalog, own, far):
    one = catalog.stored(far, b"one")
    gathered(catalog, own)

    found = gathered(catalog, own, move=True)

    assert (found.files_removed, found.there, found.files_copied) == (1, 1, 0)
    assert not file_of(far.folder, one).exists()
    assert gathered(catalog, own, move=True).files_removed == 0


def test_a_move_takes_nothing_from_a_folder_where_another_crawl_has_images(catalog, own, far):
    one = catalog.stored(far, b"one")
    claimed(Path(far.folder), "another crawl")  # a worker with --stay

    found = gathered(catalog, own, move=True)

    assert (found.files_removed, found.files_kept, found.clean) == (0, 1, True)
    assert file_of(far.folder, one).exists()
    assert any("other crawls" in line for line in found.lines())
    assert checked(catalog, own).clean


def test_a_move_takes_from_the_folders_that_were_named_alone(catalog, own, far, tmp_path):
    other = worker(tmp_path / "other")
    one, two = catalog.stored(far, b"one"), catalog.stored(other, b"two")

    found = gathered(catalog, own, Path(other.folder), move=True)

    assert (found.files_removed, found.files_linked + found.files_copied) == (1, 2)
    assert file_of(far.folder, one).exists()
    assert not file_of(other.folder, two).exists()
    assert gathered(catalog, own, move=True).files_removed == 1


def test_a_move_leaves_no_second_copy_behind(catalog, own, far, tmp_path):
    other = worker(tmp_path / "other")
    one, same = catalog.stored(far, b"one"), catalog.stored(other, b"one", "same")

    found = gathered(catalog, own, Path(far.folder), Path(other.folder), move=True)

    assert found.files_removed == 2
    assert not file_of(far.folder, one).exists()
    assert not file_of(other.folder, same).exists()


def test_whatever_ends_it_the_next_one_goes_on(catalog, own, far, monkeypatch):
    for n in range(6):
        catalog.stored(far, str(n).encode())
    monkeypatch.setattr("bowerbird.manager.gather.BATCH", 2)
    calls = []

    def hold(held: Sequence[Held]) -> None:
        calls.append(held)
        if len(calls) == 2:
            raise KeyboardInterrupt
        catalog.hold(held)

    with pytest.raises(KeyboardInterrupt):
        gather(list(catalog.records.values()), Here(own, [Path(far.folder)], CRAWL), hold)
    found = gathered(catalog, own)

    assert (found.there, found.files_linked) == (4, 2)
    assert gathered(catalog, own).there == 6


def test_a_worker_of_another_crawl_has_nothing_for_this_one(catalog, own, far, tmp_path):
    other = worker(tmp_path / "other", "deadbeef")
    Catalog().stored(other, b"theirs")
    catalog.stored(own, b"ours")

    assert gathered(catalog, own, Path(other.folder)).files_linked == 0
    assert checked(catalog, own, Path(other.folder)).clean  # not ours to judge


def test_the_folder_may_be_named_by_its_images(catalog, own, far):
    catalog.stored(far, b"one")
    assert gathered(catalog, own, Path(far.folder, "images")).files_linked == 1


@pytest.mark.parametrize("name", ["nowhere", "file", "empty"])
def test_what_is_no_folder_of_images_is_said(own, tmp_path, name):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=name):
        Here(own, [tmp_path / name])


# Verify and export, with several folders.


def test_a_record_held_on_another_machine_is_neither_missing_nor_bad(catalog, own, far, tmp_path):
    catalog.stored(far, b"one")
    away(far, tmp_path / "elsewhere")

    found = checked(catalog, own)

    assert (found.elsewhere, found.away, found.clean) == (1, {far.name: 1}, True)
    assert f"1 record in {far.name}, which is not on this machine" in found.lines()


def test_what_an_old_style_client_has_is_no_folders_fault(catalog, own):
    one = catalog.stored(own, b"one")
    own.remove(one.holders[0].path)
    catalog.records[one.final_url] = msgspec.structs.replace(
        one, sha256="", bytes=0, state="elsewhere", holders=()
    )

    found = checked(catalog, own)

    assert (found.elsewhere, found.away, found.clean) == (1, {}, True)
    assert gathered(catalog, own).elsewhere == 1


def test_each_folder_is_checked_against_the_records(catalog, own, far):
    bad = catalog.stored(far, b"one")
    catalog.stored(far, b"two")
    file_of(far.folder, bad).write_bytes(b"eno")
    orphan = b"orphan"
    far.put(orphan, hashlib.sha256(orphan).hexdigest(), "jpeg")

    found = checked(catalog, own, prune=True)

    assert [(one.why, one.folder) for one in found.bad] == [("content", far.folder)]
    assert (found.files, found.orphans, found.pruned) == (2, 1, 0)  # its worker may hand in more
    assert any(line.startswith(f"no record: {far.folder}/images/") for line in found.lines())


def test_a_folder_of_several_crawls_has_no_orphans(catalog, own, far):
    claimed(Path(far.folder), "deadbeef")
    Catalog().stored(far, b"theirs")
    catalog.stored(far, b"ours")

    found = checked(catalog, own)
    assert (found.orphans, found.files, found.clean) == (0, 1, True)


def test_a_bad_file_beside_a_whole_one_loses_no_record(catalog, own, far, monkeypatch):
    monkeypatch.setattr("bowerbird.manager.gather.Carrier._can_link", lambda *_: False)
    record = catalog.stored(far, b"one")
    gathered(catalog, own)
    file_of(own.folder, record).write_bytes(b"eno")

    found = checked(catalog, own)
    assert (found.bad, [one.why for one in found.spoiled]) == ([], ["content"])
    assert not found.clean

    refetched: list[str] = []
    mend(found, Here(own, (), CRAWL), lambda urls: refetched.extend(urls) or 0)
    assert found.clean
    assert refetched == []
    assert gathered(catalog, own).clean
    assert file_of(own.folder, record).read_bytes() == b"one"


def test_names_are_made_for_files_of_every_folder_here(catalog, own, far, tmp_path):
    catalog.stored(own, b"ours")
    catalog.stored(far, b"theirs")
    gone = worker(tmp_path / "gone")
    catalog.stored(gone, b"away")
    away(gone, tmp_path / "elsewhere")

    class Listed(msgspec.Struct):
        record: Record

    entries = [Listed(record) for record in catalog.records.values()]
    tree = export_tree(entries, Here(own, (), CRAWL), tmp_path / "tree")

    assert (tree.linked, tree.missing, tree.away) == (2, 1, 1)
    assert (tmp_path / "tree/a.org/theirs.jpg").read_bytes() == b"theirs"
