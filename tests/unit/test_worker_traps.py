"""Crawler traps are recognised, large sites are none, and what is left aside is said."""

import re

import pytest
from tests.web import png

from bowerbird.manager.report import TOLD, make_report
from bowerbird.model import Kind, State, Stats, Task, plain_counters, traps_of
from bowerbird.settings import make_settings
from bowerbird.worker.traps import Traps, shape_of

HOST = "http://example.org"


def traps(**options: int) -> Traps:
    return Traps(make_settings(options))


def page(path: str, depth: int = 1) -> Task:
    return Task(url=HOST + path, kind=Kind.PAGE, depth=depth, referrer=HOST + "/")


def image(path: str) -> Task:
    return Task(url=HOST + path, kind=Kind.IMAGE)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/a/a/a/", "path-repeats"),
        ("/x/a/b/a/b/a/b/y", "path-repeats"),
        ("/" + "/".join(f"f{n}" for n in range(21)), "path-segments"),
        ("/?" + "&".join(f"a{n}=1" for n in range(31)), "parameters"),
    ],
)
def test_a_link_that_only_a_trap_makes_is_left_aside_and_told_with_an_example(path, kind):
    one = traps()
    assert not one.admits(HOST + path)
    assert {name: trap.example for name, trap in traps_of(one.counts()).items()} == {
        kind: HOST + path
    }


@pytest.mark.parametrize(
    "path",
    ["/", "/a/a/b", "/a/b/a/b/c/d", "/2026/11/11/11", "/a/b/a/c/a/d", "/x?a=1&b=2&a=1",
     "/" + "/".join(f"f{n}" for n in range(20))],
)  # fmt: skip
def test_links_of_real_sites_are_followed(path):
    one = traps()
    assert one.admits(HOST + path)
    assert one.counts() == {}


def test_limits_that_are_0_bind_nothing():
    one = traps(max_path_repeats=0, max_path_segments=0, max_parameters=0)
    assert one.admits(HOST + "/a" * 50 + "?" + "&".join("abcdefghijklmnopqrstuvwxyz" * 3))


def calendar(one: Traps, months: int) -> int:
    """How many months of an endless calendar are followed."""
    for month in range(months):
        (link,) = one.sift(page(f"/{month}"), [page(f"/{month + 1}")], b"<p>no events</p>") or [""]
        if not link:
            return month
    return months


def test_pages_that_are_alike_and_bring_nothing_are_followed_no_further():
    one = traps(max_near_duplicates=50)
    assert 45 <= calendar(one, 1_000) <= 55
    assert one.condemns(page("/7777"))
    assert set(traps_of(one.counts())) == {"near-duplicates"}


def test_a_gallery_whose_pages_are_alike_is_followed_to_its_end():
    one = traps(max_near_duplicates=50)
    for n in range(1_000):
        found = [image(f"/{n}.png"), page(f"/list?page={n + 1}")]
        assert one.sift(page(f"/list?page={n}"), found, b"<p>our pieces</p>") == found


def test_a_list_without_images_that_leads_to_pages_with_images_is_followed_to_its_end():
    one = traps(max_near_duplicates=50)
    for n in range(1_000):
        one.sift(page(f"/photo/{n}"), [image(f"/{n}.png")], b"<p>one piece</p>")
        found = [page(f"/photo/{n + 1}"), page(f"/list?page={n + 1}")]
        assert one.sift(page(f"/list?page={n}"), found, b"<p>all pieces</p>") == found


def test_pages_that_differ_in_their_words_are_no_duplicates():
    one = traps(max_near_duplicates=50)
    for n in range(500):
        words = " ".join(f"{chr(97 + n % 26)}{chr(97 + n // 26)}{chr(97 + k)}" for k in range(20))
        found = [page(f"/thread/{n + 1}")]
        assert one.sift(page(f"/thread/{n}"), found, words.encode()) == found


def test_an_image_absolves_a_shape():
    one = traps(max_near_duplicates=50)
    calendar(one, 100)
    one.sift(page("/5"), [image("/found.png")], b"<p>no events</p>")
    assert not one.condemns(page("/7777"))


def test_start_pages_are_never_condemned():
    one = traps(max_near_duplicates=20)
    calendar(one, 100)
    assert not one.condemns(Task(url=f"{HOST}/9", kind=Kind.PAGE))


def test_far_from_the_start_a_page_without_a_new_image_leads_no_further():
    one = traps(max_barren_depth=20)
    found = [page("/next", 21)]
    assert one.sift(page("/a", 19), found, b"") == found
    assert one.sift(page("/b", 20), found, b"") == []
    assert one.sift(page("/c", 30), [image("/new.png"), *found], b"") != []
    assert set(traps_of(one.counts())) == {"depth"}


def test_a_shape_has_no_numbers_ids_or_order():
    assert shape_of(f"{HOST}/a/12/b;jsessionid=0AF3?x=1") == shape_of(f"{HOST}/b/a/99?y=2&z=3")
    assert shape_of(f"{HOST}/s/deadbeef01/") == shape_of(f"{HOST}/s/0123456789ab/")
    assert shape_of(f"{HOST}/a") != shape_of(f"{HOST}/b") != shape_of("http://other/b")


def test_what_is_remembered_is_bounded():
    one = traps()
    for n in range(10_000):
        name = "".join(chr(103 + int(digit)) for digit in str(n))
        one.sift(page(f"/{name}"), [], png(1))
    assert len(one._shapes) <= 4_096


def test_the_report_says_what_was_left_aside_with_an_example_for_each_kind():
    one = traps()
    one.admits(HOST + "/a/a/a/a")
    one.admits(HOST + "/a/a/a/b")
    stats = Stats(state=State.ENDED, counters={"pages": 1, **one.counts()}, dead={"trap": 7})
    report = make_report(
        stats, stats, name="", folder="", seconds=1, state="ended", totals=_Totals()
    )
    assert report.counters == {"pages": 1, "trap:path-repeats": 2}
    assert report.traps["path-repeats"].links == 2
    said = "\n".join(report.notes)
    assert "2 links whose path repeats itself" in said
    assert HOST + "/a/a/a/a" in said
    assert "7 pages" in said
    assert report.left_out == {"trap": 7}
    assert plain_counters(stats.counters) == report.counters


@pytest.mark.parametrize("kind", TOLD)
def test_one_that_was_left_aside_is_no_plural(kind):
    stats = Stats(state=State.ENDED, counters={f"trap:{kind}": 1, f"trap-at:{kind} {HOST}": 1})
    report = make_report(
        stats, stats, name="", folder="", seconds=1, state="ended", totals=_Totals()
    )
    assert re.match(rf"Left aside: 1 (link|page|sitemap) .* such as {HOST}\.$", *report.notes)


class _Totals:
    files = away = 0
