"""Images and imports in CSS: every form that names one, and those that only look so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bowerbird.extract import extract_css
from bowerbird.extract.css import scan_css

IMAGES = [
    ("a{background:url(a.png)}", ["a.png"]),
    ("a{background:url( 'a.png' ) , URL(\"b.png\")}", ["a.png", "b.png"]),
    ("a{background:url(\n a.png\t)}", ["a.png"]),
    ("background:url(a.png)", ["a.png"]),
    ("a{background:url(a\\29 b.png)}", ["a)b.png"]),
    ("a{background:url('a\\'b\\\nc.png')}", ["a'bc.png"]),
    ("a{background:u\\72 l(a.png)}", ["a.png"]),
    ("a{background:url(\\000061.png)}", ["a.png"]),
    ("a{background:url(a b.png)}", ["a b.png"]),
    (r"a{background:url(a\(1\).png)}", ["a(1).png"]),
    (r"a{background:url(it\'s.png)}", ["it's.png"]),
    ("a{background:url(a(1).png)}", []),
    ("a{background:url(a(b.png)}", []),
    ("a{background:url()}", []),
    ("a{background:url('')}", []),
    ("a{background:url(a.png", ["a.png"]),
    ("a{background:url('a.png", ["a.png"]),
    ("/* url(a.png) */ a{background:url(b.png)} /* url(c.png)", ["b.png"]),
    ("a{content:'url(a.png)'}", []),
    ("a{background:image-set('a.png' 1x, url(b.png) 2x)}", ["a.png", "b.png"]),
    ("a{background:-webkit-image-set(url(a.png) 1x)}", ["a.png"]),
    ("a{background:image-set('a.avif' type('image/avif'), 'b.png')}", ["a.avif", "b.png"]),
    ("a{background:cross-fade(url(a.png), url(b.png))}", ["a.png", "b.png"]),
    ("a{cursor:url(a.cur),auto;list-style:url(b.png);mask:url(c.svg#m)}", None),
    (":root{--hero:url(a.png)}", ["a.png"]),
    ("@media print{a{background:url(a.png)}}", ["a.png"]),
    ("a{&:hover{background:url(a.png)}}", ["a.png"]),
    (
        "@font-face{font-family:x;src:url(a.woff2),url('b.svg#x')}b{background:url(c.png)}",
        ["c.png"],
    ),
    ("@media all{@font-face{src:url(a.svg)}b{background:url(c.png)}}", ["c.png"]),
    ("@namespace svg url(http://www.w3.org/2000/svg);a{background:url(a.png)}", ["a.png"]),
    ("@document url(http://x/){a{background:url(a.png)}}", []),
    ("a{behavior:url(a.htc);background:url(b.png)}", ["b.png"]),
    ("a{-moz-binding:url(a.xml#b)}", []),
    ("}}}a{background:url(a.png)}", ["a.png"]),
    ("a{color:red;;;background:url(a.png)}", ["a.png"]),
    ("a{background:url(//cdn.example/a.png?x=1,2;3)}", ["//cdn.example/a.png?x=1,2;3"]),
    ("a{b:url(data:image/png;base64,AA==)}", ["data:image/png;base64,AA=="]),
    ("<!-- a{background:url(a.png)} -->", ["a.png"]),
]


@pytest.mark.parametrize(("text", "images"), IMAGES)
def test_an_image_in_css_is_missed_or_made_up(text: str, images: list[str] | None) -> None:
    assert (images if images is not None else ["a.cur", "b.png", "c.svg#m"]) == scan_css(
        text
    ).images


@pytest.mark.parametrize(
    ("text", "imports"),
    [
        ("@import 'a.css';", ["a.css"]),
        ('@IMPORT"a.css"screen;', ["a.css"]),
        ("@import url(a.css) layer(x) supports(display: grid) print;", ["a.css"]),
        ("@import url( 'a.css' );@import 'b.css'", ["a.css", "b.css"]),
        ("/*@import 'a.css';*/", []),
        ("a{content:'@import \"a.css\"'}", []),
        ("@charset 'x';@layer a,b;@import \"a.css\";", ["a.css"]),
    ],
)
def test_an_import_is_missed_or_made_up(text: str, imports: list[str]) -> None:
    found = scan_css(text)

    assert (imports, []) == (found.imports, found.images)


def test_links_are_joined_with_the_sheet_and_kept_once() -> None:
    body = b"@import 'more.css';a{b:url(../i/a.png)}c{d:url('../i/a.png#x')}e{f:url(/g.png)}"

    found = extract_css(body, "http://h/css/main.css")

    assert [each.url for each in found.images] == ["http://h/i/a.png", "http://h/g.png"]
    assert found.stylesheets == ["http://h/css/more.css"]


def test_queries_are_encoded_in_the_sheet_s_own_encoding() -> None:
    body = '@charset "windows-1252";a{b:url(/ä?ä€\u0431)}'.encode("cp1252", "xmlcharrefreplace")

    found = extract_css(body.replace(b"&#1073;", b""), "http://h/a.css")

    assert [each.url for each in found.images] == ["http://h/%C3%A4?%E4%80"]


@pytest.mark.timeout(30)  # quadratic work on these would take hours
@pytest.mark.parametrize(
    "part",
    ["{", "(", "url(", "/*", '"', "'\\", "\\", "\\7", "@", "-", "image-set(", "*/", "url(\\"],
)
def test_long_css_does_not_hang(part: str) -> None:
    scan_css(part * 300_000 + "url(")


PARTS = [*"'\"\\/*{}();:a7 \n", "url(", "@import", "@font-face"]


@given(st.lists(st.sampled_from(PARTS)))
def test_any_css_is_survived(parts: list[str]) -> None:
    found = scan_css("".join(parts))

    assert all(isinstance(link, str) for link in found.images + found.imports)


NAMES = st.text(alphabet="ab.-_é /(),;'\"\\{}", min_size=1, max_size=12)


@given(NAMES)
def test_a_quoted_url_comes_back_as_it_went_in(name: str) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')

    assert [name] == scan_css(f'a{{b:url("{quoted}")}}').images
