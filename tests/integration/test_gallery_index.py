"""The gallery's index: filters and orders as plain Python has them, and what may go wrong."""

import random
from pathlib import Path

import pytest

from bowerbird.catalog import Entry
from bowerbird.catalog.gallery import Query, Sort
from bowerbird.catalog.gallery.index import GalleryIndex
from bowerbird.model import Holder, Place, Record, Sighting

TYPES = ("jpeg", "png", "webp", "svg")


def entry(row: int, url: str = "", alt: str = "", **fields: object) -> Entry:
    url = url or f"https://host-{row % 7}.example/picture-{row}.jpg"
    dice = random.Random(row)
    values = {
        "type": dice.choice(TYPES), "width": dice.randrange(1, 4_000),
        "height": dice.randrange(1, 4_000), "bytes": dice.randrange(1, 1 << 20),
        "fetched_at": 1_700_000_000.0 + row, "sha256": f"{row:064x}",
    } | fields  # fmt: skip
    record = Record(
        url=url, final_url=url, status=200,
        holders=(Holder(folder="/somewhere", path="images/x"),), **values,
    )  # type: ignore[arg-type]  # fmt: skip
    seen = Sighting(image_url=url, page_url="https://a.example/", place=Place.IMG, alt=alt)
    return Entry(row=row, record=record, sightings=(seen,))


@pytest.fixture
def index(tmp_path: Path) -> GalleryIndex:
    return GalleryIndex(tmp_path / "gallery/index.db", "one")


def urls(index: GalleryIndex, query: Query, upto: int | None = None) -> list[str]:
    view = index.view(query, upto)
    return [item.url for item in index.items(view.stretch(0, len(view)))]


MANY = [entry(row, alt="a red fox" if row % 3 else "a blue whale") for row in range(1, 2_501)]
SIDE = 3_000


@pytest.mark.parametrize(
    ("query", "passes"),
    [
        (Query(), lambda one: True),
        (Query(types=("png", "svg")), lambda one: one.record.type in ("png", "svg")),
        (Query(host="HOST-3"), lambda one: "host-3." in one.record.url),
        (Query(min_side=SIDE), lambda one: max(one.record.width, one.record.height) >= SIDE),
        (Query(max_side=SIDE), lambda one: max(one.record.width, one.record.height) <= SIDE),
        (Query(min_bytes=9_999), lambda one: one.record.bytes >= 9_999),
        (Query(max_bytes=9_999), lambda one: one.record.bytes <= 9_999),
        (
            Query(since=1_700_000_100, until=1_700_000_200),
            lambda one: 1_700_000_100 <= one.record.fetched_at < 1_700_000_200,
        ),
        (Query(words="whale"), lambda one: one.row % 3 == 0),
        (
            Query(words="fo re", types=("png",)),
            lambda one: one.row % 3 and one.record.type == "png",
        ),
        (Query(words="no such thing"), lambda one: False),
        (Query(host="nowhere"), lambda one: False),
    ],
)
def test_a_filter_finds_what_fits_and_nothing_else(index, query, passes) -> None:
    for start in range(0, 2_500, 200):
        index.take(index.cursor, MANY[start : start + 200])

    assert urls(index, query) == [one.record.url for one in reversed(MANY) if passes(one)]


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        (Sort.OLDEST, lambda one: one.row),
        (Sort.LARGEST, lambda one: (-one.record.width * one.record.height, -one.row)),
        (Sort.SMALLEST, lambda one: (one.record.width * one.record.height, -one.row)),
        (Sort.HEAVIEST, lambda one: (-one.record.bytes, -one.row)),
        (Sort.LIGHTEST, lambda one: (one.record.bytes, -one.row)),
        (Sort.HOST, lambda one: (one.row % 7, -one.row)),
    ],
)
def test_an_order_is_the_one_that_was_asked_for(index, sort, key) -> None:
    index.take(0, MANY)

    assert urls(index, Query(sort=sort)) == [one.record.url for one in sorted(MANY, key=key)]


def test_places_stay_where_they_are_while_images_arrive(index) -> None:
    index.take(0, MANY[:1_500])
    before = urls(index, Query(), 1_500)
    index.take(index.cursor, MANY[1_500:])

    assert urls(index, Query(), 1_500) == before
    assert len(index.view(Query())) == 2_500


def test_an_index_that_is_opened_again_knows_all_it_knew(tmp_path, index) -> None:
    index.take(0, MANY)
    index.close()

    again = GalleryIndex(tmp_path / "gallery/index.db", "one")

    assert again.cursor == 2_500
    assert urls(again, Query()) == [one.record.url for one in reversed(MANY)]


def test_two_dashboards_add_each_image_once(tmp_path, index) -> None:
    other = GalleryIndex(tmp_path / "gallery/index.db", "one")
    assert index.take(0, MANY[:700]) == 700
    assert other.take(0, MANY[:700]) == 0
    assert other.take(other.cursor, MANY[700:1_000]) == 300
    assert index.take(0, MANY[:200]) == 0

    assert urls(index, Query()) == urls(other, Query())
    assert len(urls(index, Query())) == 1_000


def test_an_index_of_another_crawl_in_this_folder_is_not_believed(tmp_path, index) -> None:
    index.take(0, MANY)
    index.close()

    assert GalleryIndex(tmp_path / "gallery/index.db", "two").count == 0


def test_an_image_that_was_fetched_anew_is_shown_once(tmp_path, index) -> None:
    index.take(0, MANY[:1_200])
    anew = entry(3_000, url=MANY[4].record.url)
    index.take(index.cursor, [anew])

    shown = urls(index, Query())
    assert shown[0] == anew.record.url
    assert len(shown) == len(set(shown)) == 1_200
    assert urls(GalleryIndex(tmp_path / "gallery/index.db", "one"), Query()) == shown


def test_a_text_that_comes_later_is_found_and_one_that_is_no_more_is_not(tmp_path, index) -> None:
    index.take(0, MANY[:30])
    assert urls(index, Query(words="lantern")) == []
    late = entry(7, alt="a paper lantern")
    index.describe(41, [late, entry(8, alt="a red fox")])

    for one in (index, GalleryIndex(tmp_path / "gallery/index.db", "one")):
        assert one.seen == 41
        assert urls(one, Query(words="paper lantern")) == [late.record.url]
        assert late.record.url not in urls(one, Query(words="fox"))
        assert len(urls(one, Query(words="fox"))) == 19
        assert urls(one, Query(words="picture-7")) == [late.record.url]


def test_counts_are_those_of_what_is_shown(index) -> None:
    index.take(0, MANY)
    facets = index.facets(index.view(Query(types=("png",))))
    fits = [one.record for one in MANY if one.record.type == "png"]

    assert facets.images == len(fits)
    assert facets.bytes == sum(one.bytes for one in fits)
    assert facets.types == {"png": len(fits)}
    assert sum(count for _, count in facets.hosts) == len(fits)


def test_an_image_from_a_page_itself_has_no_host_and_is_shown(index) -> None:
    index.take(0, [entry(1, url="data:image/png;sha256,00ff")])

    assert urls(index, Query(sort=Sort.HOST)) == ["data:image/png;sha256,00ff"]
