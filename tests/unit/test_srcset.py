"""srcset against the algorithm of the HTML standard: the cases of web-platform-tests, and more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bowerbird.extract.srcset import Candidate, parse_srcset

#: html/semantics/embedded-content/the-img-element/srcset/parse-a-srcset-attribute.html:
#: (attribute, URL of the chosen candidate; "" where none is left)
SPLITTING_LOOP = [
    ("", ""),
    (",", ""),
    (",,,", ""),
    ("  data:,a  1x  ", "data:,a"),
    ("\t\tdata:,a\t\t1x\t\t", "data:,a"),
    ("\n\ndata:,a\n\n1x\n\n", "data:,a"),
    ("\f\fdata:,a\f\f1x\f\f", "data:,a"),
    ("\r\rdata:,a\r\r1x\r\r", "data:,a"),
    ("\v\vdata:,a\v\v1x\v\v", "\v\vdata:,a\v\v1x\v\v"),
    ("\u000edata:,a 1x", "\u000edata:,a"),
    ("\xa0\xa0data:,a\xa0\xa01x", "\xa0\xa0data:,a\xa0\xa01x"),
    ("data:,a", "data:,a"),
    ("data:,a ", "data:,a"),
    ("data:,a ,", "data:,a"),
    ("data:,a,", "data:,a"),
    ("data:,a, ", "data:,a"),
    ("data:,a,,,", "data:,a"),
    (",,data:,a", "data:,a"),
    (" , ,data:,a", "data:,a"),
    ("data:,a ( , data:,b 1x, ), data:,c", "data:,c"),
    ("data:,a ( , data:,b 1x, ", ""),
    ("data:,a ( ( , data:,b 1x, ), data:,c 1x, ), data:,d", "data:,c"),
    ("data:,a )", ""),
    ("data:,a ) , data:,b", "data:,b"),
    ("data:,a (( , data:,b 1x, ), data:,c", "data:,c"),
    ("data:,a (x)1x", ""),
    ("data:,a\n(\n,\ndata:,b\n1x,\n),\ndata:,c", "data:,c"),
]

#: Descriptors after `data:,a `; True: the candidate is kept.
DESCRIPTORS = [
    ("1x", True),
    ("1.0x", True),
    ("0x", True),
    ("-0x", True),
    ("0.5x", True),
    (".5x", True),
    ("-1x", False),
    ("+1x", False),
    ("1e0x", True),
    ("1E0x", True),
    ("1e+0x", True),
    ("1e-0x", True),
    ("1.0e0x", True),
    ("-0e0x", True),
    ("-.0x", True),
    ("+0x", False),
    ("1.x", False),
    ("1e0.0x", False),
    ("1.5e1.5x", False),
    ("0x1x", False),
    ("1X", False),
    ("NaNx", False),
    ("Infinityx", False),
    ("infx", False),
    ("x", False),
    ("1", False),
    ("1y", False),
    ("1x 1x", False),
    ("1x 2x", False),
    ("1w", True),
    ("+1w", False),
    ("-1w", False),
    ("0w", False),
    ("-0w", False),
    ("1.0w", False),
    ("1.5w", False),
    ("1e0w", False),
    ("1W", False),
    ("NaNw", False),
    ("Infinityw", False),
    ("1w 1w", False),
    ("1w 1x", False),
    ("1x 1w", False),
    ("1w 1h", True),
    ("1h 1w", True),
    ("1h", False),
    ("1h 1x", False),
    ("1x 1h", False),
    ("1h 1h 1w", False),
    ("0h 1w", False),
    ("1h 0w", False),
    ("-1h 1w", False),
    ("1.0h 1w", False),
    ("1w 1.5h", False),
    ("1x 1w 1h", False),
    ("1w 1x 1h", False),
    ("1w 1h 1x", False),
    ("1w foo", False),
    ("foo 1w", False),
    ("1w bar(1, 2)", False),
    ("foo(bar)", False),
    ("\u00a01x", False),
    ("\uff11x", False),
    ("1_0w", False),
    ("1_0x", False),
    ("99999999999999999999999999w", True),
    ("1e9999x", True),
]


@pytest.mark.parametrize(("text", "url"), SPLITTING_LOOP)
def test_a_candidate_is_split_off_wrongly(text: str, url: str) -> None:
    found = parse_srcset(text)

    assert url == (found[0].url if found else "")


@pytest.mark.parametrize(("descriptors", "is_kept"), DESCRIPTORS)
def test_a_descriptor_is_misjudged(descriptors: str, is_kept: bool) -> None:
    found = parse_srcset(f"data:,a {descriptors}, data:,b 1x")

    assert (["data:,a"] if is_kept else []) + ["data:,b"] == [each.url for each in found]


def test_commas_inside_urls_do_not_end_them() -> None:
    found = parse_srcset("/f_auto,w_400/a.jpg 400w, /f_auto,w_800/b.jpg 800w,/c,d.jpg 2x, /e.jpg,f")

    assert found == [
        Candidate("/f_auto,w_400/a.jpg", width=400),
        Candidate("/f_auto,w_800/b.jpg", width=800),
        Candidate("/c,d.jpg", density=2.0),
        Candidate("/e.jpg,f"),
    ]


def test_an_error_in_one_candidate_leaves_the_others() -> None:
    assert [Candidate("b", width=2)] == parse_srcset("a 1q, b 2w, c 3x 4x, d -1w")


@given(st.text(alphabet=" \t,()wxh01.-eab/\n", max_size=200))
def test_any_text_is_survived_and_gives_no_space_in_urls(text: str) -> None:
    for candidate in parse_srcset(text):
        assert candidate.url
        assert not set(candidate.url) & set(" \t\n")
        assert not candidate.url.startswith(",")
        assert not (candidate.width and candidate.density)


@pytest.mark.timeout(30)  # quadratic work on these would take hours
@pytest.mark.parametrize("part", [",", "(", "a ", "a,", "a (b) ", "a 1x,", ") ", "1x "])
def test_a_long_srcset_does_not_hang(part: str) -> None:
    parse_srcset(part * 300_000)
