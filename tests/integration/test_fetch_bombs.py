"""10 GB of zeros cost neither memory nor time, whatever they are packed in."""

import resource
import tracemalloc
from collections.abc import Iterator

import pytest
from tests.fetch_fixtures import fetch, fetching
from tests.site import Site
from tests.site.bombs import prepare

from bowerbird.fetch import Response

MIB = 1 << 20


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    prepare()
    with Site() as site:
        yield site


def cpu_s() -> float:
    """Processor time of this thread; the site has its own."""
    used = resource.getrusage(resource.RUSAGE_THREAD)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/huge-bomb/gzip", "bomb"),
        ("/huge-bomb/deflate", "bomb"),
        ("/huge-bomb/br", "bomb"),
        ("/huge-bomb/zstd", "bad-encoding"),
        ("/double-bomb", "bomb"),
        ("/huge-bomb/gzip/10240/302", ""),
        ("/huge-bomb/br/10240/404", ""),
    ],
)
def test_a_bomb_ends_by_its_reason_within_a_second_of_processor_and_in_bounds(site, path, reason):
    with fetching() as fetcher:
        fetch(fetcher, site.url("/bytes"))  # whatever is made once, is made now
        tracemalloc.start()
        before_s = cpu_s()
        response = fetch(fetcher, site.url(path), max_bytes=32 * MIB)
        used_s = cpu_s() - before_s
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert reason_of(response) == reason
    assert used_s < 1.0
    assert peak < 100 * MIB  # our spool is in memory itself, and doubles
    assert response.size <= 64 * 1024


def reason_of(response: Response) -> str:
    return response.failure.reason if response.failure else ""
