"""What an HTML page names: which images, as which choice, which pages, in which order."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.places_fixtures import PAGES, PLACES

from bowerbird.extract import Extracted, extract_html
from bowerbird.extract.links import Links
from bowerbird.model import Place
from bowerbird.settings import Srcset
from bowerbird.urls import canonical

URL = "http://h.example/a/b.html"


def page(html: str, **options: Any) -> Extracted:
    return extract_html(html.encode(), URL, content_type="text/html; charset=utf-8", **options)


def urls(found: Extracted) -> list[str]:
    return [each.url.removeprefix("http://h.example") for each in found.images]


def test_one_choice_is_made_for_each_img_and_the_rest_are_alternates() -> None:
    found = page("<img src=/s.jpg alt='A bird' srcset='/m.jpg 800w, /l.jpg 1600w, /s.jpg 400w'>")

    (image,) = found.images
    assert image.url == "http://h.example/l.jpg"
    assert image.alternates == ("http://h.example/m.jpg", "http://h.example/s.jpg")
    assert (image.alt, image.place) == ("A bird", Place.SRCSET)


def test_all_sizes_are_given_where_all_are_asked_for() -> None:
    html = (
        "<img src=/s.jpg srcset='/m.jpg 2x'>"
        "<picture><source srcset=/p.webp><img src=/p.jpg></picture>"
    )

    assert urls(page(html, srcset=Srcset.ALL)) == ["/m.jpg", "/s.jpg", "/p.webp", "/p.jpg"]


@pytest.mark.parametrize(
    ("html", "chosen"),
    [
        ("<img src=/1.jpg srcset='/2.jpg 2x, /3.jpg 3x'>", ["/3.jpg"]),
        ("<img src=/1.jpg srcset='/2.jpg'>", ["/2.jpg"]),
        ("<picture><source srcset='/a.avif 1000w'><source srcset='/w.webp 2000w'><img src=/j.jpg>"
         "</picture>", ["/w.webp"]),
        ("<picture><source srcset=/a.avif><source srcset=/w.webp><img src=/j.jpg></picture>",
         ["/a.avif"]),
        ("<picture><source srcset=/a.avif><div><img src=/j.jpg></div></picture>", ["/a.avif"]),
        ("<img src=/grey.gif data-src=/real.jpg>", ["/real.jpg"]),
        ("<img src=/tiny.jpg srcset='/tiny.jpg 20w' data-src=/real.jpg>", ["/real.jpg"]),
        ("<img data-src=/a.jpg data-srcset='/b.jpg 300w, /c.jpg 900w'>", ["/c.jpg"]),
        ("<img src=/a.jpg srcset='/b.jpg 2000w' data-orig-file=/full.jpg>", ["/full.jpg"]),
        ("<img src=/a.jpg data-thumb=/t.jpg>", ["/a.jpg"]),
        ("<img data-src='/a_{width}x.jpg' data-widths='[180, 900, 360]'>", ["/a_900x.jpg"]),
        ("<img data-src='/w_300,h_200/v1/a.jpg'>", ["/w_300,h_200/v1/a.jpg"]),
        ("<img data-src='/cdn-cgi/width=80,quality=75/a.jpg'>",
         ["/cdn-cgi/width=80,quality=75/a.jpg"]),
        ("<img data-src='/My Photo (1).jpg'>", ["/My%20Photo%20(1).jpg"]),
        ("<div data-bgset='/w_1,h_2/a.jpg 400w, /b.jpg 800w [(x)] | /c.jpg 200w'>",
         ["/b.jpg"]),
        ("<div data-bg='/a.jpg [(x)] | /b.jpg'>", ["/a.jpg", "/b.jpg"]),
        ("<div data-pics='/a.jpg, /b.jpg 300'>", ["/a.jpg", "/b.jpg"]),
        ("<picture><source media='(max-width:600px)' srcset=/s.jpg><img src=/l.jpg></picture>",
         ["/l.jpg"]),
        ("<picture><source media='(max-width:600px)' srcset='/s.jpg 600w'><img src=/l.jpg>"
         "</picture>", ["/l.jpg"]),
        ("<picture><source media='(min-width:1024px)' srcset=/b.jpg><img src=/s.jpg width=600>"
         "</picture>", ["/b.jpg"]),
        ("<picture><source media='(min-width: 851px)' srcset='/w.jpg 1x, /w2.jpg 2x'>"
         "<source media='(min-width: 560px)' srcset='/m.jpg'><img src=/n.jpg width=325></picture>",
         ["/w2.jpg"]),
        ("<picture><source media='(width >= 600px)' srcset=/l.jpg>"
         "<img src=/s.jpg srcset='/s.jpg 400w, /m.jpg 800w'></picture>", ["/l.jpg"]),
        ("<img src=/s.jpg width=1200 srcset='/m.jpg 800w, /l.jpg 1000w'>", ["/l.jpg"]),
        ("<video><source src=/v.mp4></video>", []),
        ("<img src=''><img src='#x'><img src=' '><img>", []),
        ("<img src=a.jpg><img src=./a.jpg><img src=a.jpg#x>", ["/a/a.jpg"]),
    ],
)  # fmt: skip
def test_the_largest_is_chosen(html: str, chosen: list[str]) -> None:
    assert chosen == urls(page(html))


@pytest.mark.parametrize(
    "html",
    [
        "<div data-bg='/x.jpg'></div>",
        "<div data-bg=\"url('/x.jpg')\"></div>",
        "<li data-anything='/x.jpg'>",
        "<div data-images='[&quot;/x.jpg&quot;]'></div>",
        "<div data-settings='{&quot;slides&quot;:[{&quot;src&quot;:&quot;\\/x.jpg&quot;}]}'></div>",
        "<div data-interchange='[/x.jpg, small]'></div>",
        "<noscript><img src=/x.jpg></noscript>",
        "<body><noscript>&lt;img src=/x.jpg&gt;</noscript>",
        "<template><img src=/x.jpg></template>",
        "<div><template shadowrootmode=open><img src=/x.jpg></template></div>",
        "<iframe srcdoc='<img src=/x.jpg>'></iframe>",
        "<p style='background:url(/x.jpg)'>",
        "<style>p{background:url(/x.jpg)}</style>",
        "<meta property=og:image content=/x.jpg>",
        "<meta name=twitter:image content=/x.jpg>",
        "<script type=application/ld+json>{\"image\":[{\"url\":\"/x.jpg\"}]}</script>",
        "<script type=application/ld+json>{\"image\":[\"/x.jpg\",}</script>",
        "<span itemprop=image content=/x.jpg></span>",
        "<link rel='shortcut icon' href=/x.jpg>",
        "<link rel=image_src href=/x.jpg>",
        "<link rel=preload as=image imagesrcset='/x.jpg 2x'>",
        "<a href=/x.jpg>x</a>",
        "<area href=/x.jpg>",
        "<video poster=/x.jpg>",
        "<input type=image src=/x.jpg>",
        "<svg><image xlink:href=/x.jpg /></svg>",
        "<svg><use href='/x.jpg#a'/></svg>",
        "<svg><filter><feImage href=/x.jpg /></filter></svg>",
        "<object data=/x.jpg></object>",
        "<embed src=/x.jpg>",
        "<table><tr><td background=/x.jpg></table>",
        "<base href=/q/><img src=../x.jpg>",
        "<meta http-equiv=refresh content='0;URL=/x.jpg'>",
        "<script>document.write('<img src=\"/x.jpg\">')</script>",
        "<p itemprop=image itemscope><meta itemprop='image primaryImageOfPage' content=/x.jpg>",
        "<script type=application/ld+json>{\"@type\":[\"Thing\",\"ImageObject\"],"
        "\"url\":\"/x.jpg\"}</script>",
        "<style>p{background:url(/a/../\\78.jpg)}</style>",
    ],
)  # fmt: skip
def test_an_image_is_found_wherever_it_is_named(html: str) -> None:
    assert urls(page(html)) == ["/x.jpg"]


@pytest.mark.parametrize(
    "html",
    [
        "<!-- <img src=/x.jpg> -->",
        "<textarea><img src=/x.jpg></textarea>",
        "<div data-bg=dark data-background=true data-full=1 data-src='#id' data-image='{{url}}'>",
        "<div data-image='Photo by A / B' data-image-name='Foo bar.png'>",
        "<script>w(`<img src=\"${url}\"><img src=\"{{u}}\">`)</script>",
        "<input src=/x.jpg>",
        "<iframe data-src=/page></iframe>",
        "<script data-src=/x.js></script>",
        "<svg><use href='#a'/></svg>",
        "<object data=/x.pdf></object><object data=/x type=text/html></object>",
        "<style>@font-face{src:url(/x.svg)}</style>",
        "<script type=application/ld+json>{\"contentUrl\":\"/x.mp4\",\"image\":{\"@id\":\"#logo\"}}"
        "</script>",
    ],
)  # fmt: skip
def test_what_is_no_image_is_not_taken_for_one(html: str) -> None:
    assert urls(page(html)) == []


def test_pages_feeds_and_sitemaps_are_told_apart() -> None:
    found = page(
        "<link rel=next href=n><link rel=canonical href=c><link rel=alternate hreflang=de href=d>"
        "<link rel=alternate type=application/rss+xml href=rss><link rel=sitemap href=s.xml>"
        "<link rel=stylesheet href=a.css><a href=p#x>p</a><a href=p>p</a><a href='#top'>t</a>"
        "<a href=mailto:x@y>m</a><a href='javascript:x()'>j</a><iframe src=i></iframe>"
        "<a rel=nofollow href=q>q</a>"
        "<meta http-equiv=refresh content=\"5; url='r'\">"
    )

    assert [f"http://h.example/a/{name}" for name in "ncdpiqr"] == found.pages
    assert found.feeds == ["http://h.example/a/rss"]
    assert found.sitemaps == ["http://h.example/a/s.xml"]
    assert found.stylesheets == ["http://h.example/a/a.css"]


@pytest.mark.parametrize("name", ["robots", "ROBOTS", "bowerbird"])
def test_directives_are_told_and_nothing_is_kept_back_for_them(name: str) -> None:
    found = page(
        f"<meta name={name} content='NoFollow, noimageindex,NOAI'><a href=p>p</a><img src=i>"
    )

    assert found.pages == ["http://h.example/a/p"]
    assert {"nofollow", "noimageindex", "noai"} == found.directives
    assert urls(found) == ["/a/i"]


def test_directives_for_other_robots_are_not_ours() -> None:
    assert page("<meta name=googlebot content=noimageindex>").directives == frozenset()


@pytest.mark.parametrize(
    ("html", "has_scripts"),
    [
        ("<script>x()</script>", True),
        ("<script src=x.js></script>", True),
        ("<script type=module>x</script>", True),
        ("<script> </script>", False),
        ("<script type=application/json>{}</script>", False),
        ("<script type=application/ld+json>{}</script>", False),
        ("<script type=text/template><b></script>", False),
        ("<p onclick=x()>", False),
    ],
)
def test_code_is_told_from_data(html: str, has_scripts: bool) -> None:
    assert has_scripts == page(html).has_scripts


def test_an_alt_text_that_comes_later_is_kept() -> None:
    found = page("<a href=i.jpg><img src=t.jpg></a><img src=i.jpg alt=Late><img src=i.jpg alt=No>")

    assert [(each.url.removeprefix("http://h.example"), each.alt) for each in found.images] == [
        ("/a/i.jpg", "Late"),
        ("/a/t.jpg", ""),
    ]


@pytest.mark.parametrize(
    ("uri", "body"),
    [
        ("data:image/png;base64," + base64.b64encode(b"bytes").decode(), b"bytes"),
        ("data:image/png;base64,Ynl0%0AZXM", b"bytes"),
        ("  DATA:IMAGE/GIF;BASE64,Ynl0ZXM=", b"bytes"),
        ("data:image/svg+xml;charset=utf-8,%3Csvg/>", b"<svg/>"),
        ("data:image/png;base64,!!", None),
        ("data:text/plain,x", None),
        ("data:image/png", None),
    ],
)
def test_images_written_into_the_page_are_decoded(uri: str, body: bytes | None) -> None:
    found = page(f'<img src="{uri}" alt=A><i style="background:url({uri})">')

    assert found.images == []
    assert ([body] if body else []) == [each.body for each in found.data]


def test_queries_are_encoded_as_the_page_is() -> None:
    body = "<img src='/ä?q=ä'><p style='background:url(/s?q=ä)'>".encode("latin-1")

    found = extract_html(body, URL, content_type="text/html; charset=latin1")

    assert urls(found) == ["/%C3%A4?q=%E4", "/s?q=%C3%A4"]
    assert found.charset == "windows-1252"


def test_xhtml_may_close_elements_in_place() -> None:
    body = b"<html><head><title/><script src='x.js'/></head><body><img src='x.jpg'/></body></html>"

    assert urls(extract_html(body, URL, content_type="application/xhtml+xml")) == ["/a/x.jpg"]


def test_the_title_is_the_page_s_and_not_a_drawing_s() -> None:
    assert page("<svg><title>S</title></svg><title> The\n page </title>").title == "The page"


SCHEMES = st.sampled_from(["", "http://", "https://"])
LINKS = st.builds(str.__add__, SCHEMES, st.text(alphabet="ab.~-_/?=&%2e;:@+,!\\# é{}", max_size=16))


@given(st.sampled_from([URL, "http://h.example", "https://u@h.example:8/x/?q=/y/z"]), LINKS)
def test_the_short_way_of_joining_agrees_with_the_standard(base: str, link: str) -> None:
    plain = link.strip(" ").partition("#")[0]
    base = canonical(base) or ""

    assert (canonical(plain, base) if plain else None) == Links(base).join(link)


SOUP = """<img src=a |srcset='b 1x,|>|<picture>|<source srcset=c>|</picture>|<a href=d>
<base href=//e>|<template>|</template>|<noscript>|</noscript>|<svg>|<use href=f>|<style>|</style>
a{b:url(g)}|<script>|</script>|<iframe srcdoc='<img src=h>'>|<meta charset=gbk>|\x00|é|<!--|-->
<table>|<td background=i>|"|'|&#x0;""".replace("\n", "|")


