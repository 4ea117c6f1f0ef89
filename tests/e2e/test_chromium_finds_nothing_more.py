"""Every image that a real browser requests is found by us: the pages are fixed texts, so that all
of them are named there."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from os import environ
from urllib.parse import urlsplit

import pytest

from tests.chromium_fixtures import Tab, chromium
from tests.places_fixtures import PAGES, Reader, served

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.slow,
    pytest.mark.timeout(300),
]

#: Width and density of each view. All of them take a minute more: `BOWERBIRD_ALL_VIEWS=1`.
SOME = ((400, 3), (1_440, 1), (1_440, 2))
VIEWS = tuple(product((400, 1_440), (1, 2, 3))) if environ.get("BOWERBIRD_ALL_VIEWS") else SOME
BROWSERS = 3
#: What the fixture has beside images.
OTHERS = ("html", ".css", ".js", ".mp4", ".pdf", ".woff2", "/f/x.svg", "/favicon.ico", "/")
#: Share of the requested images that must be found.
MUST = 0.97


@pytest.fixture(scope="module")
def requests(needs: Callable[[str], str]) -> Iterator[dict[str, set[tuple[str, str]]]]:
    browser = needs("chromium")
    with served() as address, ThreadPoolExecutor(BROWSERS) as pool:
        shares = [PAGES[start::BROWSERS] for start in range(BROWSERS)]
        seen: dict[str, set[tuple[str, str]]] = {}
        for part in pool.map(lambda pages: _visit(browser, address, pages), shares):
            seen |= part
        yield seen


def _visit(browser: str, address: str, pages: list[str]) -> dict[str, set[tuple[str, str]]]:
    seen = {}
    with chromium(browser) as port:
        tab = Tab(port)
        for page in pages:
            for scripts, (width, density) in product((False, True), VIEWS):
                tab.open(f"{address}/{page}", width, density, scripts=scripts)
            seen[f"{address}/{page}"] = tab.leave()
        tab.close()
    return seen


def test_images_a_browser_shows_are_not_missed(
    requests: dict[str, set[tuple[str, str]]],
) -> None:
    wanted, missed = 0, list[str]()
    for page, asked in requests.items():
        images = _images(page, asked)
        reader = Reader(frozenset(url for kind, url in asked if kind == "Document"))
        reader.page(page)
        wanted += len(images)
        print(page.rpartition("/")[2], len(images), len(reader.images))
        missed += sorted(f"{page}: {url}" for url in images - reader.images)

    found = 1 - len(missed) / wanted
    print(f"{found:.2%} of {wanted} images of {len(requests)} pages; missed: {missed}")
    assert len(requests) >= 60
    assert wanted >= 350
    assert found >= MUST, missed


def _images(page: str, asked: set[tuple[str, str]]) -> set[str]:
    """Requests for images: as such, in a frame, or prefetched. Not the browser's own favicon."""
    plain = {url.partition("#")[0] for kind, url in asked if kind not in ("Stylesheet", "Script")}
    return {url for url in plain if url.startswith("http") and not _is_other(url)} - {page}


def _is_other(url: str) -> bool:
    return urlsplit(url).path.endswith(OTHERS)
