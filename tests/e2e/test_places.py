"""From each kind of place to a line of `export -f jsonl`: the record, its page, alt text and place.

One site with a page or file for each kind, crawled once.
"""

import base64
import gzip
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from tests.bird import bird
from tests.web import PNG, Answer, Answers, png, serve

XML, CSS = "application/xml", "text/css"
INLINE = png(900)
HOME = f"""<!doctype html><meta charset=utf-8><title>all</title>
<link rel=alternate type=application/rss+xml href=/feed.xml>
<link rel=stylesheet href=/style/a.css>
<body>
<img src=/r1 alt="a chain">
<img srcset="/gone.png 800w, /small.png 400w" alt="a spare">
<img srcset="/lost.png 800w, /small.png 400w" alt="the same spare">
<img src="data:image/png;base64,{base64.b64encode(INLINE).decode()}" alt="inline">
<noscript><img src=/plain.png alt="without scripts"></noscript>
<iframe src=/frame></iframe>
<a href="/article?from=home">article</a> <a href=/moved>moved</a> <a href=/cyrillic>ru</a>
<a href=/japanese>ja</a> <a href=/photo/5>a page?</a> <a href=/full.png>full size</a>
<a href=/shy>shy</a> <a href=/shy-by-header>shy</a> <img src=/shy.png alt="shy">
<img src=/for-others.png alt="for others">
"""
FEED = """<?xml version="1.0"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/">
<channel><item><link>/post</link><enclosure url="/enclosed.png" type="image/png" length="1"/>
<media:content url="/media.png" medium="image"/>
<description>&lt;img src="/in-feed.png" alt="in a feed"&gt;</description></item></channel></rss>"""
INDEX = """<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<sitemap><loc>{url}/maps/a.xml.gz</loc></sitemap></sitemapindex>"""
MAP = """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"><url><loc>{url}/only-mapped</loc>
<image:image><image:loc>{url}/mapped.png</image:loc><image:caption>on a map</image:caption>
</image:image></url></urlset>"""

SHY = "<meta name=robots content='NOIMAGEINDEX'><img src=/kept-back.png><a href=/beyond>"
CYRILLIC = "<meta charset=windows-1251><img src='/find?q=кот' alt='кот'>"


def _page(body: str) -> Answer:
    return Answer(f"<!doctype html><meta charset=utf-8>{body}".encode())


def _to(location: str, status: int) -> Answer:
    return Answer(status=status, headers={"Location": location})


def _site(url: str) -> Answers:
    """Everything but the images, which any path that ends in .png is."""
    shy = {"X-Robots-Tag": "noai, noimageindex"}
    return {
        "/": Answer(HOME.encode()),
        "/robots.txt": Answer(f"Sitemap: {url}/map.xml".encode(), "text/plain"),
        "/map.xml": Answer(INDEX.format(url=url).encode(), XML),
        "/maps/a.xml.gz": Answer(gzip.compress(MAP.format(url=url).encode()), "application/gzip"),
        "/sitemap.xml": Answer(f"{url}/only-in-text\n".encode(), "text/plain"),
        "/only-in-text": _page("<img src=text-map.png alt='by a list'>"),
        "/only-mapped": _page("<img src=/from-mapped.png alt='by a map'>"),
        "/r1": _to("/deep/r2", 301),
        "/deep/r2": _to("r3", 302),
        "/deep/r3": _to("../chain.png", 307),
        "/article?from=home": _page("<link rel=canonical href=/article><img src=/art.png alt=one>"),
        "/article": _page("<link rel=canonical href=/article><img src=/art.png alt=two>"),
        "/moved": _page("<meta http-equiv=refresh content='0; url=/new'>"),
        "/new": _page("<img src=/refreshed.png alt=new>"),
        "/frame": _page("<img src=/framed.png alt=framed>"),
        "/feed.xml": Answer(FEED.encode(), "application/rss+xml"),
        "/post": _page("<img src=/posted.png alt=post>"),
        "/style/a.css": Answer(b'@import "more/b.css"; p { color: red }', CSS),
        "/style/more/b.css": Answer(b"p { background: url(../bg.png) }", CSS),
        "/photo/5": Answer(png(5), PNG),
        "/shy": _page(SHY),
        "/shy-by-header": Answer(b"<img src=/kept-back-too.png>", headers=shy),
        "/beyond": _page("<img src=/beyond.png alt=beyond>"),
        "/shy.png": Answer(png(6), PNG, headers=shy),
        "/for-others.png": Answer(png(7), PNG, headers={"X-Robots-Tag": "otherbot: noimageindex"}),
        "/cyrillic": Answer(CYRILLIC.encode("cp1251"), "text/html"),
        "/japanese": Answer(
            "<img src='/日本.png' alt='日本'>".encode("shift_jis"), "text/html; charset=shift_jis"
        ),
        "/find?q=%EA%EE%F2": Answer(png(8), PNG),
    }  # fmt: skip


IMAGES = (
    "/chain.png", "/small.png", "/plain.png", "/full.png", "/text-map.png", "/mapped.png",
    "/from-mapped.png", "/art.png", "/refreshed.png", "/framed.png", "/enclosed.png", "/media.png",
    "/in-feed.png", "/posted.png", "/style/bg.png", "/kept-back.png", "/kept-back-too.png",
    "/beyond.png", "/%E6%97%A5%E6%9C%AC.png",
)  # fmt: skip


