"""Debian's Chromium, driven by Playwright: pages as people see them."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

#: No step of a page takes longer, in milliseconds: two tests share two slow cores.
PATIENCE_MS = 60_000
AXE = Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js"
#: Pictures of pages, kept beside the code.
SCREENSHOTS = Path(__file__).parent.parent / "build" / "screenshots"
#: What a phone shows.
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1_360, "height": 900}


@pytest.fixture(scope="module")
def browser(needs: Callable[[str], str]) -> Iterator[Browser]:
    """A browser without a window."""
    program = needs("chromium")
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        started = playwright.chromium.launch(executable_path=program, args=flags)
        yield started
        started.close()


@dataclass
class Seen:
    """What happened on a page beside what it shows."""

    asked: list[str] = field(default_factory=list)  #: addresses that were requested
    errors: list[str] = field(default_factory=list)

    def elsewhere(self, address: str) -> list[str]:
        """Requests to any other place."""
        own = (address, "data:", "blob:")
        return [url for url in self.asked if not url.startswith(own)]


@contextmanager
def opened(
    browser: Browser, url: str, *, size: dict[str, int] | None = None, dark: bool = False
) -> Iterator[tuple[Page, Seen]]:
    """A page in a fresh profile."""
    context = browser.new_context(
        viewport=size or DESK,  # type: ignore[arg-type]
        color_scheme="dark" if dark else "light",
    )
    context.set_default_timeout(PATIENCE_MS)
    page, seen = context.new_page(), Seen()
    page.on("request", lambda request: seen.asked.append(request.url))
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("console", lambda said: _note(seen, said.type, said.text))
    try:
        page.goto(url)
        yield page, seen
    finally:
        context.close()


def _note(seen: Seen, kind: str, text: str) -> None:
    if kind == "error" and "Failed to load resource" not in text:
        seen.errors.append(text)


def pictured(page: Page, name: str) -> None:
    """Keep a picture of the page, for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def faults(page: Page) -> list[str]:
    """Serious and critical findings of axe-core, with the elements they speak of."""
    page.evaluate(AXE.read_text("utf-8"))
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['help']}: {json.dumps([node['html'] for node in one['nodes']][:3])}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
