"""The short form of `python -m tests.chaos.cluster`."""

from pathlib import Path

from tests.chaos.cluster import shared
from tests.redis_fixtures import need_redis


def test_two_crawls_find_all_within_the_budget_that_they_share(tmp_path: Path) -> None:
    need_redis()
    shared(tmp_path, seed=5, partitions=4)
