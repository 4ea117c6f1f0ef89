"""A machine that lets few files be open makes a worker slow, and blames no host for it."""

import resource

import pytest

from bowerbird.app.descriptors import transfers_with, within_limit
from bowerbird.settings import Job, Settings


@pytest.mark.parametrize(
    ("files", "wanted", "transfers"),
    [(1024, 64, 64), (40, 64, 3), (10, 64, 1), (1_000_000, 10_000, 10_000), (1024, 1_000, 200)],
)
def test_no_more_transfers_than_files_suffice_for(files, wanted, transfers):
    assert transfers_with(files, wanted) == transfers


def test_who_gets_fewer_transfers_is_told_why(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (40, 40))
    said = []
    job = within_limit(Job(name="x", settings=Settings()), said.append)

    assert job.settings.concurrency == 3
    assert "ulimit -n" in said[0]


def test_where_files_suffice_nothing_is_said_or_changed(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, -1))
    job = Job(name="x", settings=Settings())

    assert within_limit(job, lambda _: pytest.fail("said something")) is job
