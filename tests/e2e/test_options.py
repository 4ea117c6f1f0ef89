"""Options of `crawl` that choose, seen from outside: what is asked for, how, and what is kept."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bowerbird.model import Record
from tests.bird import bird, records_of
from tests.web import PNG, Answer, Request, png, serve

JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////"
    "////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>'


@dataclass(frozen=True)
class Crawled:
    """What a crawl has stored, by path, what it said, and what the server was asked."""

    records: dict[str, Record]
    report: dict[str, Any]
    requests: list[Request]

    def asked(self) -> set[str]:
        return {request.path for request in self.requests}


def crawl(out: Path, answers: dict[str, Answer], *options: object, start: str = "/") -> Crawled:
    with serve(dict(answers)) as web:
        ran = bird("crawl", web.url + start, "-o", out, "--json", "--workers", 1, *options)
    assert ran.status == 0, ran.err
    records = {record.final_url.removeprefix(web.url): record for record in records_of(out)}
    return Crawled(records, ran.report, web.requests)


def proxied(out: Path, answers: dict[str, Answer], start: str, *options: object) -> Crawled:
    """A crawl by way of a proxy, which answers for every host: it is asked for whole URLs."""
    with serve(dict(answers)) as web:
        proxy = web.url.replace("://", "://me:hush@")
        ran = bird(
            "crawl", start, "-o", out, "--json", "--workers", 1, "--proxy", proxy, *options
        )  # fmt: skip
    assert ran.status == 0, ran.err
    return Crawled(
        {record.final_url: record for record in records_of(out)}, ran.report, web.requests
    )


def page(body: str) -> Answer:
    return Answer(b"<!doctype html>" + body.encode())


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    """One crawl with every option that says what to keep."""
    whole = png(1, 40, 40)
    answers = {
        "/": page(
            "<img src=/tiny.png><img src=/big.png><img src=/torn.png><img src=/photo.jpg>"
            "<img src=/drawing.svg><img srcset='/one.png 1x, /two.png 2x'><img src=/ad/banner.png>"
            "<a href=/private/>x</a><a href=/ad/page>y</a>"
        ),
        "/private/": page("<img src=/behind.png>"),
        "/ad/page": page("<img src=/on-ad-page.png>"),
        "/tiny.png": Answer(png(2, 3, 9), PNG),
        "/big.png": Answer(png(3) + bytes(5_000), PNG),
        "/torn.png": Answer(whole[:-6], PNG),
        "/photo.jpg": Answer(JPEG, "image/jpeg"),
        "/drawing.svg": Answer(SVG, "image/svg+xml"),
        **{
            path: Answer(png(n + 10), PNG)
            for n, path in enumerate(
                ["/one.png", "/two.png", "/ad/banner.png", "/behind.png", "/on-ad-page.png"]
            )
        },
    }
    return crawl(
        tmp_path_factory.mktemp("chosen") / "out", answers, "--types", "png,svg",
        "--min-size", "4x4", "--max-bytes", 4_000, "--keep-damaged", "--srcset", "all",
        "--exclude", "page:*/private/*", "--exclude", "image:*/ad/*",
    )  # fmt: skip


def test_types_keeps_what_it_names_and_nothing_else(chosen: Crawled) -> None:
    assert chosen.records["/drawing.svg"].type == "svg"
    assert "/photo.jpg" not in chosen.records
    assert chosen.report["left_out"]["type-not-wanted"] == 1


def test_min_size_leaves_out_what_is_smaller_one_way(chosen: Crawled) -> None:
    assert "/tiny.png" not in chosen.records
    assert chosen.report["left_out"]["too-small"] == 1


def test_max_bytes_is_a_failure_with_its_reason(chosen: Crawled) -> None:
    assert "/big.png" not in chosen.records
    assert chosen.report["failures"] == {"too-large": 1}


def test_keep_damaged_keeps_what_lacks_its_end_and_says_so(chosen: Crawled) -> None:
    assert chosen.records["/torn.png"].damaged
    assert not chosen.records["/one.png"].damaged


def test_srcset_all_takes_every_size(chosen: Crawled) -> None:
    assert {"/one.png", "/two.png"} <= chosen.records.keys()


def test_exclude_binds_pages_or_images_as_it_says(chosen: Crawled) -> None:
    assert chosen.asked().isdisjoint({"/private/", "/behind.png", "/ad/banner.png"})
    assert "/on-ad-page.png" in chosen.records


def test_include_binds_all_but_start_pages(tmp_path: Path) -> None:
    answers = {
        "/": page("<a href=/shop/>x</a><a href=/blog/>y</a><img src=/logo.png>"),
        "/shop/": page("<img src=/shop/a.png>"),
        "/blog/": page("<img src=/blog/b.png>"),
        "/shop/a.png": Answer(png(1), PNG),
    }
    assert crawl(tmp_path / "out", answers, "--include", "*/shop/*").asked() == {
        "/", "/robots.txt", "/sitemap.xml", "/shop/", "/shop/a.png",
    }  # fmt: skip


def test_cookies_and_the_name_we_go_by_are_sent_and_robots_txt_knows_that_name(
    tmp_path: Path,
) -> None:
    jar = tmp_path / "cookies.txt"
    jar.write_text(
        "# Netscape HTTP Cookie File\n"
        "127.0.0.1\tFALSE\t/in/\tFALSE\t0\tsession\tabc\n"
        "other.example\tFALSE\t/\tFALSE\t0\tother\tno\n"
    )
    answers = {
        "/robots.txt": Answer(b"User-agent: magpie\nDisallow: /no\n", "text/plain"),
        "/in/": page("<img src=/in/a.png><img src=/b.png><img src=/no/c.png>"),
        "/in/a.png": Answer(png(1), PNG),
        "/b.png": Answer(png(2), PNG),
    }
    options = ("--cookies", jar, "--user-agent", "Magpie/2.0 (+http://example.org/magpie)")
    crawled = crawl(tmp_path / "out", answers, *options, start="/in/")

    sent = {request.path: request.headers.get("Cookie") for request in crawled.requests}
    assert (sent["/in/"], sent["/in/a.png"], sent["/b.png"]) == ("session=abc", "session=abc", None)
    assert {request.headers["User-Agent"] for request in crawled.requests} == {options[-1]}
    assert crawled.report["left_out"] == {"robots": 1}


def test_a_changed_header_is_told_by_its_name_and_what_is_not_given_again_stays(
    tmp_path: Path,
) -> None:
    jar, out = tmp_path / "cookies.txt", tmp_path / "out"
    jar.write_text("127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\tabc\n")
    answers = {"/": page("<a href=/next>x</a>"), "/next": page("<img src=/a.png>")}
    with serve(answers) as web:
        start = ("crawl", f"{web.url}/", "-o", out, "--workers", 1)
        bird(*start, "--header", "X-Key: one", "--cookies", jar, "--max-pages", 1)
        again = bird(*start, "--header", "X-Key: two", "--max-pages", 0)
        same = bird(*start, "--header", "X-Key: two")
        sent = [one for one in web.requests if one.path == "/next"]

    assert [(one.headers["X-Key"], one.headers["Cookie"]) for one in sent] == [
        ("two", "session=abc")
    ]
    assert "changed: --header\n" in again.err
    assert "two" not in again.err
    assert "changed:" not in same.err


def test_scope_prefix_stays_in_the_folder_of_the_start(tmp_path: Path) -> None:
    answers = {
        "/a/b/": page("<a href=/a/b/c/>in</a><a href=/a/>out</a><img src=/img/shared.png>"),
        "/a/b/c/": page("<img src=/a/b/c/x.png>"),
        "/a/": page("<img src=/outside.png>"),
        "/img/shared.png": Answer(png(1), PNG),
        "/a/b/c/x.png": Answer(png(2), PNG),
    }
    crawled = crawl(tmp_path / "out", answers, "--scope", "prefix", start="/a/b/")

    assert crawled.records.keys() == {"/img/shared.png", "/a/b/c/x.png"}
    assert "/a/" not in crawled.asked()


HOSTS = {
    "http://www.example.co.uk/": page(
        "<a href=http://shop.example.co.uk/>same domain</a><a href=http://other.co.uk/>other</a>"
        "<img src=http://cdn.test/a.png>"
    ),
    "http://shop.example.co.uk/": page("<img src=/s.png>"),
    "http://other.co.uk/": page("<img src=/o.png>"),
    "http://cdn.test/a.png": Answer(png(1), PNG),
    "http://shop.example.co.uk/s.png": Answer(png(2), PNG),
    "http://other.co.uk/o.png": Answer(png(3), PNG),
}


def test_scope_domain_knows_public_suffixes_and_all_goes_by_the_proxy(tmp_path: Path) -> None:
    out = tmp_path / "out"
    crawled = proxied(out, HOSTS, "http://www.example.co.uk/", "--scope", "domain")

    assert crawled.records.keys() == {"http://cdn.test/a.png", "http://shop.example.co.uk/s.png"}
    assert "http://cdn.test/robots.txt" in crawled.asked()
    assert {request.headers["Proxy-Authorization"] for request in crawled.requests} == {
        "Basic " + base64.b64encode(b"me:hush").decode()
    }
    assert "hush" not in (out / ".bowerbird/job.json").read_text()


def test_scope_any_follows_pages_anywhere(tmp_path: Path) -> None:
    crawled = proxied(tmp_path / "out", HOSTS, "http://www.example.co.uk/", "--scope", "any")

    assert "http://other.co.uk/o.png" in crawled.records


def test_the_login_of_a_start_url_opens_the_site_and_stands_nowhere_to_be_read(tmp_path):
    web = {"/": page("<img src=/a.png>"), "/a.png": Answer(png(1), PNG)}
    with serve(dict(web)) as server:
        start = server.url.replace("://", "://me:h%40sh@")
        ran = bird("crawl", start, "-o", tmp_path / "out", "--json", "--workers", 1)
    assert ran.status == 0, ran.err

    token = "Basic " + base64.b64encode(b"me:h@sh").decode()
    assert {request.path for request in server.requests} >= {"/", "/a.png", "/robots.txt"}
    assert {request.headers["Authorization"] for request in server.requests} == {token}
    assert [one.url for one in records_of(tmp_path / "out")] == [f"{server.url}/a.png"]
    assert "sh@" not in ran.out + ran.err
    readable = [one for one in (tmp_path / "out").rglob("*") if one.is_file()]
    holding = [one.name for one in readable if b"me:h" in one.read_bytes()]
    assert holding == []