@given(st.lists(st.sampled_from(SOUP.split("|")), max_size=30))
def test_any_soup_is_survived(parts: list[str]) -> None:
    found = extract_html("".join(parts).encode(), URL)

    assert len({each.url for each in found.images}) == len(found.images)


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(body: bytes) -> None:
    extract_html(body, URL)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_cut_anywhere_is_survived(name: str) -> None:
    body = (PLACES / name).read_bytes()
    for end in range(0, len(body), 97):
        extract_html(body[:end], URL)


@pytest.mark.timeout(60)  # quadratic work on these would take hours
@pytest.mark.parametrize(
    "part",
    [
        *("<div>", "<b x>", "<ul><li>", "<svg>", "<template>", "<p><b a=1></p>", "<picture>"),
        *("<a href=x>", "<noscript>", "</p>", "<!--", "<table><tr><td>", "<style>/*"),
        *("<iframe srcdoc='<iframe srcdoc=", "<script><img ", "<select><option>"),
    ],
)
def test_a_page_nested_without_end_is_read_all_the_same(part: str) -> None:
    found = page(part * 200_000)
    shown = page("<img src=first.jpg>" + part * 20_000)

    assert len(found.images) <= 1
    assert urls(shown) == ["/a/first.jpg"]


@pytest.mark.timeout(60)
def test_a_page_of_very_many_links_names_them_all_up_to_a_limit() -> None:
    body = b"".join(b"<a href=%d>" % number for number in range(120_000))
    assert len(extract_html(body, URL).pages) == 120_000

    attributes = b"".join(b" a%d" % number for number in range(999))
    crowded = b"".join(b"<a%s href=%d>" % (attributes, number) for number in range(1_000))
    assert len(extract_html(crowded, URL).pages) == 1_000

    found = extract_html(body, URL, most=100)
    assert found.pages == [f"{URL[: URL.rindex('/')]}/{number}" for number in range(100)]
    assert found.cut


