"""Readers of documents: HTML, CSS, sitemaps, feeds, robots.txt, JSON-LD and their parts."""

import math

from bowerbird.backoff import hold_in_s
from bowerbird.extract import (
    Extracted,
    extract_css,
    extract_feed,
    extract_html,
    extract_sitemap,
    form_of,
    robots_sitemaps,
)
from bowerbird.extract.base import MAX_LINKS, Form
from bowerbird.extract.charset import decode_css, html_as_utf8
from bowerbird.extract.dataurl import parse_data_url
from bowerbird.extract.jsonld import images_of
from bowerbird.extract.srcset import MAX_CANDIDATES, parse_srcset
from bowerbird.extract.unpack import MAX_RATIO, unpacked
from bowerbird.fetch.headers import Headers
from bowerbird.frontier.robots_rules import Rules
from bowerbird.settings import Srcset
from bowerbird.signatures import HEAD, is_html, plain, root_element, true_type
from bowerbird.urls import canonical
from tests.fuzz.target import Target, split, text_of

URL = "http://site.test/a/page.html?q=1"


def check_found(found: Extracted) -> None:
    """What holds of all that is extracted: canonical URLs, no repeats, bounds."""
    images = [image.url for image in found.images]
    for urls in (images, found.pages, found.stylesheets, found.sitemaps, found.feeds):
        assert len(urls) <= MAX_LINKS
        assert len(set(urls)) == len(urls)
        for url in urls:
            assert canonical(url) == url
    for image in found.images:
        for url in image.alternates:
            assert canonical(url) == url
        image.alt.encode()  # goes to the wire and to SQLite
    assert all(image.body for image in found.data)
    found.title.encode()


def check_html(data: bytes) -> None:
    content_type, body = split(data, 2)
    for srcset in Srcset:
        check_found(
            extract_html(body, URL, content_type=content_type.decode("latin-1"), srcset=srcset)
        )


def check_css(data: bytes) -> None:
    content_type, fallback, body = split(data, 3)
    header, document = content_type.decode("latin-1"), fallback.decode("latin-1")
    check_found(extract_css(body, URL, content_type=header, fallback_charset=document))


def check_sitemap(data: bytes) -> None:
    check_found(extract_sitemap(data, URL))
    assert len(unpacked(data)) <= max(1 << 20, len(data) * MAX_RATIO**2)


def check_feed(data: bytes) -> None:
    check_found(extract_feed(data, URL))


def check_srcset(data: bytes) -> None:
    found = parse_srcset(text_of(data))
    assert len(found) <= MAX_CANDIDATES
    for candidate in found:
        assert candidate.url.strip(" \t\n\f\r,")
        assert not set(" \t\n\f\r") & set(candidate.url)
        assert candidate.width >= 0
        assert candidate.density >= 0


def check_jsonld(data: bytes) -> None:
    for image in images_of(text_of(data)):
        assert isinstance(image, str)
        canonical(image, URL)


def check_robots(data: bytes) -> None:
    path, body = split(data, 2)
    text = body.decode("utf-8", "replace")
    rules = Rules(text, "Bowerbird/1.0")
    assert 0 <= rules.delay_s < math.inf
    assert len(rules._parsed._user_agents) <= 3  # each costs as much as all rules
    for link in ("/", text_of(path)):
        url = canonical(link, URL)
        if url:
            assert isinstance(rules.allows(url), bool)
    assert rules.allows("http://site.test/robots.txt")
    for url in robots_sitemaps(text, URL):
        assert canonical(url) == url


def check_charset(data: bytes) -> None:
    content_type, body = split(data, 2)
    header = content_type.decode("latin-1")
    text, charset = html_as_utf8(body, header)
    assert isinstance(text, bytes)
    assert charset == charset.lower()
    assert html_as_utf8(text, "text/html; charset=utf-8")[0] in (text, text[3:], text[2:])
    decode_css(body, header)[0].encode("utf-8", "surrogatepass")


def check_data_url(data: bytes) -> None:
    assert len(parse_data_url("data:image/" + data.decode("latin-1"))) <= 2 * len(data)
    parse_data_url(text_of(data))


