"""The file store sits every store's exam, and one of its own: disks and processes that fail."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bowerbird.errors import StorageFullError
from bowerbird.store import FileStore, Sort, extension_of, names, owner
from tests.contracts.store import BODY, StoreContract, digest


class TestFileStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[FileStore]:
        store = FileStore(tmp_path / "out")
        yield store
        store.close()


class TestDurableFileStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[FileStore]:
        store = FileStore(tmp_path / "out", durable=True)
        yield store
        store.close()


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_a_disk_that_fills_up_in_mid_file_leaves_no_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    store, write = FileStore(tmp_path), os.write
    writes = [lambda fd, body: write(fd, bytes(body)[:100]), _failing(code)]
    monkeypatch.setattr(os, "write", lambda fd, body: writes.pop(0)(fd, body))

    with pytest.raises(StorageFullError, match=errno.errorcode[code]):
        store.put(BODY, digest(BODY), "jpeg")

    assert files_in(tmp_path) == []


def test_a_disk_that_fills_up_under_a_spool_leaves_no_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(tmp_path)
    spool = store.spool()
    spool.write(b"begin")
    monkeypatch.setattr(os, "write", _failing(errno.ENOSPC))

    with pytest.raises(StorageFullError, match="disk is full"):
        spool.write(BODY)

    assert files_in(tmp_path) == []


def test_short_writes_are_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, body: write(fd, bytes(body)[:999]))
    store = FileStore(tmp_path)

    assert store.sha256_of(store.put(BODY, digest(BODY), "jpeg")) == digest(BODY)


def test_a_real_file_size_limit_is_told_as_a_refusal(tmp_path: Path) -> None:
    program = f"""
import resource
from bowerbird.errors import StorageFullError
from bowerbird.store import FileStore
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    FileStore({str(tmp_path)!r}).put(b"x" * 5000, "ab" * 32, "jpeg")
except StorageFullError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True)

    assert b"EFBIG" in run.stdout
    assert files_in(tmp_path) == []


def test_an_error_that_is_not_the_disks_stays_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", _failing(errno.EMFILE))

    with pytest.raises(OSError, match="Too many open files") as caught:
        FileStore(tmp_path).put(BODY, digest(BODY), "jpeg")

    assert not isinstance(caught.value, StorageFullError)