def test_links_of_a_page_that_nests_too_deeply_are_kept() -> None:
    html = "".join(f"<div><a href=p{n}><img src=i{n}.jpg>" for n in range(10_000))

    found = page(html)

    assert (len(found.pages), len(found.images)) == (10_000, 10_000)


@pytest.mark.timeout(60)
def test_unclosed_formatting_of_many_kinds_does_not_multiply() -> None:
    page("".join(f"<p><b a={n}></p>" for n in range(100_000)))


@pytest.mark.timeout(60)
def test_an_element_with_endless_attributes_is_cut_short() -> None:
    many = " ".join(f'data-x{n}="/{n}.jpg>"' for n in range(100_000))

    found = page(f"<div {many}></div><img src=after.jpg>")

    assert urls(found)[-1] == "/a/after.jpg"
    assert len(found.images) < 2_000


@pytest.mark.parametrize(
    "text",
    [
        "<script>for(var i=0;i<n;i++)f(i);var s='{words}';</script>",
        "<!-- x<y {words} -->",
        "<style>/* <link {words} */</style>",
        "<textarea><bob@ {words}</textarea>",
    ],
)
def test_what_only_looks_like_a_tag_of_endless_attributes_hides_nothing(text: str) -> None:
    crowd = text.replace("{words}", "word " * 1_600)
    html = f"<p>{'x' * 33_000}</p><img src=/0.jpg>{crowd}<img src=/1.jpg><script>1</script>"

    assert urls(page(html)) == ["/0.jpg", "/1.jpg"]


