"""A folder is known again wherever it is, and never taken for another."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bowerbird.errors import FolderError
from bowerbird.store.marker import MARKER, claimed, is_own, marker_of, place_of


def test_one_path_on_two_machines_is_two_folders(tmp_path: Path) -> None:
    first = claimed(tmp_path / "a b", "crawl")
    shutil.rmtree(tmp_path / "a b")
    second = claimed(tmp_path / "a b", "crawl")  # as the same path of a machine of the same name

    assert first != second
    assert first.startswith(f"file://{os.uname().nodename}/")
    assert not is_own(first)
    assert place_of(first) == tmp_path / "a b"


def test_a_folder_keeps_its_name_when_it_is_moved(tmp_path: Path) -> None:
    name = claimed(tmp_path / "here", "crawl")
    shutil.move(tmp_path / "here", tmp_path / "there")

    assert claimed(tmp_path / "there", "crawl") == name


def test_workers_that_begin_at_once_agree_on_a_name(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        names = set(pool.map(lambda _: claimed(tmp_path / "new", "crawl"), range(64)))

    assert len(names) == 1
    assert [file.name for file in (tmp_path / "new/.bowerbird").iterdir()] == ["holder.json"]


def test_a_folder_remembers_each_crawl_that_stored_in_it(tmp_path: Path) -> None:
    for crawl in ("one", "two", "one", ""):
        claimed(tmp_path, crawl)

    marker = marker_of(tmp_path)
    assert marker is not None
    assert marker.crawls == ("one", "two")


def test_the_crawls_own_folder_is_told_from_a_workers(tmp_path: Path) -> None:
    (tmp_path / ".bowerbird").mkdir()
    (tmp_path / "crawl.db").touch()
    (tmp_path / ".bowerbird/job.json").write_text('{"name": "mine", "settings": {}}')

    assert claimed(tmp_path, "mine") == str(tmp_path)
    assert is_own(str(tmp_path))
    assert marker_of(tmp_path) is None
    with pytest.raises(FolderError, match="another crawl; name another folder with -o"):
        claimed(tmp_path, "other")


@pytest.mark.parametrize("text", ["", "[]", '{"folder": 1}', '{"form": 9, "folder": "file://a/b"}'])
def test_a_marker_that_cannot_be_understood_is_no_new_folder(tmp_path: Path, text: str) -> None:
    (tmp_path / ".bowerbird").mkdir()
    (tmp_path / MARKER).write_text(text)

    with pytest.raises(FolderError):
        claimed(tmp_path, "crawl")
    assert (tmp_path / MARKER).read_text() == text


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="is a file; name a folder"):
        claimed(tmp_path / "file", "crawl")


def test_a_link_to_nothing_is_not_taken_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("gone")
    with pytest.raises(FolderError, match="is a link to gone, which does not exist"):
        claimed(tmp_path / "link" / "below", "crawl")
