"""Whether a crawl goes on once its bucket takes bytes again."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from bowerbird.app import bucket
from bowerbird.app.bucket import Watched, places, way_there
from bowerbird.errors import UsageError


class Clock:
    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class Store:
    """Takes what it is told to take."""

    words = ""

    def claim(self, crawl: str) -> None:
        if self.words:
            raise UsageError(self.words)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    store = Store()
    monkeypatch.setattr(bucket, "store_at", lambda url: store)
    return store


def seen(ask: Callable[[], object]) -> object:
    """The answer, once the look at the bucket has ended."""
    while (answer := ask()) is None:
        pass
    return answer


def waited_s(watched: Watched, clock: Clock) -> float:
    """For how long it is said not to be back, a look each tenth of a second."""
    began_s = clock.now_s
    while not watched.is_back():
        clock.now_s += 0.1
        if watched._thread is not None:
            watched._thread.join()
    return clock.now_s - began_s


def test_a_bucket_that_refuses_again_and_again_is_asked_ever_more_rarely(store: Store) -> None:
    clock = Clock()
    watched = Watched("s3://some/place", "crawl", clock)
    waits = [waited_s(watched, clock) for _ in range(9)]
    clock.now_s += 1_000
    later = waited_s(watched, clock)

    assert waits[0] < 1
    assert all(one < other for one, other in pairwise(waits[:7]))
    assert max(waits) < 62
    assert later < 1


def test_why_it_refuses_is_known_and_it_is_not_back(store: Store) -> None:
    watched = Watched("s3://some/place", "crawl")
    store.words = "the quota is used up"

    assert seen(watched.look) is False
    assert watched.why == "the quota is used up"
    assert not watched.is_back()


@pytest.mark.parametrize(
    ("own", "crawls", "way"),
    [
        ("s3://some", "s3://some/a/b", "s3://some/a/b"),
        ("s3://some/a", "s3://some/a/b", "s3://some/a/b"),
        ("s3://some/a/b", "s3://some/a/b", "s3://some/a/b"),
        (
            "s3://some?endpoint=https://near",
            "s3://some/a?endpoint=https://far&region=x",
            "s3://some/a?endpoint=https://near",
        ),
    ],
)
def test_a_far_worker_goes_its_own_way_to_the_crawls_place(own: str, crawls: str, way: str) -> None:
    assert way_there(own, crawls) == way


@pytest.mark.parametrize(
    ("own", "crawls", "words"),
    [
        ("", "s3://some/a", "start the worker with -o"),
        ("s3://some/a", "", "name a folder with -o"),
        ("s3://some/a", "s3://some/ab", "not to s3://some/a"),
        ("s3://some/a", "s3://some", "not to s3://some/a"),
        ("s3://some", "s3://somewhere", "not to s3://some"),
        ("s3://some", "s3://some/a?endpoint=http://10.0.0.1", "plain HTTP"),
    ],
)
def test_a_far_worker_goes_nowhere_else(own: str, crawls: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        way_there(own, crawls)


@pytest.mark.parametrize("out", ["s3:/some/a", "S3:/some", "s3://some/a"])
def test_what_looks_like_a_bucket_makes_no_folder(out: str) -> None:
    with pytest.raises(UsageError):
        places(out, "")