@pytest.mark.parametrize(
    "html",
    [
        "<script type=application/ld+json>{" + '"\\"' * 200_000 + "</script>",
        "<img data-src='" + "," * 400_000 + "'>",
        "<script type=application/ld+json>"
        + '{"@type":' * 900
        + '"'
        + "x" * 900_000
        + '"'
        + "}" * 900
        + "</script>",
    ],
    ids=["strings", "commas", "types"],
)
def test_a_value_made_to_be_slow_to_read_is_read_in_one_pass(html: str) -> None:
    assert urls(page(html + "<img src=/1.jpg>"))[-1] == "/1.jpg"


def test_widths_do_not_multiply_beyond_measure() -> None:
    sizes = ", ".join(f"/{{width}}/{n}.jpg {n}w" for n in range(1, 2_000))
    html = f"<img data-srcset='{sizes}' data-widths='{list(range(100, 200))}'>"

    assert len(urls(page(html, srcset=Srcset.ALL))) == 1_000


def test_a_page_of_many_drawings_is_not_taken_for_one_that_nests_too_deeply() -> None:
    star = "<svg viewBox='0 0 9 9'><g><path d='M0 0'/><path d='M1 1'/></g></svg>"
    card = f"<li><img src=/{{}}.jpg alt='photo {{}}'>{star * 5}</li>"
    html = "".join(card.format(number, number) for number in range(400))
    found = page(f"<!-- <img src=/old.jpg> -->{html}<script>s = '<img'</script>")

    assert urls(found) == [f"/{number}.jpg" for number in range(400)]
    assert found.images[-1].alt == "photo 399"


