"""Which links belong to a crawl, and what becomes of them."""

import pytest

from bowerbird.extract import Extracted, ImageLink
from bowerbird.model import Kind, Place, Task
from bowerbird.settings import Settings, make_settings
from bowerbird.worker.links import Admission, Finder, Known
from bowerbird.worker.traps import Traps

START = "http://www.example.org/docs/index.html"


def admission(**options: object) -> Admission:
    return Admission(make_settings(dict(options)), [START])


@pytest.mark.parametrize(
    ("scope", "inside", "outside"),
    [
        ("host", "http://www.example.org/x", "http://example.org/x"),
        ("domain", "http://cdn.example.org/x", "http://example.com/x"),
        ("prefix", "http://www.example.org/docs/x", "http://www.example.org/other"),
    ],
)
def test_scope_binds_pages(scope, inside, outside):
    pages = admission(scope=scope)

    assert pages.page(inside, 1, START)
    assert not pages.page(outside, 1, START)
    assert pages.image(outside)


def test_a_start_page_that_redirects_takes_its_new_host_as_the_start():
    pages = admission()
    start = Task(url=START, kind=Kind.PAGE)

    assert pages.redirect(start, "http://new.example.net/")
    assert pages.page("http://new.example.net/deeper", 1, "http://new.example.net/")
    assert not pages.redirect(Task(url=START, kind=Kind.PAGE, depth=1), "http://new.example.net/")


def test_depth_zero_is_the_start_pages_alone():
    pages = admission(max_depth=0)

    assert not pages.page("http://www.example.org/docs/a.html", 1, START)


def test_patterns_bind_both_kinds_or_the_one_they_name():
    both = admission(exclude=["*/private/*"])
    images = admission(include=["image:*.jpg"])

    assert not both.page("http://www.example.org/private/a.html", 1, START)
    assert not both.image("http://cdn.org/private/a.png")
    assert images.page("http://www.example.org/a.html", 1, START)
    assert images.image("http://cdn.org/a.jpg")
    assert not images.image("http://cdn.org/a.png")


def test_images_that_patterns_leave_out_are_counted():
    traps = Traps(Settings())
    finder = Finder(admission(include=["/i/*"]), Known(), traps)
    images = [ImageLink(f"http://cdn.org/i/{n}.png", Place.IMG) for n in range(3)]

    assert finder.of_page(Task(url=START, kind=Kind.PAGE), Extracted(images=images)) == ([], [])
    assert traps.counts() == {"image-links-left-out": 3}


def test_a_download_follows_no_links():
    assert not admission(mode="download").page("http://www.example.org/docs/a", 1, START)


def found_by(task: Task, extracted: Extracted, **options: object) -> tuple[list, list]:
    return Finder(admission(**options), Known(), Traps(Settings())).of_page(task, extracted)


def test_what_the_frontier_has_is_not_sent_again_but_every_sighting_is():
    known = Known()
    finder = Finder(admission(), known, Traps(Settings()))
    page = Extracted(images=[ImageLink("http://cdn.org/a.png", Place.IMG, "A")], pages=[START])
    task = Task(url=START, kind=Kind.PAGE)

    first, _ = finder.of_page(task, page)
    known.add(first)
    second, sightings = finder.of_page(task, page)

    assert [t.kind for t in first] == [Kind.IMAGE, Kind.PAGE]
    assert second == []
    assert [(s.image_url, s.page_url, s.alt) for s in sightings] == [
        ("http://cdn.org/a.png", START, "A")
    ]


def test_images_and_pages_lie_one_link_deeper_and_stylesheets_with_their_page():
    tasks, _ = found_by(
        Task(url=START, kind=Kind.PAGE, depth=2),
        Extracted(
            images=[ImageLink("http://c/a.png", Place.IMG)],
            pages=["http://www.example.org/b"],
            stylesheets=["http://c/s.css"],
        ),
    )

    assert {task.kind: task.depth for task in tasks} == {
        Kind.IMAGE: 3,
        Kind.PAGE: 3,
        Kind.STYLESHEET: 2,
    }


def test_an_image_of_a_stylesheet_is_seen_on_the_page_and_asked_for_with_the_sheet():
    sheet = Task(url="http://c/s.css", kind=Kind.STYLESHEET, referrer=START)
    finder = Finder(admission(), Known(), Traps(Settings()))

    (task,), (sighting,) = finder.of_stylesheet(
        sheet, Extracted(images=[ImageLink("http://c/bg.png", Place.CSS)])
    )

    assert (task.referrer, sighting.page_url) == ("http://c/s.css", START)


def test_sitemaps_nest_no_deeper_than_two():
    found = Extracted(sitemaps=["http://www.example.org/s.xml"])
    level = {
        depth: bool(found_by(Task(url=START, kind=Kind.SITEMAP, depth=depth), found)[0])
        for depth in range(3)
    }

    assert level == {0: True, 1: True, 2: False}


def test_sitemaps_of_strangers_are_left_alone():
    finder = Finder(admission(), Known(), Traps(Settings()))

    assert finder.sitemaps_of("http://cdn.org", ["http://cdn.org/s.xml"]) == []
    assert finder.sitemaps_of("http://www.example.org", ["http://www.example.org/s.xml"]) != []