def test_a_file_where_a_folder_belongs_is_told(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("mine")

    with pytest.raises(StorageFullError, match="a file lies where a folder belongs"):
        FileStore(tmp_path).put(BODY, digest(BODY), "jpeg")


def test_a_link_in_place_of_an_object_is_replaced_not_followed(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "out")
    path = tmp_path / "out" / store.put(BODY, digest(BODY), "jpeg")
    (tmp_path / "victim").write_bytes(b"precious")
    path.unlink()
    path.symlink_to(tmp_path / "victim")

    assert store.size_of(str(path.relative_to(store.folder))) is None
    store.put(BODY, digest(BODY), "jpeg")

    assert not path.is_symlink()
    assert (tmp_path / "victim").read_bytes() == b"precious"


@pytest.mark.parametrize("in_pieces", [False, True])
def test_zeros_of_the_right_size_that_a_power_cut_left_are_not_trusted(
    tmp_path: Path, in_pieces: bool
) -> None:
    path = FileStore(tmp_path).put(BODY, digest(BODY), "jpeg")
    (tmp_path / path).write_bytes(bytes(len(BODY)))
    store = FileStore(tmp_path)

    if in_pieces:
        with store.spool() as spool:
            spool.write(BODY)
            spool.commit("jpeg")
    else:
        store.put(BODY, digest(BODY), "jpeg")

    assert (tmp_path / path).read_bytes() == BODY
    assert len(files_in(tmp_path)) == 1


def test_folders_removed_while_at_work_are_made_again(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    path = tmp_path / store.put(BODY, digest(BODY), "jpeg")
    path.unlink()
    path.parent.rmdir()

    store.put(BODY, digest(BODY), "jpeg")

    assert path.read_bytes() == BODY


def test_a_killed_writers_temporary_is_swept_and_a_living_ones_kept(tmp_path: Path) -> None:
    program = f"""
import os
from bowerbird.store import FileStore
spool = FileStore({str(tmp_path)!r}).spool()
spool.write(b"half a photograph")
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", program], check=False)
    store = FileStore(tmp_path)
    assert [found.sort for found in store.files()] == [Sort.LEFT_OVER]

    with store.spool() as mine:
        assert store.sweep() == 1
        assert Path(mine.path).exists()


def test_a_later_process_of_the_same_id_does_not_own_what_an_earlier_left() -> None:
    host, pid, born = owner.host_mark(), os.getpid(), owner.start_of(os.getpid())

    assert not owner.is_left_over((host, pid, born), modified_at=2e9)
    assert owner.is_left_over((host, pid, born - 1), modified_at=2e9)


def test_another_machines_temporary_is_left_over_only_after_a_day() -> None:
    import time

    now = time.time()
    assert not owner.is_left_over(("00000000", 1, 1), modified_at=now - 3_600)
    assert owner.is_left_over(("00000000", 1, 1), modified_at=now - 90_000)


def test_foreign_files_are_found_and_never_removed(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.put(BODY, digest(BODY), "jpeg")
    (tmp_path / "images" / "notes.txt").write_text("mine")
    (tmp_path / "images" / "holiday").mkdir()
    (tmp_path / "images" / digest(BODY)[:2] / ".tmp-nobody").write_text("mine")

    foreign = [found.path for found in store.files() if found.sort is Sort.FOREIGN]

    assert len(foreign) == 3
    assert store.sweep() == 0
    for path in foreign:
        with pytest.raises(ValueError, match="no file of this store"):
            store.remove(path)


def test_nothing_is_made_before_the_first_image(tmp_path: Path) -> None:
    FileStore(tmp_path / "out").sweep()

    assert list(tmp_path.iterdir()) == []


def test_durable_syncs_each_file_then_each_folder_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(_name_of(fd)))
    store = FileStore(tmp_path / "out", durable=True)
    for body in (b"1", b"2", b"3"):
        store.put(body, "ab" * 31 + digest(body)[:2], "jpeg")
    assert synced == []

    store.flush()

    files, folders = synced[:3], synced[3:]
    assert all(Path(path).is_file() for path in files)
    assert len(folders) == len(set(folders))
    assert {
        str(tmp_path / "out/images/ab"),
        str(tmp_path / "out/images"),
        str(tmp_path / "out"),
    } <= set(folders)
    synced.clear()
    store.flush()
    assert synced == []


def test_what_could_not_be_synced_is_not_taken_for_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(tmp_path, durable=True)
    path = store.put(BODY, digest(BODY), "jpeg")
    monkeypatch.setattr(os, "fsync", _failing(errno.EIO))

    with pytest.raises(StorageFullError, match="EIO"):
        store.flush()

    assert store.size_of(path) is None


def test_a_spool_dropped_without_a_word_takes_its_file_along(tmp_path: Path) -> None:
    spool = FileStore(tmp_path).spool()
    del spool

    assert files_in(tmp_path) == []


@pytest.mark.parametrize(
    ("type", "extension"),
    [("jpeg", "jpg"), ("png", "png"), ("svg", "svg"), ("tiff", "tiff"), ("", "bin"),
     ("../../x", "bin"), ("JPEG", "bin"), ("a" * 9, "bin")],
)  # fmt: skip
def test_a_type_never_leads_out_of_the_folder(type: str, extension: str) -> None:
    assert extension_of(type) == extension


def test_the_name_of_an_object_promises_its_content() -> None:
    sha256 = digest(b"x")

    assert names.sha256_in(names.object_path(sha256, "jpeg")) == sha256
    assert names.sha256_in("images/aa/" + sha256 + ".jpg") == ""


def _name_of(descriptor: int) -> str:
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def _failing(code: int) -> Callable[..., int]:
    def fail(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    return fail