@dataclass(frozen=True)
class Crawled:
    """The lines of an export, the report, and how often each path was asked for."""

    lines: dict[str, dict[str, Any]]
    report: dict[str, Any]
    asked: Counter[str]

    def seen(self, path: str) -> list[tuple[str, str, str]]:
        """(page, alt, place) of the sightings of an image, by its final URL."""
        sightings = self.lines[path]["sightings"]
        return sorted((each["page"], each["alt"], each["place"]) for each in sightings)


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    out = tmp_path_factory.mktemp("places") / "out"
    with serve({path: Answer(png(n + 100), PNG) for n, path in enumerate(IMAGES)}) as web:
        web.answers.update(_site(web.url))
        ran = bird("crawl", web.url, "-o", out, "--json", "--per-host", 16, "--delay", 0)
        asked = web.counts()
    exported = bird("export", out, "-f", "jsonl").out.replace(web.url, "")
    lines = [json.loads(line) for line in exported.splitlines()]
    return Crawled({line["final_url"]: line for line in lines}, ran.report, asked)


def test_nothing_is_asked_for_twice(crawled: Crawled) -> None:
    assert [path for path, times in crawled.asked.items() if times > 1] == []


def test_a_chain_of_redirects_keeps_the_url_that_the_page_names(crawled: Crawled) -> None:
    assert crawled.lines["/chain.png"]["url"] == "/r1"
    assert crawled.seen("/chain.png") == [("/", "a chain", "img")]


def test_another_size_of_a_dead_image_is_stored_and_seen_where_that_was(crawled: Crawled) -> None:
    assert crawled.lines["/small.png"]["url"] in ("/gone.png", "/lost.png")
    assert crawled.seen("/small.png") == [
        ("/", "a spare", "srcset"), ("/", "the same spare", "srcset"),
    ]  # fmt: skip
    assert crawled.report["failures"] == {"http-404": 2}


def test_two_addresses_of_one_page_show_one_image(crawled: Crawled) -> None:
    seen = [("/article", "two", "img"), ("/article?from=home", "one", "img")]
    assert crawled.seen("/art.png") == seen


def test_a_page_that_sends_readers_on_is_followed(crawled: Crawled) -> None:
    assert crawled.seen("/refreshed.png") == [("/new", "new", "img")]


def test_a_frame_is_a_page_of_its_own(crawled: Crawled) -> None:
    assert crawled.seen("/framed.png") == [("/frame", "framed", "img")]


def test_a_feed_gives_enclosures_media_pictures_and_pages(crawled: Crawled) -> None:
    assert crawled.seen("/enclosed.png") == [("/feed.xml", "", "feed")]
    assert crawled.seen("/media.png") == [("/feed.xml", "", "feed")]
    assert crawled.seen("/in-feed.png") == [("/feed.xml", "in a feed", "img")]
    assert crawled.seen("/posted.png") == [("/post", "post", "img")]


def test_robots_txt_leads_over_an_index_to_a_zipped_map_with_images(crawled: Crawled) -> None:
    assert crawled.seen("/mapped.png") == [("/maps/a.xml.gz", "on a map", "sitemap")]
    assert crawled.seen("/from-mapped.png") == [("/only-mapped", "by a map", "img")]


def test_a_sitemap_that_nobody_names_may_be_a_list(crawled: Crawled) -> None:
    assert crawled.seen("/text-map.png") == [("/only-in-text", "by a list", "img")]


def test_an_imported_stylesheet_is_seen_on_the_page_that_is_styled(crawled: Crawled) -> None:
    assert crawled.seen("/style/bg.png") == [("/", "", "css")]


def test_an_image_inside_the_page_is_a_record_too(crawled: Crawled) -> None:
    url = f"data:image/png;sha256,{hashlib.sha256(INLINE).hexdigest()}"
    assert crawled.lines[url]["url"] == url
    assert crawled.seen(url) == [("/", "inline", "data")]


def test_what_stands_in_for_scripts_is_seen(crawled: Crawled) -> None:
    assert crawled.seen("/plain.png") == [("/", "without scripts", "noscript")]


def test_a_link_to_an_image_file_and_one_that_looks_like_a_page(crawled: Crawled) -> None:
    assert crawled.seen("/full.png") == [("/", "", "link")]
    assert crawled.seen("/photo/5") == [("/", "", "page")]


def test_an_image_that_asks_not_to_be_taken_is_not(crawled: Crawled) -> None:
    assert "/shy.png" not in crawled.lines
    assert crawled.report["left_out"] == {"x-robots-tag": 1}
    assert crawled.seen("/for-others.png") == [("/", "for others", "img")]


def test_images_of_a_page_that_asks_so_are_left_and_its_links_followed(crawled: Crawled) -> None:
    assert crawled.asked.keys().isdisjoint({"/kept-back.png", "/kept-back-too.png"})
    assert crawled.report["counters"]["pages-that-refuse-images"] == 2
    assert crawled.seen("/beyond.png") == [("/beyond", "beyond", "img")]


def test_letters_of_other_encodings_come_out_right(crawled: Crawled) -> None:
    assert crawled.seen("/%E6%97%A5%E6%9C%AC.png") == [("/japanese", "日本", "img")]
    assert crawled.seen("/find?q=%EA%EE%F2") == [("/cyrillic", "кот", "img")]
