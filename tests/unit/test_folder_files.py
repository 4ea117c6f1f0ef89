"""What a crawl cannot go on without must outlive a power cut; see tests/chaos for real ones."""

import os
from pathlib import Path

import pytest

from bowerbird.app.folder import write_whole
from bowerbird.store.marker import MARKER, claimed


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What has been synced, by the name it had then, in order."""
    names: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        names.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return names


def test_a_lasting_file_is_on_the_disk_before_it_has_its_name(tmp_path, synced):
    write_whole(tmp_path / "job.json", b"{}", lasting=True)

    assert synced == [f".job.json.{os.getpid()}", tmp_path.name]
    assert [one.name for one in tmp_path.iterdir()] == ["job.json"]


def test_a_lasting_file_that_says_the_same_costs_nothing(tmp_path, synced):
    write_whole(tmp_path / "job.json", b"{}", lasting=True)
    synced.clear()
    write_whole(tmp_path / "job.json", b"{}", lasting=True)

    assert synced == []


def test_the_marker_of_a_folder_is_on_the_disk_before_it_has_its_name(tmp_path, synced):
    claimed(tmp_path, "crawl")

    assert all(name.startswith(f"{Path(MARKER).name}.") for name in synced)
    assert synced