@pytest.mark.parametrize(
    ("html", "named"),
    [
        ("<amp-anim src=/a.gif width=1 height=1>", ["/a.gif"]),
        ("<lazy-picture srcset='/a.jpg 1x, /b.jpg 2x'>", ["/b.jpg"]),
        ("<my-el icon=/x.png label=y.png value=z.png>", ["/x.png"]),
        ("<td background=/t.gif>", []),  # no table around it: dropped, as browsers do
        ("<table><td background=/t.gif></table>", ["/t.gif"]),
        ("<script>d('<IMG SRC=\"/up.gif\">');d(\"<img src=/bare.gif>\")</script>",
         ["/up.gif", "/bare.gif"]),
        ("<body onload=\"MM_preloadImages('/a.gif','/b.gif')\">", ["/a.gif", "/b.gif"]),
        ("<template><img src=/in.png></template><img src=/out.png>", ["/out.png", "/in.png"]),
        ("<p data-images='/a.jpg;/b.jpg'>", ["/a.jpg", "/b.jpg"]),
        ("<p data-x='/My Photo.jpg'>", ["/My%20Photo.jpg"]),
        ("<img nitro-lazy-src=/n.jpg nitro-lazy-srcset='/1.jpg 100w,/2.jpg 200w'>", ["/2.jpg"]),
        ("<img file=/f.jpg zoomfile=/z.jpg src=/none.gif>", ["/z.jpg"]),
        ("<img ng-src=/lit.jpg>", ["/lit.jpg"]),
        ("<img fancy-src=/f.jpg src=/s.gif>", ["/s.gif", "/f.jpg"]),
        ("<svg><base href=/j/></svg><base href=/i/><img src=a.png>", ["/i/a.png"]),
        ("<svg><path marker-end='URL(/m.svg#a)'></svg>", ["/m.svg"]),
        ("""<p data-v='[{"src":"/1.jpg","srcset":"/1.jpg 6w, /2.jpg 3w","alt":"red.jpg"}]'>""",
         ["/1.jpg"]),
        ("<p data-url=/products/mug.png>", ["/products/mug.png"]),
    ],
)  # fmt: skip
def test_what_tools_and_old_pages_write_is_found(html: str, named: list[str]) -> None:
    assert urls(page(html)) == named


