"""`bowerbird crawl` from outside: what is stored, asked for, said."""

from pathlib import Path

import pytest

from bowerbird.demo import open_gallery
from tests.bird import bird, records_of
from tests.web import HTML, PNG, Answer, images_of, png, serve, tree


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_every_image_is_stored_once_and_no_url_is_asked_for_twice(out):
    answers = tree(pages=40, images=4)
    with serve(answers) as web:
        ran = bird("crawl", f"{web.url}/p0", "-o", out, "--json", "--per-host", 16)

    records = records_of(out)
    assert ran.status == 0
    assert images_of(answers) == {record.url.removeprefix(web.url) for record in records}
    assert len(records) == len(images_of(answers))
    assert {path: n for path, n in web.counts().items() if n > 1} == {}
    assert ran.report["pages"] == 40


def test_the_gallery_of_the_demo_is_found_whole(out, tmp_path):
    with open_gallery(tmp_path / "site") as gallery:
        ran = bird("crawl", gallery.url, "-o", out, "--json")

    stored = {path.stem for path in (out / "images").rglob("*") if path.is_file()}
    urls = {record.final_url.removeprefix(gallery.url.rstrip("/")) for record in records_of(out)}
    assert stored == gallery.expected.files
    assert set(gallery.expected.images) <= urls
    assert ran.report["failures"] == {"http-404": 1, "truncated": 1}


def test_a_crawl_again_on_a_finished_folder_says_so_and_asks_for_nothing(out):
    with serve(tree(pages=5, images=1)) as web:
        bird("crawl", f"{web.url}/p0", "-o", out)
        before = len(web.requests)
        ran = bird("crawl", f"{web.url}/p0", "-o", out)

    assert ran.status == 0
    assert len(web.requests) == before
    assert "nothing new" in ran.out.lower()
    assert "bowerbird retry" in ran.out


def test_robots_txt_that_forbids_everything_is_said_with_the_option(out):
    robots = Answer(b"User-agent: *\nDisallow: /", "text/plain")
    with serve({**tree(3, 1), "/robots.txt": robots}) as web:
        ran = bird("crawl", f"{web.url}/p0", "-o", out)
        paths = set(web.counts())

    assert paths == {"/robots.txt"}
    assert ran.status == 1
    assert "--ignore-robots" in ran.out + ran.err


def test_robots_txt_is_ignored_when_that_is_asked_for(out):
    robots = Answer(b"User-agent: *\nDisallow: /", "text/plain")
    with serve({**tree(3, 1), "/robots.txt": robots}) as web:
        bird("crawl", f"{web.url}/p0", "-o", out, "--ignore-robots")

    assert len(records_of(out)) == 4
    assert "/robots.txt" not in web.counts()


def test_a_start_url_that_is_an_image_is_stored(out):
    with serve({"/a.png": Answer(png(1), PNG)}) as web:
        ran = bird("crawl", f"{web.url}/a.png", "-o", out)

    assert ran.status == 0
    assert [record.type for record in records_of(out)] == ["png"]


def test_a_start_url_that_redirects_to_another_host_is_followed_there_and_said(out):
    with serve({**tree(3, 1)}, host="127.0.0.2") as target:
        away = Answer(status=302, headers={"Location": f"{target.url}/p0"})
        with serve({"/": away}) as web:
            ran = bird("crawl", web.url, "-o", out, "--allow-private")

    assert len(records_of(out)) == 4
    assert target.url in ran.out + ran.err


def test_nothing_but_404_is_exit_status_1(out):
    with serve({}) as web:
        ran = bird("crawl", f"{web.url}/gone", "-o", out)

    assert ran.status == 1
    assert "http-404" in ran.out


def test_max_depth_0_is_the_start_page_alone(out):
    with serve(tree(pages=9, images=2)) as web:
        bird("crawl", f"{web.url}/p0", "-o", out, "--max-depth", 0)

    assert len(records_of(out)) == 3


def test_max_images_is_exact(out):
    with serve(tree(pages=30, images=5)) as web:
        ran = bird("crawl", f"{web.url}/p0", "-o", out, "--max-images", 10, "--json")

    assert len(records_of(out)) == 10
    assert ran.report["skipped"] > 0


def test_max_pages_is_exact(out):
    with serve(tree(pages=30, images=1)) as web:
        ran = bird("crawl", f"{web.url}/p0", "-o", out, "--max-pages", 7, "--json")

    assert ran.report["pages"] == 7
    assert sum(path.startswith("/p") for path in web.counts()) == 7


def test_a_page_that_scripts_draw_is_no_silent_nothing(out):
    page = Answer(b"<script src=/app.js></script><div id=root></div>", HTML)
    with serve({"/": page}) as web:
        ran = bird("crawl", web.url, "-o", out)

    assert "scripts" in ran.out


def test_an_image_link_that_yields_a_page_is_read_as_one(out):
    page = b"<a href='/photo.jpg'>see</a>"
    inner = b"<title>viewer</title><img src=/real.png>"
    answers = {"/": Answer(page), "/photo.jpg": Answer(inner), "/real.png": Answer(png(1), PNG)}
    with serve(answers) as web:
        bird("crawl", web.url, "-o", out)

    assert [record.url for record in records_of(out)] == [f"{web.url}/real.png"]


def test_headers_reach_the_hosts_of_a_list_and_not_where_they_lead(out):
    with serve({"/i.png": Answer(png(1), PNG)}, host="127.0.0.2") as cdn:
        moved = Answer(status=302, headers={"Location": f"{cdn.url}/i.png"})
        with serve({"/moved": moved, "/j.png": Answer(png(2), PNG)}) as web:
            urls = f"{web.url}/moved\n{web.url}/j.png\n"
            options = ("-o", out, "--allow-private", "--header", "X-Secret: hush-9")
            bird("download", "-", *options, stdin=urls)

    assert len(records_of(out)) == 2
    assert [request.headers.get("X-Secret") for request in web.requests] == ["hush-9"] * 2
    assert not any("X-Secret" in request.headers for request in cdn.requests)
    assert (out / "report.json").stat().st_mode & 0o044  # as crawl.db and the images


def test_headers_reach_start_hosts_only(out):
    with serve({"/i.png": Answer(png(1), PNG)}, host="127.0.0.2") as cdn:
        page = Answer(f"<img src={cdn.url}/i.png><img src=/j.png>".encode())
        with serve({"/": page, "/j.png": Answer(png(2), PNG)}) as web:
            bird("crawl", web.url, "-o", out, "--allow-private", "--header", "X-Secret: hush-9")

    assert len(records_of(out)) == 2
    assert all(request.headers.get("X-Secret") == "hush-9" for request in web.requests)
    assert not any("X-Secret" in request.headers for request in cdn.requests)
    assert "hush-9" not in (out / ".bowerbird/job.json").read_text()
    assert (out / ".bowerbird/secrets.json").stat().st_mode & 0o077 == 0


def test_private_addresses_are_refused_to_all_but_the_origins_named(out):
    with serve({"/i.png": Answer(png(1), PNG)}) as inner:
        page = Answer(f"<img src={inner.url}/i.png>".encode())
        with serve({"/": page}) as web:
            ran = bird("crawl", web.url, "-o", out, "--json")

    assert inner.requests == []
    assert ran.report["left_out"] == {"private-address": 1}
