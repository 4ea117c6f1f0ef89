"""The gallery over HTTP: what its pages are told, and what they are never sent."""

import io
import json
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from benchmarks.gallery.made import make_crawl
from tests.bird import wait_for
from tests.dashboard_fixtures import HOSTILE, Pages, dashboard
from tests.gallery_fixtures import HTML, SVG, add, describe

from bowerbird.app.gallery import SHARE, Gallery
from bowerbird.app.visit import visit

MADE = 60


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    folder = tmp_path_factory.mktemp("gallery") / "crawl"
    make_crawl(folder, MADE, files=8)
    add(folder, "evil.svg", SVG, "svg", alt=HOSTILE)
    add(folder, "page.gif", HTML, "gif")
    add(folder, "far.png", b"far", "png", where="file://elsewhere/data#0123")
    (
        folder / "images" / sha256(b"far").hexdigest()[:2] / f"{sha256(b'far').hexdigest()}.png"
    ).unlink()
    with dashboard(folder) as pages:
        wait_for("all images", lambda: images(pages)["images"] == MADE + 3)
        yield pages


def images(pages: Pages, query: str = "") -> dict:
    return pages.get(f"/api/v1/gallery{query}").json


def one(pages: Pages, words: str) -> dict:
    return pages.get(f"/api/v1/gallery/images?words={words}").json["images"][0]


def test_the_newest_is_first_and_stretches_join(shown: Pages) -> None:
    whole = pages_of(shown, "start=0&count=200")
    parts = [*pages_of(shown, "start=0&count=25"), *pages_of(shown, "start=25&count=100")]

    assert [one["id"] for one in whole] == list(range(MADE + 2, -1, -1))
    assert parts == whole


def test_rest_is_given_to_a_crawl_for_what_it_answers_and_not_for_our_own_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [0.0]
    monkeypatch.setattr("bowerbird.app.gallery.time.monotonic", lambda: now_s[0])
    make_crawl(tmp_path / "crawl", 9, files=2)
    with visit(str(tmp_path / "crawl")) as crawl:
        crawl._running = True
        gallery = Gallery(lambda question: question(crawl))
        take, page = gallery.index.take, crawl.catalog.page

        def takes(seconds: float, work: Any) -> Any:
            def done(*given: Any) -> Any:
                now_s[0] += seconds
                return work(*given)

            return done

        monkeypatch.setattr(gallery.index, "take", takes(60.0, take))
        monkeypatch.setattr(crawl.catalog, "page", takes(0.1, page))
        assert gallery.keep_up() == pytest.approx(0.1 / SHARE)
        gallery.close()


def test_a_text_that_a_page_gives_later_is_found_and_shown(tmp_path: Path) -> None:
    make_crawl(tmp_path / "crawl", 9, files=2)
    with dashboard(tmp_path / "crawl") as pages:
        wait_for("all images", lambda: images(pages)["images"] == 9)
        url = pages_of(pages, "start=4&count=1")[0]["url"]
        for word in ("zeppelin", "lantern"):
            describe(tmp_path / "crawl", url, f"a {word}")
            wait_for("the text", lambda word=word: images(pages, f"?words={word}")["found"] == 1)
        assert one(pages, "lantern+zeppelin")["url"] == url
        assert images(pages)["images"] == 9


def pages_of(pages: Pages, query: str) -> list[dict]:
    return pages.get(f"/api/v1/gallery/images?{query}").json["images"]


def test_what_is_found_is_counted_and_listed_alike(shown: Pages) -> None:
    query = "?types=jpeg&min_side=300"
    found = images(shown, query)["found"]
    listed = pages_of(shown, f"{query[1:]}&count=500")
    counts = shown.get(f"/api/v1/gallery/counts{query}").json

    assert 0 < found == len(listed) == counts["found"] == counts["types"]["jpeg"]
    assert counts["bytes"] == sum(one["bytes"] for one in listed)


@pytest.mark.parametrize(
    "query",
    ["?sort=upside-down", "?min_side=many", "?since=yesterday", "?min_bytes=-1", "/images?start=x"],
)
def test_a_question_that_makes_no_sense_is_answered_with_what_is_wrong(
    shown: Pages, query: str
) -> None:
    answer = shown.get(f"/api/v1/gallery{query}")

    assert answer.status == 400
    assert answer.json["error"] == "bad-request"


def test_all_is_told_of_one_image(shown: Pages) -> None:
    image = pages_of(shown, "types=jpeg&count=1")[0]
    told = shown.get(f"/api/v1/gallery/images/{image['id']}").json

    assert told["image"] == image
    assert told["sightings"][0]["page"].startswith(f"https://{image['host']}/")
    assert told["holders"][0]["here"]
    assert told["holders"][0]["path"].endswith(f"{image['sha256']}.jpg")
    assert (told["status"], told["shown"], told["gone"]) == (200, True, False)


@pytest.mark.parametrize("number", ["999999", "18446744073709551616"])
def test_an_image_that_does_not_exist_is_not_found(shown: Pages, number: str) -> None:
    for path in ("/api/v1/gallery/images/", "/gallery/thumbnail/", "/gallery/original/"):
        assert shown.get(path + number).status == 404


def test_thumbnails_are_webp_and_may_be_kept(shown: Pages) -> None:
    image = pages_of(shown, "types=jpeg&count=1")[0]
    answer = shown.get(f"/gallery/thumbnail/{image['id']}")

    assert answer.body[8:12] == b"WEBP"
    assert answer.headers["content-type"] == "image/webp"
    assert "immutable" in answer.headers["cache-control"]


