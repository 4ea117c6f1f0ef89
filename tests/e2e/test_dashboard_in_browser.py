"""The dashboard as a person meets it: in a real browser, beside a real crawl."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.bird import Flying, flying, wait_for
from tests.browser_fixtures import PATIENCE_MS, PHONE, browser, faults, opened, pictured
from tests.dashboard_fixtures import HOSTILE, Pages, dashboard, finished
from tests.web import Web, serve, tree

__all__ = ["browser"]  # a fixture

pytestmark = [pytest.mark.chromium, pytest.mark.slow, pytest.mark.timeout(300)]

PATHS = ("/", "/hosts", "/workers", "/failures", "/api", "/login")


@pytest.fixture(scope="module", autouse=True)
def _patience() -> None:
    expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """A crawl that nobody works at, full of foreign texts."""
    failures = [("http-404", HOSTILE), ("timeout", HOSTILE), (HOSTILE, "")]
    folder = finished(tmp_path_factory.mktemp("shown") / "crawl", 150, failures, images=9)
    with dashboard(folder) as pages:
        wait_for("a first look", lambda: pages.live()["known"])
        yield pages


def known(page: Page) -> None:
    """Wait until the page has heard of the crawl."""
    expect(page.locator("#state")).to_have_text("nobody at work")


@pytest.mark.parametrize(
    ("size", "dark", "paths"),
    [(None, False, PATHS), (None, True, PATHS[:4:3]), (PHONE, False, PATHS[:4:3])],
    ids=["light", "dark", "phone"],
)
def test_no_page_has_serious_faults_for_who_does_not_see_or_use_a_mouse(
    browser: Browser, shown: Pages, size: dict[str, int] | None, dark: bool, paths: Sequence[str]
) -> None:
    found = {}
    for path in paths:
        with opened(browser, shown.address + path, size=size, dark=dark) as (page, seen):
            if path != "/login":
                known(page)
            if path == "/failures":
                page.locator("summary").first.click()
                expect(page.locator(".examples").first).to_be_visible()
            look = "phone" if size else "dark" if dark else "light"
            pictured(page, f"{path.strip('/') or 'live'}-{look}")
            found[path] = faults(page)
            assert seen.errors == []
            assert seen.elsewhere(shown.address) == []
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{path} is wider than the screen"
    assert found == {path: [] for path in paths}


def test_texts_of_foreign_pages_do_nothing(browser: Browser, shown: Pages) -> None:
    with opened(browser, f"{shown.address}/failures") as (page, seen):
        expect(page.locator("summary")).to_have_count(3)  # `all` waits for none
        for card in page.locator("summary").all():
            card.click()
        expect(page.locator(".examples .detail", has_text="window.hit = 1").first).to_be_visible()
        expect(page.locator("summary", has_text="<script>window.hit = 1")).to_be_visible()
        for path in PATHS[:3]:
            page.goto(shown.address + path)
            known(page)
        assert page.evaluate("window.hit") is None
        assert page.locator("main script, main img[src=x]").count() == 0
        assert seen.errors == []


def test_hosts_are_found_among_many_by_typing(browser: Browser, shown: Pages) -> None:
    with opened(browser, f"{shown.address}/hosts") as (page, _):
        expect(page.locator("#rows tr")).to_have_count(50)
        page.get_by_label("Search hosts").fill("host149")
        expect(page.locator("#rows tr")).to_have_count(1)
        expect(page.locator("#matching")).to_have_text("1 match")
        page.get_by_label("Search hosts").fill("")
        page.get_by_role("button", name="Host", exact=True).click()
        expect(page.locator("#rows tr td").first).to_have_text("dead0.example")
        page.get_by_role("button", name="Next").click()
        expect(page.locator("#range")).to_contain_text("51 – 100")


@pytest.fixture
def web() -> Iterator[Web]:
    with serve(tree(60, 10), pause_s=0.05) as served:
        yield served


def _address(flown: Flying, folder: Path) -> tuple[str, str]:
    """Where the dashboard beside a crawl is, and its token."""
    found = re.search(r"Dashboard: (http://[\d.:]+)", flown.says("Dashboard: "))
    assert found
    return found[1], (folder / ".bowerbird" / "dashboard.token").read_text().strip()


def test_the_live_view_moves_and_steers_while_a_crawl_runs(
    browser: Browser, web: Web, tmp_path: Path
) -> None:
    folder = tmp_path / "crawl"
    with flying(
        "crawl", f"{web.url}/p0", "-o", folder, "--workers", 1, "--per-host", 1, "--dashboard", ":0"
    ) as flown:
        address, token = _address(flown, folder)
        with opened(browser, address) as (page, seen):
            images = page.locator("#images")
            expect(images).to_have_text(re.compile(r"^\d+$"))
            first = int(images.inner_text())
            page.wait_for_function(
                "first => Number(document.getElementById('images').textContent) > first + 4",
                arg=first,
            )
            page.locator("#pause").click()  # nobody has come in yet
            expect(page).to_have_url(re.compile("/login$"))
            page.get_by_label("Token").fill(token)
            page.get_by_role("button", name="Come in").click()
            expect(page).to_have_url(f"{address}/")
            page.locator("#pause").click()
            expect(page.locator("#state")).to_have_text("paused")
            page.locator("#resume").click()
            expect(page.locator("#state")).to_have_text("running")
            page.locator("#stop").click()
            page.get_by_role("button", name="Cancel").click()
            expect(page.locator("dialog")).to_have_count(0)
            expect(page.locator("#state")).to_have_text("running")
            page.locator("#stop").click()
            page.get_by_role("button", name="Stop it").click()
            ended = flown.ended()
            expect(page.locator("#trouble")).to_contain_text("this page asks no more")
            asked: list[str] = []
            page.on("request", lambda one: "stream" in one.url and asked.append(one.url))
            page.wait_for_timeout(2_500)
            assert asked == []
            expect(page.locator("#state")).to_have_text(re.compile("ended|stopped|stopping"))
            assert seen.errors == []
            assert seen.elsewhere(address) == []
    assert (ended.status, "Traceback" in ended.err) == (0, False)


def test_what_failed_is_put_back_with_one_click(browser: Browser, tmp_path: Path) -> None:
    ends = [("http-404", ""), ("timeout", ""), ("too-small", "")]
    folder = finished(tmp_path / "crawl", failures=ends)
    with (
        dashboard(folder) as pages,
        opened(browser, f"{pages.dashboard.way_in.replace('/#', '/login#')}") as (page, _),
    ):
        expect(page).to_have_url(f"{pages.address}/")  # the token is gone from the address
        page.goto(f"{pages.address}/failures#timeout")
        page.get_by_role("button", name="Try these again").click()
        expect(page.locator("details")).to_have_count(2)
        expect(page.locator("#matching")).to_have_text("1 failed, 1 left out")
        expect(page.locator("#reasons > h2 + details")).to_contain_text("too-small")
        assert pages.live()["failures"] == {"http-404": 1}