def check_headers(data: bytes) -> None:
    headers = Headers(data)
    assert len(headers) == len(headers.items())
    for name in ("location", "retry-after", "content-type", "x-robots-tag"):
        value = headers.get(name)
        assert "\n" not in value
        assert 0 <= hold_in_s(value, 1, 1_700_000_000.0) <= 24 * 3_600


def check_sniffing(data: bytes) -> None:
    """Nothing depends on what lies beyond the head; a body has one form only."""
    head = data[:HEAD]
    more = data + b"\0<html><svg>GIF89a"
    assert true_type(head) == true_type(data)
    if len(data) >= HEAD:
        assert true_type(head) == true_type(more)
        assert is_html(head) == is_html(more)
        assert root_element(head) == root_element(more)
    assert len(plain(data)) <= 2 * HEAD
    form = form_of(data, "text/html", URL)
    assert form is Form.IMAGE or not true_type(head) or data[:2] == b"\x1f\x8b"


_PAGE = (
    b"text/html; charset=gbk\0<!doctype html><meta charset=shift_jis><base href=/b/>"
    b"<title>t</title><img src=a.jpg srcset='b.jpg 2x, c.jpg 300w' alt=x data-src=d.png>"
    b"<picture><source srcset='e.avif 1x' type=image/avif><img src=f.jpg></picture>"
    b"<a href='next?p=2'>n</a><style>p{background:url(g.png)}</style><link rel=icon href=h.ico>"
    b"<div style=\"background-image:url('i.png')\"></div><svg><image href=j.png /></svg>"
    b"<noscript><img src=k.png></noscript><iframe srcdoc='&lt;img src=l.png&gt;'></iframe>"
    b"<meta property=og:image content=m.jpg><template><img src=n.jpg></template>"
    b'<script type="application/ld+json">{"image": "o.jpg"}</script>'
    b"<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='><video poster=p.jpg></video>"
    b"<form action=q><object data=r.png></object><embed src=s.svg><input type=image src=t.png>"
)
_CSS = (
    b"text/css\0latin1\0@charset \"utf-8\";@import url('x.css') screen;@font-face{src:url(f)}"
    b"p{background:url(a.png),image-set('b.png' 1x,url(c.png) 2x)}/* url(no) */q{content:'url(no)'}"
    b"\\75rl(d.png)"
)
_SITEMAP = (
    b'<?xml version="1.0" encoding="UTF-8"?><urlset xmlns:image="i"><url><loc>http://a.test/x'
    b"</loc><image:image><image:loc>http://a.test/i.jpg</image:loc><image:caption>c"
    b"</image:caption></image:image><xhtml:link rel='alternate' href='/de'/></url></urlset>"
)
_INDEX = b"<sitemapindex><sitemap><loc>/s.xml</loc></sitemap></sitemapindex>"
_FEED = (
    b"<rss version='2.0'><channel><image><url>/l.png</url></image><item><link>/a</link><guid>"
    b"http://a.test/g</guid><enclosure url='e.jpg' type='image/jpeg'/><media:thumbnail url='t.jpg'"
    b"/><description>&lt;img src=d.png&gt;</description></item></channel></rss>"
)
_ATOM = (
    b"<feed xml:base='/b/'><entry><link href='x'/><link rel='enclosure' href='y.png'/><content "
    b"type='xhtml'><img src='z.png'/></content></entry><link rel='next' href='?2'/></feed>"
)
_ROBOTS = (
    b"/x/y?z\0User-agent: *\nDisallow: /a*b$\nAllow: /a/%C3%A4 # c\nCrawl-delay: 2.5\n\n"
    b"User-agent: bowerbird\r\nUser-agent: x\rDisallow: /\nSitemap: http://a.test/s.xml\n"
    b"Request-rate: 1/2 1300-1400"
)
_JSONLD = (
    b'{"@context":"x","@graph":[{"@type":"ImageObject","url":"a.jpg","contentUrl":["b.jpg"]},'
    b'{"image":{"@id":"c.png#x","thumbnail":"d"}},],}'
)