@pytest.mark.parametrize(
    "html",
    [
        "<div data-src=/m/lottie.json>",
        "<a data-src=/x.html>",
        "<lottie-player background=transparent src=a.json>",
        '<script>d("<img src=\'/t/"+k+".gif\'>")</script>',
        "<script>x='<img src=\"/t/'+k+'.png\">'</script>",
        "<div data-accept='.png,.jpg,.gif'>",
        "<div data-filter='*.jpg' data-types='*.png;*.jpg'>",
        "<div data-formats='jpg, jpeg, .png'>",
        "<script type=text/template><img src='{{img}}'><p style='background:url({{x}})'></script>",
        "<template><img src='${x}.jpg'><img srcset='[[x]] 2x'></template>",
        """<div data-image-info='{"uri":"11062b_abc~mv2.jpg","name":"Lake.jpg"}'>""",
        """<div data-meta='{"title":"DSC_0042.jpg","caption":"a/Lake.jpg"}'>""",
        "<variant-selects data-url=/products/mug>",
        "<a data-type=ajax data-src=/ajax/modal>",
        "<input data-placeholder=dd/mm/yyyy>",
        "<img data-src='/img/{size}/a.jpg'>",
        "<a data-tooltip='See a.jpg' data-tweet-text='see http://x/y.jpg'>",
        "<img onclick=\"show('/big.jpg')\" name=a.gif>",
    ],
)
def test_words_templates_and_other_files_are_not_taken_for_images(html: str) -> None:
    assert urls(page(html, srcset=Srcset.ALL)) == []


def test_links_in_templates_are_taken_where_they_are_whole() -> None:
    html = "<script type=text/template><a href='{{url}}'></a><a href=/whole></a></script>"
    assert page(html).pages == ["http://h.example/whole"]


def test_a_page_in_an_object_is_a_page() -> None:
    html = "<object type=text/html data=/head></object><embed src=/foot.html>"
    assert page(html).pages == ["http://h.example/head", "http://h.example/foot.html"]
