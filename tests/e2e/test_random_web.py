"""Crawls of webs from seeds, compared with their truth."""

import pytest

from bowerbird.app.visit import visit
from tests.bird import bird, records_of
from tests.random_web import compare, make, serve


@pytest.mark.parametrize("seed", range(3))
def test_a_random_web_is_crawled_to_the_last_image_and_no_further(tmp_path, seed):
    with serve(make(seed, hosts=8, pages=60, images=200), pause_s=0.005) as web:
        ran = bird(
            "crawl", web.start, "-o", tmp_path / "out", "--json", "--delay", 0, "--scope", "any",
            "--allow-private",
        )  # fmt: skip
        assert ran.status == 0, ran.err
        with visit(str(tmp_path / "out")) as crawl:
            deaths = crawl.frontier.results(limit=100_000).deaths
        compare(web, records_of(tmp_path / "out"), deaths=deaths).assert_whole()