TARGETS = (
    Target(name="html", check=check_html, seeds=lambda: [_PAGE], words=(
        b"<img src=", b"srcset=", b"<base href=", b"<template>", b"<svg>", b"<style>", b"<meta ",
        b"charset=", b"<noscript>", b"srcdoc=", b"&lt;", b"data:image/png;base64,", b"style=",
        b"<!--", b"-->", b"<script type=application/ld+json>", b"<plaintext>", b"utf-16",
    )),
    Target(name="css", check=check_css, seeds=lambda: [_CSS], words=(
        b"url(", b"@import", b"image-set(", b"/*", b"*/", b"\\", b"@font-face{", b"@charset \"",
    )),
    Target(name="srcset", check=check_srcset, seeds=lambda: [b"a.jpg 1x, b.jpg 2.5x,c 300w 20h, (d",
        b"a,b 1e9x, c 1x 2w, data:image/gif;base64,xx== 3x"]),
    Target(name="sitemap", check=check_sitemap, seeds=lambda: [_SITEMAP, _INDEX,
        b"http://a.test/1\nhttp://a.test/2.jpg"], words=(b"<loc>", b"</loc>", b"<!DOCTYPE x [",
        b"<!ENTITY x 'y'>", b"<url>", b"<image:loc>", b"<![CDATA[", b"]]>", b"&x;", b"encoding=")),
    Target(name="feed", check=check_feed, seeds=lambda: [_FEED, _ATOM], words=(
        b"<item>", b"<link>", b"<image>", b"<url>", b"<content ", b"<![CDATA[", b"xml:base=")),
    Target(name="robots", check=check_robots, seeds=lambda: [_ROBOTS], words=(
        b"User-agent:", b"Disallow:", b"Allow:", b"Crawl-delay:", b"Sitemap:", b"*", b"$", b"%2F",
        b"Visit-time:", b"Request-rate:", b"bowerbird", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\x1c")),
    Target(name="jsonld", check=check_jsonld, seeds=lambda: [_JSONLD], words=(
        b'"image":', b'"@type":"ImageObject"', b"//<![CDATA[", b"<!--", b"\\u", b"[[[[", b"1e999")),
    Target(name="charset", check=check_charset, seeds=lambda: [
        b"text/html; charset=big5\0<meta charset=iso-2022-jp>x", b"\0<?xml encoding='utf-16'?>",
        b"\0<meta http-equiv=content-type content='text/html;charset=x-user-defined'>\xe4",
        b"\0\xff\xfea\0"], words=(b"charset=", b"<meta ", b"hz-gb-2312", b"euc-kr", b"utf-7")),
    Target(name="data-url", check=check_data_url, seeds=lambda: [
        b"gif;base64,R0lG ODlh%41=", b"svg+xml,%3Csvg/%3E", b"data:image/png;x;base64,iVBO"]),
    Target(name="headers", check=check_headers, seeds=lambda: [
        b"Location: /x\r\nRetry-After: 120\r\nX-Robots-Tag: a, b: c\r\nContent-Type: image/png\r\n",
        b"retry-after: Fri, 31 Dec 1999 23:59:59 GMT\nRetry-After:-1\n"], words=(
        b"Retry-After: ", b" GMT", b"Mon, ", b" Feb ", b"+9999", b"9999999999")),
    Target(name="sniffing", check=check_sniffing, seeds=lambda: [
        b"<!-- c --><?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a 'b'>]><svg xmlns='x'/>",
        b"<!doctype html><p>", b"\xff\xfe<\0s\0v\0g\0", b"RIFF\x10\0\0\0WEBPVP8L",
        b"\0\0\1\0\1\0\0\0",
        b"\0\0\0\x1cftypmif1\0\0\0\0avifmif1miaf", b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"],
        words=(b"<svg", b"<!--", b"-->", b"<!DOCTYPE ", b"<?", b"?>", b"<html", b"ftyp", b"avif"),
        most=9_000),
)  # fmt: skip
