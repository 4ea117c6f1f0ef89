"""A crawl whose images go to a bucket, from outside."""

import json
from pathlib import Path

import pytest

from tests.bird import bird, records_of
from tests.buckets import S3Server, keys, s3
from tests.web import images_of, serve, tree

__all__ = ["keys", "s3"]

pytestmark = pytest.mark.usefixtures("keys")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def place(s3: S3Server) -> str:
    return f"s3://{s3.make_bucket()}/photos"


def to(place: str, endpoint: str) -> str:
    return f"{place}?endpoint={endpoint}"


def objects(s3: S3Server, place: str) -> set[str]:
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    keys = (key.removeprefix(f"{prefix}/") for key in s3.keys(bucket))
    return {key for key in keys if key.startswith("images/")}


def test_a_site_lies_in_the_bucket_whole_and_its_catalog_says_so(s3, place, state):
    answers = tree(pages=40, images=4)
    with serve(answers) as web:
        out = ("-o", to(place, s3.endpoint), "--state", state)
        ran = bird("crawl", f"{web.url}/p0", *out, "--json", "--per-host", 16)
        again = bird("crawl", *out, "--json")

    records = records_of(state)
    paths = {holder.path for record in records for holder in record.holders}
    assert (ran.status, again.status) == (0, 0), ran.err
    assert images_of(answers) == {record.url.removeprefix(web.url) for record in records}
    assert objects(s3, place) == paths
    assert {holder.folder for record in records for holder in record.holders} == {place}
    assert ran.report["store"] == place
    assert again.report["new_images"] == 0
    assert not (state / "images").exists()

    checked = bird("verify", state)
    read = bird("verify", state, "--read")
    assert (checked.status, read.status) == (0, 0)
    assert "all is well" in checked.out
    lines = [json.loads(line) for line in bird("export", state, "-f", "jsonl").out.splitlines()]
    assert {f"{line['folder']}/{line['path']}" for line in lines} == {
        f"{place}/{path}" for path in paths
    }
