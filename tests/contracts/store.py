"""What every store has to do: `StoreContract`, for a subclass that gives the fixture `store`."""

import hashlib
from collections.abc import Iterator

import pytest

from bowerbird.store import Sort, Store, object_path

BODY = b"\xff\xd8 a photograph \xff\xd9" * 500


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


class StoreContract:
    @pytest.fixture
    def store(self) -> Iterator[Store]:
        raise NotImplementedError

    def test_an_image_lies_under_its_content_and_type(self, store: Store) -> None:
        path = store.put(BODY, digest(BODY), "jpeg")

        sha256 = digest(BODY)
        assert path == f"images/{sha256[:2]}/{sha256}.jpg"
        assert store.sha256_of(path) == sha256
        assert store.size_of(path) == len(BODY)

    def test_a_repeat_changes_nothing(self, store: Store) -> None:
        first = store.put(BODY, digest(BODY), "png")
        second = store.put(BODY, digest(BODY), "png")

        assert first == second
        assert [found.path for found in store.files()] == [first]

    def test_a_cut_object_is_replaced_not_trusted(self, store: Store) -> None:
        path = store.put(BODY[:100], digest(BODY), "png")
        store.flush()
        store.put(BODY, digest(BODY), "png")

        assert store.sha256_of(path) == digest(BODY)

    def test_an_empty_body_is_kept(self, store: Store) -> None:
        assert store.size_of(store.put(b"", digest(b""), "gif")) == 0

    def test_views_are_stored_like_bytes(self, store: Store) -> None:
        path = store.put(memoryview(BODY)[10:20], digest(BODY[10:20]), "gif")

        assert store.sha256_of(path) == digest(BODY[10:20])

    def test_a_spool_becomes_the_same_object_as_a_body(self, store: Store) -> None:
        with store.spool() as spool:
            assert spool.write(BODY[:1000]) == 1000
            assert spool.write(memoryview(BODY)[1000:]) == len(BODY) - 1000
            assert (spool.size, spool.sha256) == (len(BODY), digest(BODY))
            assert bytes(spool.view()) == BODY
            path = spool.commit("jpeg")

        assert path == store.put(BODY, digest(BODY), "jpeg")
        assert store.sha256_of(path) == digest(BODY)
        assert [found.sort for found in store.files()] == [Sort.OBJECT]

    def test_a_spool_can_be_viewed_while_it_grows(self, store: Store) -> None:
        with store.spool() as spool:
            assert bytes(spool.view()) == b""
            spool.write(b"ab")
            assert bytes(spool.view()) == b"ab"
            spool.write(b"cd")
            assert bytes(spool.view()) == b"abcd"

    def test_a_spool_that_is_left_leaves_nothing(self, store: Store) -> None:
        with store.spool() as spool:
            spool.write(BODY)
        spool.discard()

        assert list(store.files()) == []

    def test_a_spool_of_what_is_there_already_leaves_one_object(self, store: Store) -> None:
        store.put(BODY, digest(BODY), "jpeg")
        with store.spool() as spool:
            spool.write(BODY)
            spool.commit("jpeg")

        assert len(list(store.files())) == 1

    def test_a_spool_still_open_is_swept_from_under_nobody(self, store: Store) -> None:
        with store.spool() as spool:
            spool.write(BODY)
            assert store.sweep() == 0
            assert [found.sort for found in store.files()] == [Sort.TEMPORARY]
            assert store.size_of(spool.commit("png")) == len(BODY)

    def test_what_is_removed_is_gone_and_may_be_put_again(self, store: Store) -> None:
        path = store.put(BODY, digest(BODY), "webp")

        assert store.remove(path)
        assert not store.remove(path)
        assert (store.size_of(path), store.sha256_of(path)) == (None, None)
        assert store.put(BODY, digest(BODY), "webp") == path
        assert store.size_of(path) == len(BODY)

    @pytest.mark.parametrize(
        "path",
        ["", "images", "../secret", "images/../../etc/passwd", "/etc/passwd", "crawl.db",
         "images/ab/" + "cd" * 32 + ".jpg", "images/ab/ab.jpg",
         object_path("ab" * 32, "jpeg") + "\n", object_path("ab" * 32, "jpeg") + "/.."],
    )  # fmt: skip
    def test_no_path_from_a_stranger_reaches_another_file(self, store: Store, path: str) -> None:
        assert store.size_of(path) is None
        assert store.sha256_of(path) is None
        with pytest.raises(ValueError, match="no file of this store"):
            store.remove(path)

    def test_flush_and_close_are_harmless_at_any_time(self, store: Store) -> None:
        store.flush()
        path = store.put(BODY, digest(BODY), "png")
        store.flush()
        store.flush()
        store.close()

        assert store.size_of(path) == len(BODY)
