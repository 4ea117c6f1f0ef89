"""A bucket that errs: what is said to be stored is there, whole, once, and nothing is left."""

import os
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.buckets import KEY_ID, SECRET, Asked, Proxy, S3Server, Says, keys, nth, s3
from tests.contracts.store import BODY, digest

from bowerbird.app.worker import UPLOAD_S
from bowerbird.errors import StorageFullError, UsageError
from bowerbird.store.bucket import Bucket
from bowerbird.store.s3 import client
from bowerbird.store.s3.faults import fault_of
from bowerbird.store.s3.store import S3Store
from bowerbird.store.spool import FileSpool
from bowerbird.store.uploads import IN_MEMORY, Uploads

__all__ = ["keys", "s3"]

LARGE = BODY * 1_300  # 14 MiB: three parts


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch, keys: None) -> None:
    monkeypatch.setattr(client, "AGAIN_S", 0.01)
    monkeypatch.setattr(client, "MULTIPART", 6 << 20)
    monkeypatch.setattr(client, "PART", 5 << 20)


@pytest.fixture
def opened(s3: S3Server, tmp_path: Path) -> Callable[[Proxy], S3Store]:
    return lambda proxy: S3Store(Bucket(s3.make_bucket(), "p", proxy.endpoint), tmp_path)


@pytest.mark.parametrize(
    "says",
    [
        Says(500, "InternalError"),
        Says(503, "SlowDown"),
        Says(429, "TooManyRequests"),
        Says(0),
        Says(400, "BadDigest"),
        Says(400, "XAmzContentSHA256Mismatch"),
        Says(400, "RequestTimeout"),
        Says(409, "ConditionalRequestConflict"),
        Says(412, "PreconditionFailed"),
        Says(0, after=True),
        Says(500, "InternalError", after=True),
    ],
    ids=str,
)
def test_a_fault_in_passing_ends_in_one_whole_object(
    s3: S3Server, opened: Callable[[Proxy], S3Store], says: Says
) -> None:
    with Proxy(s3, nth(2, says)) as proxy:
        store = opened(proxy)
        path = store.put(BODY, digest(BODY), "png")

        assert store.sha256_of(path) == digest(BODY)
        assert s3.keys(store.place.bucket) == [f"p/{path}"]


def test_a_put_that_timed_out_after_it_was_carried_out_is_found_done(
    s3: S3Server, opened: Callable[[Proxy], S3Store]
) -> None:
    with Proxy(s3, nth(1, Says(0, after=True))) as proxy:
        store = opened(proxy)
        path = store.put(BODY, digest(BODY), "png")

        assert store.size_of(path) == len(BODY)
        assert all(one.headers["if-none-match"] == "*" for one in proxy.asked if one.body)


