"""Sitemaps, feeds, forms and robots.txt: what real and hostile servers send."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bowerbird.extract.base import Form
from bowerbird.extract.feed import extract_feed
from bowerbird.extract.forms import form_of
from bowerbird.extract.robots_txt import robots_sitemaps
from bowerbird.extract.sitemap import MAX_URLS, extract_sitemap
from bowerbird.extract.unpack import inflate, unpacked
from bowerbird.extract.xmlstream import MAX_DEPTH
from bowerbird.model import Place

URL = "https://example.org/sitemap.xml"
NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
SET = f"<?xml version='1.0' encoding='UTF-8'?><urlset {NS}>%s</urlset>"


def pages_of(text: str) -> list[str]:
    return extract_sitemap(text.encode(), URL).pages


# Sitemaps.


def test_pages_of_a_set_in_order_and_once() -> None:
    text = SET % (
        "<url><loc>https://example.org/b</loc></url>"
        "<url><loc> https://example.org/a?x=1&amp;y=2#part\n</loc></url>"
        "<url><loc>https://example.org/b</loc></url>"
    )

    assert pages_of(text) == ["https://example.org/b", "https://example.org/a?x=1&y=2"]


def test_sitemaps_of_lines_in_utf_16_and_behind_a_byte_order_mark_are_read() -> None:
    text = "https://example.org/ä\r\n\r\nnothing\rhttps://example.org/b"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        found = extract_sitemap(text.encode(encoding), URL)
        assert found.pages == ["https://example.org/%C3%A4", "https://example.org/b"]


def test_index_gives_sitemaps_and_no_pages() -> None:
    text = f"<sitemapindex {NS}><sitemap><loc>/one.xml.gz</loc></sitemap></sitemapindex>"

    found = extract_sitemap(text.encode(), URL)

    assert found.sitemaps == ["https://example.org/one.xml.gz"]
    assert found.pages == []


def test_image_extension_with_caption_or_title_as_alt() -> None:
    text = SET % (
        "<url><loc>https://example.org/p</loc>"
        "<image:image><image:loc>https://cdn.example/1.jpg</image:loc>"
        "<image:title>A\n title</image:title><image:caption>A caption</image:caption></image:image>"
        "<image:image><image:title>Title</image:title><image:loc>/2.jpg</image:loc></image:image>"
        "</url>"
    )

    found = extract_sitemap(text.encode(), URL)

    assert found.pages == ["https://example.org/p"]
    assert [(image.url, image.alt, image.place) for image in found.images] == [
        ("https://cdn.example/1.jpg", "A caption", Place.SITEMAP),
        ("https://example.org/2.jpg", "Title", Place.SITEMAP),
    ]


def test_page_after_its_images_is_still_a_page() -> None:
    text = SET % (
        "<url><image:image><image:loc>/1.jpg</image:loc></image:image><loc>/after</loc></url>"
    )

    assert pages_of(text) == ["https://example.org/after"]


def test_image_files_listed_as_pages_are_images() -> None:
    found = extract_sitemap((SET % "<url><loc>/a/photo.JPG?v=2</loc></url>").encode(), URL)

    assert [image.url for image in found.images] == ["https://example.org/a/photo.JPG?v=2"]
    assert found.pages == []


def test_hreflang_alternates_and_video_thumbnails() -> None:
    text = SET % (
        "<url><loc>/en</loc><xhtml:link rel='alternate' hreflang='de' href='/de'/>"
        "<video:video><video:thumbnail_loc>/v.jpg</video:thumbnail_loc></video:video></url>"
    )

    found = extract_sitemap(text.encode(), URL)

    assert found.pages == ["https://example.org/en", "https://example.org/de"]
    assert [image.url for image in found.images] == ["https://example.org/v.jpg"]


@pytest.mark.parametrize(
    "text",
    [
        "<urlset><url><loc>/a</loc></url></urlset>",
        "<urlset xmlns='http://wrong.example/'><url><loc>/a</loc></url></urlset>",
        "<sm:urlset xmlns:sm='x'><sm:url><sm:loc>/a</sm:loc></sm:url></sm:urlset>",
        "<sm:urlset><sm:url><sm:loc>/a</sm:loc></sm:url></sm:urlset>",
        "\ufeff \n<?xml version='1.0'?><urlset><url><loc>/a</loc></url></urlset>",
        "Warning: something<?xml version='1.0'?><urlset><url><loc>/a</loc></url></urlset>",
        "<urlset><url><loc><![CDATA[/a]]></loc></url></urlset>",
        "<urlset><url><loc>/a</loc></url><url><loc>",
        "<urlset><url><loc>/a</loc></url></wrong>",
        "<!DOCTYPE urlset SYSTEM 'x.dtd'><urlset><url><loc>/a</loc></url></urlset>",
        "<urlset>\x00<url><loc>/a</loc></url></urlset>",
        "<?xml version='1.0' encoding='x-unknown'?><urlset><url><loc>/a</loc></url></urlset>",
    ],
)
def test_namespaces_and_faults_of_real_sitemaps_cost_no_page(text: str) -> None:
    assert pages_of(text) == ["https://example.org/a"]


def test_bare_ampersands_do_not_end_the_reading() -> None:
    text = SET % "<url><loc>/a?b=1&c=2</loc></url><url><loc>/d?e&amp;f</loc></url>"

    assert pages_of(text) == ["https://example.org/a?b=1&c=2", "https://example.org/d?e&f"]


@pytest.mark.parametrize("charset", ["utf-16", "windows-1251", "shift_jis", "iso-8859-1"])
def test_declared_encodings_are_read(charset: str) -> None:
    word = "é" if charset == "iso-8859-1" else "я"
    text = (
        f"<?xml version='1.0' encoding='{charset}'?><urlset><url><loc>/{word}</loc></url></urlset>"
    )

    found = extract_sitemap(text.encode(charset), URL)

    assert len(found.pages) == 1
    assert found.pages[0].endswith({"é": "%C3%A9", "я": "%D1%8F"}[word])


@pytest.mark.parametrize(
    "declaration",
    [
        "<!ENTITY a 'b'>",
        "<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;",
        "<!ENTITY a SYSTEM 'http://127.0.0.1/'>",
        "<!ATTLIST url x CDATA 'y'>",
    ],
)
def test_declarations_in_a_doctype_end_the_reading_at_once(declaration: str) -> None:
    text = f"<!DOCTYPE urlset [{declaration}]><urlset><url><loc>/&a;</loc></url></urlset>"

    assert pages_of(text) == []


def test_a_billion_laughs_are_not_told() -> None:
    lines = [f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10)]
    doctype = f"<!DOCTYPE u [<!ENTITY l0 'ha'>{''.join(lines)}]>"
    text = doctype + "<urlset><url><loc>&l9;</loc></url></urlset>"

    assert pages_of(text) == []


def test_nesting_beyond_reason_ends_the_reading() -> None:
    text = "<urlset><url><loc>/a</loc></url>" + "<x>" * (MAX_DEPTH + 5) + "<loc>/b</loc>"

    assert pages_of(text) == ["https://example.org/a"]


def test_no_more_pages_than_the_protocol_allows() -> None:
    text = SET % "".join(f"<url><loc>/{n}</loc></url>" for n in range(MAX_URLS + 9))

    assert len(pages_of(text)) == MAX_URLS


def test_text_sitemap_with_bad_lines() -> None:
    body = "\ufeffhttps://example.org/a\r\n\r\nnot a URL\nhttps://example.org/b\n".encode()

    assert extract_sitemap(body, URL).pages == ["https://example.org/a", "https://example.org/b"]


def test_gzip_sitemap_also_when_cut_or_packed_twice() -> None:
    text = (SET % "".join(f"<url><loc>/{n}</loc></url>" for n in range(500))).encode()
    packed = gzip.compress(text)

    assert len(extract_sitemap(packed, URL).pages) == 500
    assert len(extract_sitemap(gzip.compress(packed), URL).pages) == 500
    assert 100 < len(extract_sitemap(packed[:-200], URL).pages) < 500
    assert (
        len(extract_sitemap(gzip.compress(text[:999]) + gzip.compress(text[999:]), URL).pages)
        == 500
    )


def test_gzip_bomb_is_unpacked_within_bounds() -> None:
    bomb = gzip.compress(bytes(100 << 20), 9)

    assert len(unpacked(bomb)) <= max(1 << 20, len(bomb) * 200)
    assert len(inflate(bomb, 10)) == 10


def test_error_page_in_place_of_a_sitemap_names_nothing() -> None:
    body = b"<!DOCTYPE html><html><link rel=alternate href=/x><body><a href=/y>404</a></html>"

    assert extract_sitemap(body, URL).pages == []


def test_feed_serves_as_sitemap() -> None:
    body = b"<rss version='2.0'><channel><item><link>/post</link></item></channel></rss>"

    assert extract_sitemap(body, URL).pages == ["https://example.org/post"]


# Feeds.


def images_of(body: str) -> list[str]:
    return [image.url for image in extract_feed(body.encode(), "https://example.org/f/rss").images]


def rss(item: str) -> str:
    return f"<rss version='2.0'><channel><item>{item}</item></channel></rss>"


@pytest.mark.parametrize(
    "item",
    [
        "<enclosure url='/i.jpg' type='image/jpeg' length='1'/>",
        "<enclosure url='/i.jpg'/>",
        "<media:content url='/i.jpg' medium='image'/>",
        "<media:content url='/i.jpg' type='image/jpeg'/>",
        "<media:group><media:thumbnail url='/i.jpg'/></media:group>",
        "<itunes:image href='/i.jpg'/>",
        "<description>&lt;p&gt;&lt;img src='/i.jpg'&gt;</description>",
        "<content:encoded><![CDATA[<img src='/i.jpg'>]]></content:encoded>",
    ],
)
def test_images_of_an_rss_item(item: str) -> None:
    assert images_of(rss(item)) == ["https://example.org/i.jpg"]


def test_sound_and_film_are_no_images() -> None:
    item = (
        "<enclosure url='/a.mp3' type='audio/mpeg'/><media:content url='/b.mp4' medium='video'/>"
        "<media:content url='/c.jpg.mp4' type='video/mp4'/>"
    )

    assert images_of(rss(item)) == []


def test_channel_image_is_an_image_and_its_link_no_item() -> None:
    body = (
        "<rss><channel><image><url>/logo.png</url><link>/home</link></image>"
        "<item><link>/post</link></item></channel></rss>"
    )

    found = extract_feed(body.encode(), "https://example.org/")

    assert [image.url for image in found.images] == ["https://example.org/logo.png"]
    assert found.pages == ["https://example.org/post"]


def test_item_pages_by_link_or_permanent_guid() -> None:
    body = (
        "<rss><channel><item><link>/a</link><guid>https://example.org/?p=1</guid></item>"
        "<item><guid>https://example.org/b</guid></item>"
        "<item><guid isPermaLink='false'>https://example.org/c</guid></item></channel></rss>"
    )

    found = extract_feed(body.encode(), "https://example.org/")

    assert found.pages == ["https://example.org/a", "https://example.org/b"]


def test_rss_1_items() -> None:
    body = (
        "<rdf:RDF xmlns:rdf='x' xmlns='y'><channel><link>/</link></channel>"
        "<item rdf:about='/a'><link>/a</link></item></rdf:RDF>"
    )

    found = extract_feed(body.encode(), "https://example.org/")

    assert found.pages == ["https://example.org/", "https://example.org/a"]


def test_atom_links_logos_pictures_and_next_page() -> None:
    body = (
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='https://example.org/blog/'>"
        "<link rel='self' href='feed'/><link rel='next' href='feed?page=2'/><logo>logo.png</logo>"
        "<entry><link href='one'/><link rel='enclosure' type='image/png' href='e.png'/>"
        "<content type='xhtml'><div><img src='x.png' alt='An X'/></div></content></entry>"
        "<entry><link rel='alternate' href='two'/>"
        "<content type='html'>&lt;img src='y.png'&gt;</content></entry></feed>"
    )

    found = extract_feed(body.encode(), "https://example.org/feed")

    assert found.pages == ["https://example.org/blog/one", "https://example.org/blog/two"]
    assert found.feeds == ["https://example.org/blog/feed?page=2"]
    names = [image.url.rpartition("/")[2] for image in found.images]
    assert names == ["logo.png", "e.png", "x.png", "y.png"]
    assert found.images[2].alt == "An X"


# Forms.


@pytest.mark.parametrize(
    ("body", "content_type", "url", "form"),
    [
        (b"<!doctype html><p>x", "image/jpeg", "/a.jpg", Form.HTML),
        (b"  <!-- x --><HTML>", "", "", Form.HTML),
        (b"<p>no doctype", "text/html; charset=utf-8", "", Form.HTML),
        (b"just words", "text/html", "", Form.HTML),
        (b"<?xml version='1.0'?><html xmlns='x'>", "application/xml", "", Form.HTML),
        (b"\xff\xd8\xff\xe0", "text/html", "", Form.IMAGE),
        (b"<?xml version='1.0'?><!-- c --><svg xmlns='x'>", "text/plain", "", Form.IMAGE),
        (b"<svg>", "text/html", "", Form.IMAGE),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<urlset>", "text/html", "", Form.SITEMAP),
        ("<?xml version='1.0'?><urlset>".encode("utf-16"), "", "", Form.SITEMAP),
        (b"<sitemapindex>", "", "", Form.SITEMAP),
        (gzip.compress(b"<urlset></urlset>", mtime=0), "application/gzip", "", Form.SITEMAP),
        (gzip.compress(b"https://e.org/a\n", mtime=0), "", "/s.txt.gz", Form.SITEMAP),
        (gzip.compress(b"a tar archive", mtime=0), "", "/a.tgz", Form.OTHER),
        (b"https://e.org/a\nhttps://e.org/b", "text/plain", "/s.txt", Form.SITEMAP),
        (b"<?xml-stylesheet href='x'?><rss version='2.0'>", "text/html", "", Form.FEED),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'>", "", "", Form.FEED),
        (b"<rdf:RDF>", "", "", Form.FEED),
        (b"a { color: red }", "text/css", "/x", Form.CSS),
        (b"a { color: red }", "", "/x.css?v=1", Form.CSS),
        (b"User-agent: *", "text/plain", "https://e.org/robots.txt", Form.ROBOTS),
        (b"words", "text/plain", "/x", Form.TEXT),
        (b"\x00\x01\x02\x03", "text/html", "/x", Form.OTHER),
        (b"%PDF-1.7\x00", "application/pdf", "", Form.OTHER),
        (b"PK\x03\x04\x00", "", "", Form.OTHER),
        (b"", "text/html", "", Form.HTML),
        (b"", "", "", Form.TEXT),
    ],
)
def test_bytes_decide_and_headers_only_on_text(
    body: bytes, content_type: str, url: str, form: Form
) -> None:
    assert form is form_of(body, content_type, url)


# robots.txt


def test_sitemap_lines_of_any_group_and_case() -> None:
    text = (
        "\ufeffSitemap: https://example.org/a.xml\r\nUser-agent: *\n"
        " SITEMAP :/b.xml # second\nDisallow: /\n#Sitemap: /no.xml\nsitemap:\nsitemap: mailto:x\n"
        "sitemap: https://example.org/a.xml\n"
    )

    found = robots_sitemaps(text, "https://example.org/robots.txt")

    assert found == ["https://example.org/a.xml", "https://example.org/b.xml"]


# Whatever comes.

FRAGMENTS = st.sampled_from(
    [
        "<urlset>",
        "<url>",
        "<loc>",
        "</loc>",
        "/a",
        "<image:image>",
        "<image:loc>",
        "<rss>",
        "<item>",
        "<link>",
        "</link>",
        "<link href='/x'/>",
        "<![CDATA[",
        "]]>",
        "&amp;",
        "&",
        "&#0;",
        "<!--",
        "-->",
        "<?xml version='1.0' encoding='utf-7'?>",
        "<!DOCTYPE x [",
        "]>",
        "<a b='c' b='d'>",
        "\x00",
        "\ufffe",
        "é",
        "https://e.org/",
        "\n",
        "</rss>",
        "<description>&lt;img src=x>",
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300), st.lists(FRAGMENTS, max_size=40).map("".join).map(str.encode)
    )
)
def test_no_body_raises(body: bytes) -> None:
    for data in (body, gzip.compress(body), gzip.compress(body)[:-9]):
        extract_sitemap(data, URL)
        extract_feed(data, URL)
        form_of(data, "text/plain", URL)
    robots_sitemaps(body.decode("utf-8", "replace"), URL)


@pytest.mark.parametrize(
    "body",
    [
        b"<!--" * 200000,
        b"<" * 500000,
        b"<?x" * 200000,
        b"<!DOCTYPE a '" * 100000,
        b"<url>" * 200000,
        b" " * 1000000,
        b"<loc>" + b"&" * 500000,
        b"<a " + b"b='c' " * 100000,
        b"sitemap:" * 100000,
        b"\nsitemap: " + b" #" * 300000,
        b"<!DOCTYPE [[[" + b"[" * 500000,
    ],
    ids=range(11),
)
@pytest.mark.timeout(10)
def test_no_body_takes_more_than_linear_time(body: bytes) -> None:
    extract_sitemap(body, URL)
    extract_feed(body, URL)
    form_of(body, "", URL)
    robots_sitemaps(body.decode(), URL)


def test_modules_stay_apart_from_the_package_of_images() -> None:
    import bowerbird.extract as package

    for path in Path(package.__file__).parent.glob("*.py"):
        assert "bowerbird.images" not in path.read_text()