def test_an_original_is_the_very_bytes(shown: Pages) -> None:
    image = pages_of(shown, "types=jpeg&count=1")[0]
    answer = shown.get(f"/gallery/original/{image['id']}")

    assert sha256(answer.body).hexdigest() == image["sha256"]
    assert answer.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(
    ("words", "media"), [("evil", "application/octet-stream"), ("page.gif", "image/gif")]
)
def test_foreign_bytes_are_never_sent_as_what_a_browser_runs(
    shown: Pages, words: str, media: str
) -> None:
    answer = shown.get(f"/gallery/original/{one(shown, words)['id']}")

    assert answer.status == 200
    assert answer.headers["content-type"] == media
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["content-disposition"].startswith(
        "attachment" if words == "evil" else "inline"
    )


def test_what_cannot_be_drawn_has_no_thumbnail_and_says_why(shown: Pages) -> None:
    assert shown.get(f"/gallery/thumbnail/{one(shown, 'evil')['id']}").body == b"not-drawn"
    refused = shown.get(f"/gallery/thumbnail/{one(shown, 'page.gif')['id']}")
    assert refused.status == 404


def test_an_image_of_another_machine_is_said_to_lie_there(shown: Pages) -> None:
    image = one(shown, "far")

    assert image["away"] == "file://elsewhere/data"
    assert shown.get(f"/gallery/original/{image['id']}").status == 404


def test_an_image_in_a_folder_that_is_given_is_shown(tmp_path: Path) -> None:
    make_crawl(tmp_path / "crawl", 0, files=0)
    add(tmp_path / "crawl", "far.gif", HTML, "gif", where="file://elsewhere/data#0123")
    (tmp_path / "copied").mkdir()
    (tmp_path / "crawl/images").rename(tmp_path / "copied/images")
    with dashboard(tmp_path / "crawl", folders=[tmp_path / "copied"]) as pages:
        wait_for("the image", lambda: images(pages)["images"] == 1)
        assert one(pages, "far")["away"] == ""
        assert pages.get("/gallery/original/0").body == HTML


@pytest.mark.parametrize(
    "path",
    [
        "/gallery/original/../../crawl.db", "/gallery/original/%2e%2e%2fcrawl.db",
        "/static/gallery/../../../crawl.db", "/static/gallery/%2e%2e/%2e%2e/desk.py",
        "/static/gallery/..%2f..%2fdesk.py", "/gallery/thumbnail/-1", "/gallery/original/0x1",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_store(shown: Pages, path: str) -> None:
    assert shown.get(path).status in (404, 400)


def test_a_link_in_the_store_is_not_followed(shown: Pages, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    image = pages_of(shown, "count=1&host=site")[0]
    held = shown.get(f"/api/v1/gallery/images/{image['id']}").json["holders"][0]
    file = Path(held["folder"], held["path"])
    aside = file.rename(file.with_name("aside"))
    file.symlink_to(secret)
    try:
        assert shown.get(f"/gallery/original/{image['id']}").status == 404
    finally:
        file.unlink()
        aside.rename(file)


def exported(pages: Pages, query: str) -> bytes:
    answer = pages.get(f"/gallery/export?{query}")
    assert answer.status == 200, answer.body
    assert answer.headers["content-disposition"].startswith("attachment")
    return answer.body


def test_a_selection_is_exported_as_lines_of_json_in_its_order(shown: Pages) -> None:
    lines = exported(shown, "form=jsonl&ids=3-5,1").decode().splitlines()
    urls = [pages_of(shown, f"start={MADE + 2 - n}&count=1")[0]["url"] for n in (3, 4, 5, 1)]

    assert [json.loads(line)["url"] for line in lines] == urls


def test_csv_has_one_header_however_many_images_there_are(shown: Pages) -> None:
    lines = exported(shown, "form=csv&sort=oldest").decode().splitlines()

    assert sum(line.startswith("url,") for line in lines) == 1
    assert len(lines) == MADE + 3 + 1


def test_an_archive_has_every_file_whole_and_says_which_are_elsewhere(shown: Pages) -> None:
    with zipfile.ZipFile(io.BytesIO(exported(shown, "form=zip"))) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(names) == len(set(names)) == MADE + 2 + 1
        assert archive.read("not-on-this-machine.txt") == b"https://odd.example/far.png\n"
        assert archive.read("odd.example/evil.svg") == SVG
    assert not [name for name in names if name.startswith("/") or ".." in name.split("/")]


def test_no_page_elsewhere_has_archives_made(shown: Pages) -> None:
    assert shown.get("/gallery/export?form=zip", sec_fetch_site="cross-site").status == 400


def test_a_broken_index_is_made_again(tmp_path: Path) -> None:
    make_crawl(tmp_path / "crawl", 5, files=2)
    place = tmp_path / "crawl/.bowerbird/gallery"
    place.mkdir(parents=True)
    (place / "index.db").write_bytes(b"no database " * 1_000)
    (place / "thumbnails.db").write_bytes(b"no database " * 1_000)
    with dashboard(tmp_path / "crawl") as pages:
        wait_for("all images", lambda: images(pages).get("images") == 5)


def test_addresses_can_be_given_to_download(shown: Pages) -> None:
    assert exported(shown, "form=urls&words=evil") == b"https://odd.example/evil.svg\n"


@pytest.mark.parametrize(
    "query",
    [
        "form=exe", "form=csv&ids=9-3", "form=csv&ids=x", "form=csv&ids=0-99999999",
        "form=csv&words=zzz",
    ],
)  # fmt: skip
def test_an_export_that_cannot_be_is_refused(shown: Pages, query: str) -> None:
    assert shown.get(f"/gallery/export?{query}").status == 400
