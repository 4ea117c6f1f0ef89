"""The store in a bucket sits every store's exam, against a real server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bowerbird.store import Store
from bowerbird.store.bucket import Bucket
from bowerbird.store.s3 import client
from bowerbird.store.s3.store import S3Store
from bowerbird.store.uploads import Uploads
from tests.buckets import S3Server, keys, s3
from tests.contracts.store import BODY, StoreContract, digest

__all__ = ["keys", "s3"]


class TestS3Store(StoreContract):
    @pytest.fixture
    def store(self, s3: S3Server, keys: None, tmp_path: Path) -> S3Store:
        return S3Store(Bucket(s3.make_bucket(), "our images/x", s3.endpoint), tmp_path)

    def test_a_large_body_goes_in_parts_and_comes_back_whole(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client, "MULTIPART", 6 << 20)
        monkeypatch.setattr(client, "PART", 5 << 20)
        body = BODY * 1_000
        path = store.put(body, digest(body), "png")

        assert store.size_of(path) == len(body)
        assert store.sha256_of(path) == digest(body)


class TestUploads(StoreContract):
    """Puts on other threads are the same puts."""

    @pytest.fixture
    def store(self, s3: S3Server, keys: None, tmp_path: Path) -> Iterator[Uploads]:
        uploads = Uploads(S3Store(Bucket(s3.make_bucket(), "p", s3.endpoint), tmp_path))
        yield uploads
        uploads.close()

    def test_a_spool_leaves_no_file_on_this_machine(self, store: Store, tmp_path: Path) -> None:
        for _ in range(2):
            with store.spool() as spool:
                spool.write(BODY)
                path = spool.commit("png")

        assert store.size_of(path) == len(BODY)
        store.close()
        assert not [one for one in tmp_path.rglob("*") if one.is_file()]
