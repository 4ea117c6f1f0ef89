"""`bowerbird report` and `status --watch`, as a user meets them."""

import base64
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from benchmarks.gallery.made import make_crawl
from PIL import Image
from selectolax.lexbor import LexborHTMLParser

from bowerbird.catalog import CatalogWriter
from bowerbird.frontier.rules import Rules
from bowerbird.frontier.sqlite import SqliteFrontier
from bowerbird.model import Death, Holder, Kind, Place, Record, Sighting
from bowerbird.store import FileStore
from tests.bird import bird, wait_for

EVIL = "</title><script>alert(1)</script><img src=x onerror=alert(1)>\"'{{ 7*7 }}\u202e"


def add_evil(folder: Path) -> None:
    """An image of which every text was made to do harm."""
    frontier = SqliteFrontier(folder / "crawl.db", Rules())
    digest, body = "e" * 64, (folder / "evil.png")
    Image.new("RGB", (40, 40), (255, 0, 0)).save(body)
    path = FileStore(folder).put(body.read_bytes(), digest, "png")
    body.unlink()
    url = "https://evil.example/<script>alert(2)</script>.png"
    record = Record(
        url=url, final_url=url, status=200, type="png", width=40, height=40, bytes=100,
        sha256=digest, fetched_at=1_788_000_000.0,
        holders=(Holder(folder=str(folder), path=path),),
    )  # fmt: skip
    seen = Sighting(image_url=url, page_url="javascript:alert(3)", place=Place.IMG, alt=EVIL)
    dead = Death(
        url=url + "x", first_url=url + "x", kind=Kind.IMAGE, reason="http-404", detail=EVIL
    )
    with frontier.batch():
        CatalogWriter(frontier.connection).add([record], (), [seen], [dead])
    frontier.close()


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "made"
    make_crawl(folder, 120, files=10)
    add_evil(folder)
    return folder


def test_a_report_is_one_file_that_asks_for_nothing(crawl: Path, tmp_path: Path) -> None:
    ran = bird("report", crawl, "-o", tmp_path / "report.html", "--sample", 200)
    page = (tmp_path / "report.html").read_text()

    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("121 images, 121 of them shown, in ")
    assert "default-src 'none'" in page
    assert "<b>121</b>" in page
    addresses = set(re.findall(r"(?:src|href|action|srcset|url)\s*[=(]\s*[\"']?(\w+:)", page))
    assert addresses == {"data:"}
    body = base64.b64decode(re.findall(r"data:image/webp;base64,([^\"]+)", page)[0])
    assert body[8:12] == b"WEBP"


def test_texts_of_strangers_stay_texts(crawl: Path, tmp_path: Path) -> None:
    bird("report", crawl, "-o", tmp_path / "report.html", "--sample", 200)
    page = (tmp_path / "report.html").read_text()

    assert "&lt;script&gt;alert" in page
    assert "<script" not in page.lower()
    attributes = {name for node in LexborHTMLParser(page).css("*") for name in node.attributes}
    assert not {name for name in attributes if name.startswith("on")}
    assert "{{ 7*7 }}" in page
    assert "\u202e" not in page


def test_a_report_of_nothing_yet_is_a_report(tmp_path: Path) -> None:
    make_crawl(tmp_path / "empty", 0, files=0)
    ran = bird("report", tmp_path / "empty", "-o", tmp_path / "report.html")

    assert ran.out.startswith("0 images, 0 of them shown")
    assert "<b>0</b>" in (tmp_path / "report.html").read_text()


def test_a_watched_crawl_is_shown_until_q_is_typed(crawl: Path) -> None:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "bowerbird", "status", str(crawl), "--watch"]
    watching = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = bytearray()
    try:
        while b"q leaves" not in seen or b"nobody at work" not in seen:
            seen += os.read(ours, 65_536)
        os.write(ours, b"q")
        os.set_blocking(ours, False)
        wait_for("the end of the screen", lambda: _drained(ours) or watching.poll() is not None)
        assert watching.wait(30) == 0
    finally:
        watching.kill()
        watching.wait()
        os.close(ours)


def _drained(terminal: int) -> bool:
    """Never true: a process that ends waits until somebody has read what it wrote."""
    with suppress(OSError):
        os.read(terminal, 65_536)
    return False


def test_on_a_pipe_lines_are_written_and_an_ended_crawl_ends_it(crawl: Path) -> None:
    ran = bird("status", crawl, "--watch")

    assert ran.status == 0
    assert "images" in ran.err


def test_where_no_crawl_is_nothing_is_watched(tmp_path: Path) -> None:
    ran = bird("status", tmp_path, "--watch")

    assert ran.status == 2
    assert "holds no crawl" in ran.err
