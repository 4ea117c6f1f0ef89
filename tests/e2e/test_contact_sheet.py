"""A contact sheet, as a user gets it."""

from pathlib import Path

import pytest
from benchmarks.gallery.made import make_crawl
from PIL import Image

from tests.bird import bird


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gallery") / "made"
    make_crawl(folder, 300, files=12)
    return folder


def test_a_contact_sheet_shows_as_many_as_were_asked_for(crawl: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.jpg"
    size = ("--most", 10, "--columns", 4, "--cell", 90)
    ran = bird("gallery", crawl, "--contact-sheet", sheet, *size)

    assert (ran.status, ran.out) == (0, f"10 images drawn on {sheet}.\n")
    with Image.open(sheet) as picture:
        assert (picture.format, picture.size) == (
            "JPEG",
            (2 * 28 - 12 + 4 * 102, 2 * 28 - 12 + 3 * 136),
        )
        assert len(picture.convert("P").getcolors()) > 50


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--contact-sheet", "sheet.doc"), ".jpg, .png or .webp"),
        (("--contact-sheet", "sheet.jpg", "--words", "no such thing"), "no image that fits"),
        (("--contact-sheet", "a.webp", "--columns", 1, "--most", 300, "--cell", 360), "too large"),
        (("--contact-sheet", "/no/such/folder/sheet.jpg"), "cannot be written"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_said(crawl: Path, tmp_path: Path, options, words: str) -> None:
    ran = bird("gallery", crawl, *options, cwd=tmp_path)

    assert ran.status == 2
    assert words in ran.err
    assert "images drawn" not in ran.err  # nobody waits for a sheet that cannot be
    assert "Traceback" not in ran.err
    assert not list(tmp_path.iterdir())
