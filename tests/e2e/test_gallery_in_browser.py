"""The gallery as a person meets it: in a browser, with very many images and with hostile ones."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.gallery.made import make_crawl
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.bird import wait_for
from tests.browser_fixtures import DESK, PATIENCE_MS, PHONE, browser, faults, opened
from tests.dashboard_fixtures import HOSTILE, Pages, dashboard
from tests.gallery_fixtures import HTML, SVG, add, make_many

__all__ = ["browser"]  # a fixture

pytestmark = [pytest.mark.chromium, pytest.mark.slow, pytest.mark.timeout(300)]

FEW, MANY = 90, 100_000


@pytest.fixture(scope="module", autouse=True)
def _patience() -> None:
    expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("gallery") / "few"
    make_crawl(made, FEW, files=14)
    add(made, "evil.svg", SVG, "svg", alt=HOSTILE)
    add(made, "page.gif", HTML, "gif", alt="a lying file")
    return made


@pytest.fixture(scope="module")
def few(folder: Path) -> Iterator[Pages]:
    with dashboard(folder) as pages:
        wait_for("all images", lambda: pages.get("/api/v1/gallery").json["images"] == FEW + 2)
        yield pages


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with dashboard(make_many(tmp_path_factory.mktemp("gallery") / "many", MANY)) as pages:
        yield pages


def grid(page: Page) -> Locator:
    """The grid, once it shows pictures."""
    expect(page.locator(".cell.drawn").nth(5)).to_be_visible()
    return page.get_by_role("listbox", name="Images")


def options(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Images").get_by_role("option")


def place_of(page: Page) -> int:
    """The place of the image that keys speak of, from 1."""
    active = page.locator("#scroller").get_attribute("aria-activedescendant") or ""
    return int(page.locator(f"[id='{active}']").get_attribute("aria-posinset") or 0)


def top(page: Page) -> int:
    return int(page.locator("#scroller").get_attribute("data-top") or 0)


def test_a_hundred_thousand_images_are_scrolled_through_with_few_elements(
    browser: Browser, many: Pages
) -> None:
    with opened(browser, f"{many.address}/gallery") as (page, seen):
        cells = page.locator(".cell")
        grid(page).press("End")
        last = page.get_by_role("option", name=re.compile(r"-0\.\w+,"))
        expect(last).to_have_attribute("aria-posinset", f"{MANY}")
        expect(last).to_have_class(re.compile("drawn"))
        elements = [cells.count()]
        for place in ("50000", "3", "99000"):
            page.keyboard.press("g")
            page.keyboard.type(place)
            page.keyboard.press("Enter")
            active = page.locator(f".cell.active[aria-posinset='{place}']")
            expect(active).to_have_class(re.compile("drawn"))
            elements.append(cells.count())
        for _ in range(30):
            page.mouse.move(600, 600)
            page.mouse.wheel(0, -700)
        expect(page.locator(".cell.drawn").nth(20)).to_be_visible()
        elements.append(cells.count())
        assert max(elements) < 120
        assert page.locator("*").count() < 1_500
        assert seen.errors == []
        assert seen.elsewhere(many.address) == []


def test_where_the_grid_is_longer_than_an_element_can_be_every_image_is_reached(
    browser: Browser, many: Pages
) -> None:
    with opened(browser, f"{many.address}/gallery", size=PHONE) as (page, _):
        page.evaluate("localStorage.setItem('gallery-cell', 340)")
        page.reload()
        box = grid(page)
        tall = page.evaluate("document.querySelector('.spacer').offsetHeight")
        assert tall == 8_000_000

        page.evaluate("document.querySelector('#scroller').scrollTop = 4000000")  # as a bar does
        middle = page.locator(".cell.drawn").first
        expect(middle).to_have_attribute("aria-posinset", re.compile(r"^(49|50)\d{3}$"))
        before = top(page)
        page.mouse.move(200, 500)
        page.mouse.wheel(0, 400)
        expect(page.locator("#scroller")).to_have_attribute("data-top", f"{before + 400}")

        box.press("End")
        expect(page.locator(f".cell.drawn[aria-posinset='{MANY}']")).to_be_visible()
        box.press("Home")
        expect(page.locator(".cell.drawn[aria-posinset='1']")).to_be_visible()
        assert top(page) == 0


def test_cells_laid_out_anew_before_they_are_drawn_are_drawn(browser: Browser, many: Pages) -> None:
    with opened(browser, f"{many.address}/gallery") as (page, _):
        late = "const now = setTimeout; setTimeout = (run, ms) => now(run, ms || 1000)"
        page.add_init_script(late)
        page.reload()
        for step in range(1, 4):
            expect(page.locator(".cell[aria-label*=photograph]").nth(5)).to_be_attached()
            page.set_viewport_size({"width": DESK["width"] - step, "height": DESK["height"]})
        grid(page)


def test_a_page_that_is_laid_out_after_its_data_came_is_drawn(
    browser: Browser, many: Pages
) -> None:
    # So it is in a tab that was opened behind another one.
    with opened(browser, f"{many.address}/gallery") as (page, seen):
        page.add_init_script(
            "const Real = ResizeObserver, held = [];"
            "window.release = () => held.forEach(go => go());"
            "ResizeObserver = class { constructor(run) { this.one = new Real(run); }"
            " observe(what) { held.push(() => this.one.observe(what)); } }"
        )
        page.reload()
        expect(page.locator("#count")).to_contain_text(f"{MANY:,} images")
        page.locator("html[data-ready]").wait_for()
        page.evaluate("release()")
        grid(page)
        assert not seen.errors


def test_a_question_that_failed_is_asked_again(browser: Browser, many: Pages) -> None:
    with opened(browser, f"{many.address}/gallery") as (page, _):
        failed: list[str] = []

        def answer(route: Route) -> None:
            failed.append(route.request.url)
            route.abort() if len(failed) < 3 else route.continue_()

        page.route(re.compile("gallery/images[?]"), answer)
        page.reload()
        grid(page)
        assert len(failed) >= 3


def test_every_cell_of_a_large_screen_is_filled(browser: Browser, many: Pages) -> None:
    large = {"width": 3_840, "height": 2_160}
    with opened(browser, f"{many.address}/gallery", size=large) as (page, _):
        page.evaluate("localStorage.setItem('gallery-cell', 90)")
        page.reload()
        grid(page)
        assert page.locator(".cell").count() > 3 * 120
        expect(page.locator(".cell[aria-label=loading]")).to_have_count(0)


def test_all_can_be_done_with_keys(browser: Browser, few: Pages) -> None:
    with opened(browser, f"{few.address}/gallery") as (page, seen):
        box = grid(page)
        expect(box).to_be_focused()
        for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft"):
            page.keyboard.press(key)
        columns = place_of(page) - 2
        assert columns >= 4
        page.keyboard.press("Space")
        expect(box.get_by_role("option", selected=True)).to_have_count(1)
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Shift+ArrowRight")
        expect(page.get_by_role("region", name="Selection")).to_contain_text("3 selected")
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog.locator(".place")).to_have_text(f"{columns + 4} of {FEW + 2}")
        page.keyboard.press("ArrowRight")
        expect(dialog.locator(".place")).to_have_text(f"{columns + 5} of {FEW + 2}")
        page.keyboard.press("Space")
        expect(dialog.get_by_role("button", name="Select")).to_have_attribute(
            "aria-pressed", "true"
        )
        page.keyboard.press("Escape")
        expect(dialog).not_to_be_visible()
        assert place_of(page) == columns + 5
        page.keyboard.press("a")
        expect(page.locator("#selected-count")).to_have_text(f"{FEW + 2} selected")
        page.keyboard.press("Escape")
        expect(page.locator("#selected")).not_to_be_visible()
        page.keyboard.press("?")
        keys = page.get_by_role("dialog", name="Keys")
        expect(keys).to_contain_text("select a stretch")
        page.keyboard.press("Escape")
        expect(keys).not_to_be_visible()  # a key that comes sooner goes to it
        page.keyboard.press("/")
        expect(page.get_by_role("searchbox")).to_be_focused()
        assert seen.errors == []


def test_a_filter_narrows_and_its_address_can_be_sent_to_others(
    browser: Browser, few: Pages
) -> None:
    found = few.get("/api/v1/gallery?types=jpeg&host=site-00").json["found"]
    assert 0 < found < FEW
    with opened(browser, f"{few.address}/gallery") as (page, _):
        grid(page)
        page.get_by_role("button", name="Filters").click()
        page.get_by_text("JPEG").click()
        page.get_by_label("Host", exact=True).fill("site-00")
        expect(page.locator("#count")).to_contain_text(f"{found} images of {FEW + 2}")
        expect(page.locator("#active")).to_have_text("2")
        address = page.url
    with opened(browser, address) as (page, _):
        expect(page.locator("#count")).to_contain_text(f"{found} images of {FEW + 2}")
        page.get_by_role("button", name="Filters").click()
        page.get_by_role("button", name="Clear all").click()
        expect(page.locator("#count")).to_contain_text(f"{FEW + 2} images")


def test_what_is_selected_is_saved(browser: Browser, few: Pages, tmp_path: Path) -> None:
    with opened(browser, f"{few.address}/gallery") as (page, _):
        grid(page)
        page.keyboard.press("Space")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Space")
        with page.expect_download() as saved:
            page.get_by_role("button", name="URLs").click()
        saved.value.save_as(tmp_path / "list.txt")
        assert saved.value.suggested_filename.endswith(".txt")
    assert sorted((tmp_path / "list.txt").read_text().split()) == [
        "https://odd.example/evil.svg", "https://odd.example/page.gif",
    ]  # fmt: skip


def test_texts_and_files_made_to_do_harm_do_nothing(browser: Browser, few: Pages) -> None:
    with opened(browser, f"{few.address}/gallery?words=window") as (page, seen):
        expect(page.locator("#count")).to_contain_text("1 image")
        cell = options(page).first
        expect(cell).to_have_attribute("aria-label", re.compile("<script>window.hit = 1"))
        expect(cell).to_contain_text("not drawn")
        cell.click()
        dialog = page.get_by_role("dialog")
        expect(dialog.locator(".alt")).to_have_text(HOSTILE)
        expect(dialog.get_by_role("link", name="Save original")).to_be_visible()
        expect(dialog.locator("li", has_text="javascript:hit()")).to_be_visible()
        assert dialog.locator("a[href^='javascript']").count() == 0
        page.keyboard.press("Escape")
        expect(dialog).not_to_be_visible()
        page.get_by_role("searchbox").fill("page.gif")
        expect(options(page).first).to_contain_text("cannot be drawn")
        assert page.evaluate("window.hit") is None
        assert page.locator("main script, main img[src=x]").count() == 0
        assert seen.errors == []
        assert seen.elsewhere(few.address) == []


def test_a_foreign_file_that_is_opened_by_itself_runs_nothing(browser: Browser, few: Pages) -> None:
    image = few.get("/api/v1/gallery/images?words=page.gif").json["images"][0]["id"]
    with opened(browser, f"{few.address}/gallery/original/{image}") as (page, _):
        assert page.evaluate("window.hit") is None
        assert page.locator("script").count() == 0


def test_images_that_arrive_are_shown_without_a_reload(browser: Browser, tmp_path: Path) -> None:
    make_crawl(tmp_path / "new", 0, files=0)
    with (
        dashboard(tmp_path / "new") as pages,
        opened(browser, f"{pages.address}/gallery") as (page, _),
    ):
        expect(page.locator("#nothing")).to_have_text("No image has arrived yet.")
        add(tmp_path / "new", "early.svg", SVG, "svg")
        expect(page.locator("#count")).to_contain_text("1 image")
        add(tmp_path / "new", "late.svg", SVG + b"<!-- late -->", "svg")
        expect(page.locator("#count")).to_contain_text("2 images")
        expect(options(page).first).to_contain_text("late.svg")


#: Where pictures of what was seen are kept, if anywhere.
KEPT = os.environ.get("BOWERBIRD_SCREENSHOTS", "")


@pytest.mark.parametrize(
    ("name", "size", "dark"),
    [("light", None, False), ("phone-dark", PHONE, True)]
    + [("dark", None, True), ("phone", PHONE, False)] * bool(KEPT),
)
def test_who_does_not_see_or_use_a_mouse_can_use_all_of_it(
    browser: Browser,
    many: Pages,
    name: str,
    size: dict[str, int] | None,
    dark: bool,
    tmp_path: Path,
) -> None:
    kept = Path(KEPT or tmp_path)
    with opened(browser, f"{many.address}/gallery", size=size, dark=dark) as (page, seen):
        grid(page)
        found = {"grid": faults(page)}
        page.screenshot(path=kept / f"gallery-{name}.png")
        page.keyboard.press("Space")
        page.get_by_role("button", name="Filters").click()
        found["filters"] = faults(page)
        page.screenshot(path=kept / f"gallery-filters-{name}.png")
        page.keyboard.press("Escape")
        page.locator(".cell").nth(8).click(force=True)
        expect(
            page.locator(".stage img.full, .stage .small, .stage .undrawn").first
        ).to_be_visible()
        found["image"] = faults(page)
        page.screenshot(path=kept / f"gallery-image-{name}.png")
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert found == {"grid": [], "filters": [], "image": []}
        assert seen.errors == []
        assert wide <= 0