@pytest.mark.parametrize("after", [False, True], ids=["not done", "done"])
def test_a_put_without_an_answer_is_given_up_and_repeated(
    s3: S3Server, opened: Callable[[Proxy], S3Store], monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    monkeypatch.setattr(client, "REQUEST_S", 0.3)
    with Proxy(s3, nth(1, Says(0, after=after, pause_s=1.0))) as proxy:
        store = opened(proxy)
        path = store.put(BODY, digest(BODY), "png")

        assert proxy.count("PUT") >= 2
        assert store.sha256_of(path) == digest(BODY)


def test_a_bucket_that_never_answers_is_given_up_before_leases_end(
    s3: S3Server, opened: Callable[[Proxy], S3Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.TRIES * max(client.REQUEST_S, client.RETRY_S) < UPLOAD_S
    monkeypatch.setattr(client, "REQUEST_S", 0.3)
    with Proxy(s3, lambda _: Says(0, pause_s=3.0)) as proxy:
        store = opened(proxy)
        with pytest.raises(StorageFullError, match="did not answer in time"):
            store.put(BODY, digest(BODY), "png")

    tries = proxy.count("PUT")
    assert tries == client.TRIES


def test_bytes_carry_a_checksum_that_the_server_can_hold_them_to(
    s3: S3Server, opened: Callable[[Proxy], S3Store]
) -> None:
    with Proxy(s3, lambda _: None) as proxy:
        opened(proxy).put(BODY, digest(BODY), "png")

    assert proxy.asked[0].headers["x-amz-content-sha256"] == digest(BODY)
    assert proxy.asked[0].headers["x-amz-checksum-sha256"]


def test_a_server_without_conditional_writes_gets_bytes_again_and_is_asked_no_more(
    s3: S3Server, opened: Callable[[Proxy], S3Store]
) -> None:
    def fault(asked: Asked) -> Says | None:
        return Says(501, "NotImplemented") if "if-none-match" in asked.headers else None

    with Proxy(s3, fault) as proxy:
        store = opened(proxy)
        first = store.put(BODY, digest(BODY), "png")
        asked = len(proxy.asked)
        second = store.put(BODY[:50], digest(BODY[:50]), "png")
        store.put(BODY[:50], digest(BODY[:50]), "png")

        assert (store.size_of(first), store.size_of(second)) == (len(BODY), 50)
        assert not [one for one in proxy.asked[asked:] if "if-none-match" in one.headers]
        assert proxy.count("PUT") == len([one for one in proxy.asked[:asked] if one.body]) + 1


def test_of_an_image_that_is_there_no_byte_is_sent_twice_in_parts(
    s3: S3Server, opened: Callable[[Proxy], S3Store]
) -> None:
    with Proxy(s3, lambda _: None) as proxy:
        store = opened(proxy)
        store.put(LARGE, digest(LARGE), "png")
        assert proxy.count("PUT") == 3
        store.put(LARGE, digest(LARGE), "png")

        assert proxy.count("PUT") == 3


@pytest.mark.parametrize("part", ["partNumber=2", "uploadId"])
def test_an_upload_in_parts_that_fails_leaves_none_behind(
    s3: S3Server, opened: Callable[[Proxy], S3Store], part: str
) -> None:
    def fault(asked: Asked) -> Says | None:
        fails = part in asked.path and asked.method != "DELETE"
        return Says(403, "AccessDenied") if fails else None

    with Proxy(s3, fault) as proxy:
        store = opened(proxy)
        with pytest.raises(StorageFullError, match=r"may not do that .AccessDenied."):
            store.put(LARGE, digest(LARGE), "png")

        assert s3.uploads(store.place.bucket) == []
        assert s3.keys(store.place.bucket) == []


def test_a_large_body_survives_faults_at_each_part_and_at_the_end(
    s3: S3Server, opened: Callable[[Proxy], S3Store]
) -> None:
    seen: dict[str, int] = {}

    def fault(asked: Asked) -> Says | None:
        key = f"{asked.method} {asked.path.partition('uploadId')[0]}"
        seen[key] = seen.get(key, 0) + 1
        return Says(503, "SlowDown") if seen[key] == 1 and asked.method != "HEAD" else None

    with Proxy(s3, fault) as proxy:
        store = opened(proxy)
        with store.spool() as spool:
            spool.write(LARGE)
            path = spool.commit("png")

        assert store.sha256_of(path) == digest(LARGE)
        assert s3.uploads(store.place.bucket) == []


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (Says(403, "AccessDenied"), "may not do that .AccessDenied."),
        (Says(403, "SignatureDoesNotMatch"), "secret key does not belong to the access key"),
        (Says(404, "NoSuchBucket"), "the bucket does not exist"),
        (Says(507, "QuotaExceeded"), "quota is used up"),
        (Says(0), "the connection failed"),
        (Says(400, "<b>&"), "the server answered 400"),
    ],
)
def test_a_bucket_that_refuses_for_good_is_named_and_no_key_with_it(
    s3: S3Server, opened: Callable[[Proxy], S3Store], says: Says, words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(client, "RETRIES", 1)
    with Proxy(s3, lambda _: says) as proxy:
        store = opened(proxy)
        with pytest.raises(StorageFullError, match=words) as caught:
            store.put(BODY, digest(BODY), "png")
        with pytest.raises(UsageError, match=f"{store.place} cannot be used.*{words}"):
            store.claim("mine")

    assert KEY_ID not in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_bucket_that_does_not_exist_or_is_not_there_is_said_before_anything_begins(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "RETRIES", 1)
    with pytest.raises(UsageError, match="s3://no-such/p cannot be used: the bucket does not"):
        S3Store(Bucket("no-such", "p", s3.endpoint), tmp_path).claim("mine")
    with pytest.raises(UsageError, match=r"nothing answers there at http://127.0.0.1:1\."):
        S3Store(Bucket("some", "p", "http://127.0.0.1:1"), tmp_path).claim("mine")


def test_crawls_that_share_a_place_are_known_by_name(
    s3: S3Server, opened: Callable[[Proxy], S3Store]
) -> None:
    with Proxy(s3, lambda _: None) as proxy:
        store = opened(proxy)
        store.claim("one")
        store.claim("two")
        store.claim("one")

        assert store.crawls() == {"one", "two"}
        assert list(store.files()) == []


def test_files_on_their_way_take_no_more_memory_than_is_allowed(tmp_path: Path) -> None:
    taken, most, gate, names = [0], [0], threading.Condition(), count()

    class Slow:
        folder = name = "s3://some/p"

        def memory_for(self, size: int) -> int:
            return size

        def temporary(self) -> str:
            return f".tmp-{next(names)}"

        def adopting(self, adopt: Any) -> FileSpool:
            path = tmp_path / self.temporary()
            return FileSpool(os.open(path, os.O_RDWR | os.O_CREAT), str(path), adopt)

        def put_file(self, file: Path, path: str) -> None:
            with gate:
                taken[0] += file.stat().st_size
                most[0] = max(most[0], taken[0])
                gate.wait(0.02)
                taken[0] -= file.stat().st_size

    store: Any = Slow()
    uploads = Uploads(store)
    for number in range(20):
        with uploads.spool() as spool:
            spool.write(bytes([number]))
            os.truncate(spool.path, IN_MEMORY // 5)
            spool.commit("png")
    uploads.close()

    assert most[0] == IN_MEMORY // 5 * 5
    assert list(tmp_path.iterdir()) == []


def test_an_instance_that_has_no_keys_to_give_is_no_answer_of_the_bucket() -> None:
    text = "Error performing PUT http://169.254.169.254/latest/api/token in 1ms - status code: 403"

    assert fault_of(OSError(text)).words.startswith("no credentials were found")
