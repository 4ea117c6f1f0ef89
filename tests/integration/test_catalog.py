"""The catalog over a real SQLite: repeats are harmless, redirections resolve, stretches fit."""

import hashlib
from collections.abc import Iterator

import apsw
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bowerbird.catalog import (
    Added,
    Boot,
    CatalogReader,
    CatalogWriter,
    boot_now,
    create,
    last_boot,
    note_boot,
)
from bowerbird.catalog.paths import pack, unpack
from bowerbird.errors import FrontierError
from bowerbird.model import Death, Holder, Kind, Place, Record, Redirection, Sighting


@pytest.fixture
def connection() -> Iterator[apsw.Connection]:
    connection = apsw.Connection(":memory:")
    create(connection)
    yield connection
    connection.close()


@pytest.fixture
def writer(connection: apsw.Connection) -> CatalogWriter:
    return CatalogWriter(connection)


@pytest.fixture
def reader(connection: apsw.Connection) -> CatalogReader:
    return CatalogReader(connection)


def record(name: str, body: str = "", *, at: float = 1e9, folder: str = "/out") -> Record:
    sha256 = hashlib.sha256((body or name).encode()).hexdigest()
    return Record(
        url=f"https://a.org/{name}", final_url=f"https://a.org/{name}", status=200, type="jpeg",
        width=8, height=6, bytes=100, sha256=sha256, fetched_at=at, exif_date="2020-01-01T00:00:00",
        orientation=6, frames=2, etag='"e"', last_modified="yesterday", damaged=True,
        holders=(Holder(folder=folder, path=f"images/{sha256[:2]}/{sha256}.jpg", worker="w1"),),
    )  # fmt: skip


def sighting(name: str, page: str, place: Place = Place.IMG) -> Sighting:
    return Sighting(
        image_url=f"https://a.org/{name}", page_url=f"https://a.org/{page}", place=place, alt="Ä b"
    )


def moved(source: str, target: str) -> Redirection:
    return Redirection(
        from_url=f"https://a.org/{source}", to_url=f"https://a.org/{target}", status=301
    )


def test_a_record_comes_back_with_all_it_had(writer: CatalogWriter, reader: CatalogReader) -> None:
    written = record("x.jpg")

    assert writer.add([written]) == Added(new_records=1, new_bytes=100)
    assert [entry.record for entry in reader.entries()] == [written]
    assert reader.results().records == (written,)


def test_the_same_finish_twice_counts_once(writer: CatalogWriter, reader: CatalogReader) -> None:
    death = Death(url="https://a.org/d", first_url="", kind=Kind.IMAGE, reason="gone")
    batch = ([record("x.jpg")], [moved("m", "x.jpg")], [sighting("x.jpg", "p")], [death])
    writer.add(*batch)

    assert writer.add(*batch) == Added()
    totals = reader.totals()
    assert (totals.records, totals.bytes, totals.sightings) == (1, 100, 1)
    assert (totals.redirections, totals.deaths) == (1, 1)


def test_a_repeat_inside_one_batch_counts_once(writer: CatalogWriter) -> None:
    assert writer.add([record("x.jpg"), record("x.jpg")]).new_records == 1


def test_a_second_worker_is_a_second_holder_of_the_same_bytes_only(
    writer: CatalogWriter, reader: CatalogReader
) -> None:
    writer.add([record("x.jpg"), record("x.jpg", "other bytes", folder="/wrong")])
    writer.add([record("x.jpg", folder="/second")])
    writer.add([record("x.jpg", "other bytes", folder="/wrong")])

    (entry,) = reader.entries()
    assert [holder.folder for holder in entry.record.holders] == ["/out", "/second"]


def test_equal_bytes_under_two_urls_are_two_records_and_one_file(
    writer: CatalogWriter, reader: CatalogReader
) -> None:
    writer.add([record("a.jpg", "same"), record("b.jpg", "same")])

    assert (reader.totals().records, reader.totals().files) == (2, 1)


def test_sightings_of_every_first_url_resolve_to_the_record(
    writer: CatalogWriter, reader: CatalogReader
) -> None:
    seen = [sighting("x.jpg", "p0"), sighting("one", "p1"), sighting("two", "p2")]
    writer.add([], [moved("two", "one"), moved("one", "x.jpg")], seen)
    writer.add([record("x.jpg"), record("y.jpg")])

    entries = reader.entries()
    assert entries[0].sightings == tuple(seen)
    assert entries[1].sightings == ()


def test_sightings_of_a_dead_first_url_resolve_to_the_other_size_that_was_stored(
    writer: CatalogWriter, reader: CatalogReader
) -> None:
    other_size = msgspec.structs.replace(record("small"), url="https://a.org/dead")
    seen = [sighting("dead", "p1"), sighting("leads-to-dead", "p2"), sighting("small", "p3")]
    writer.add([other_size], [moved("leads-to-dead", "dead")], seen)
    (entry,) = reader.entries()
    assert entry.sightings == (seen[2], seen[0], seen[1])

    writer.add(sightings=[sighting("dead", f"q{page}") for page in range(120)])
    (entry,) = reader.entries()
    assert len(entry.sightings) + entry.sightings_more == 123


def test_redirections_in_a_circle_end(writer: CatalogWriter, reader: CatalogReader) -> None:
    circle = [moved("a", "b"), moved("b", "c"), moved("c", "a"), moved("x.jpg", "x.jpg")]
    writer.add([record("a")], circle, [sighting(name, "p") for name in "abc"])

    (entry,) = reader.entries()
    assert {seen.image_url[-1] for seen in entry.sightings} == {"a", "b", "c"}
    assert len(entry.sightings) == 3


def test_chains_are_followed_for_ten_hops(writer: CatalogWriter, reader: CatalogReader) -> None:
    chain = [moved(f"{hop + 1}", f"{hop}") for hop in range(12)]
    writer.add([record("0")], chain, [sighting(f"{hop}", "p") for hop in range(13)])

    (entry,) = reader.entries()
    assert [seen.image_url for seen in entry.sightings] == [f"https://a.org/{i}" for i in range(11)]


def test_a_logo_on_every_page_is_kept_a_hundred_times_and_counted(
    writer: CatalogWriter, reader: CatalogReader
) -> None:
    writer.add([record("logo.png")])
    for start in range(0, 250, 50):
        pages = range(start, start + 50)
        writer.add(sightings=[sighting("logo.png", f"p{page}") for page in pages])
    writer.add(sightings=[sighting("logo.png", "p0")])

    (entry,) = reader.entries()
    assert [seen.page_url for seen in entry.sightings] == [
        f"https://a.org/p{i}" for i in range(100)
    ]
    assert entry.sightings_more == 150
    assert reader.totals().sightings == 250


def test_sightings_over_several_urls_are_cut_and_counted_too(
    writer: CatalogWriter, reader: CatalogReader
) -> None:
    writer.add([record("x")], [moved("y", "x")])
    for name in "xy":
        writer.add(sightings=[sighting(name, f"p{page}") for page in range(120)])

    (entry,) = reader.entries()
    assert (len(entry.sightings), entry.sightings_more) == (100, 140)


def test_one_page_may_show_an_image_in_two_places(
    writer: CatalogWriter, reader: CatalogReader
) -> None:
    writer.add([record("x")], [], [sighting("x", "p"), sighting("x", "p", Place.META)])

    assert len(reader.entries()[0].sightings) == 2


def test_texts_of_strangers_are_cut(writer: CatalogWriter, reader: CatalogReader) -> None:
    long = Sighting(image_url="https://a.org/x", page_url="", place=Place.IMG, alt="ä" * 10**6)
    writer.add([record("x")], [], [long])

    assert len(reader.entries()[0].sightings[0].alt) == 1_000


def test_a_requeued_task_has_no_death_and_a_new_one_is_told_again(
    writer: CatalogWriter, reader: CatalogReader
) -> None:
    death = Death(url="https://a.org/d", first_url="https://a.org/f", kind=Kind.PAGE, reason="500")
    writer.add(deaths=[death])
    cursor = reader.results().cursor
    assert reader.results(cursor).deaths == ()

    writer.forget_deaths(["https://a.org/d", "https://a.org/never"])
    assert reader.results().deaths == ()

    writer.add(deaths=[death])
    assert reader.results(cursor).deaths == (death,)


def test_a_forgotten_record_can_be_written_anew(
    writer: CatalogWriter, reader: CatalogReader
) -> None:
    writer.add([record("x", "damaged"), record("y")])
    cursor = reader.results().cursor

    gone = writer.forget_records(["https://a.org/x", "https://a.org/never"])

    assert gone == Added(new_records=1, new_bytes=100)
    assert [entry.record.url for entry in reader.entries()] == ["https://a.org/y"]
    again = record("x", "whole")
    assert writer.add([again]).new_records == 1
    assert reader.results(cursor).records == (again,)


def test_results_come_in_stretches_once_each(writer: CatalogWriter, reader: CatalogReader) -> None:
    writer.add([record(f"{i}") for i in range(7)], [moved(f"m{i}", "0") for i in range(3)])

    names, cursor = [], ""
    while True:
        results = reader.results(cursor, 2)
        if results.cursor == cursor or not (results.records or results.redirections):
            break
        names += [one.url for one in results.records] + [
            one.from_url for one in results.redirections
        ]
        cursor = results.cursor

    assert len(names) == len(set(names)) == 10


def test_entries_come_in_stretches_once_each(writer: CatalogWriter, reader: CatalogReader) -> None:
    writer.add([record(f"{i}") for i in range(7)])

    first = reader.entries(0, 3)
    rest = reader.entries(first[-1].row, 10)

    assert [e.record.url for e in first + rest] == [f"https://a.org/{i}" for i in range(7)]
    assert reader.entries(rest[-1].row) == []


@pytest.mark.parametrize(
    "cursor", ["x", "1", "1.2.3", "1.2.3.4.5", "-1.0.0.0", "1.2.3.x", "²...", "...."]
)
def test_a_cursor_of_someone_else_is_refused(reader: CatalogReader, cursor: str) -> None:
    with pytest.raises(FrontierError, match="no cursor"):
        reader.results(cursor)


def test_a_rolled_back_batch_leaves_nothing(
    connection: apsw.Connection, writer: CatalogWriter, reader: CatalogReader
) -> None:
    with pytest.raises(RuntimeError), connection:
        _write_and_fail(writer)

    assert reader.totals().records == 0
    assert writer.add([record("x")]).new_records == 1


def _write_and_fail(writer: CatalogWriter) -> None:
    writer.add([record("x")])
    raise RuntimeError


def test_tables_are_made_once_and_kept(connection: apsw.Connection, writer: CatalogWriter) -> None:
    writer.add([record("x")])
    create(connection)

    assert CatalogReader(connection).totals().records == 1


def test_only_records_of_the_last_minute_are_in_doubt(
    writer: CatalogWriter, reader: CatalogReader
) -> None:
    writer.add([record("old", at=1_000.0), record("new", at=1_059.0), record("newest", at=1_100.0)])

    assert [one.url[-3:] for one in reader.recent(60)] == ["new", "est"]


def test_wrong_clocks_of_workers_hide_none_of_those_in_doubt(
    writer: CatalogWriter, reader: CatalogReader
) -> None:
    writer.add([record("old", at=1_000.0), record("ahead", at=4_600.0), record("new", at=1_090.0)])
    writer.add([record("behind", at=10.0), record("newest", at=1_100.0)])

    in_doubt = [one.url.rpartition("/")[2] for one in reader.recent(60, 1_101.0)]
    assert in_doubt == ["ahead", "new", "behind", "newest"]


def test_another_boot_is_noticed_and_the_same_one_is_not(
    writer: CatalogWriter, reader: CatalogReader
) -> None:
    assert last_boot(reader) is None  # a catalog that was never written

    note_boot(writer, boot_now())
    assert last_boot(reader) == boot_now()

    note_boot(writer, Boot(id="another life"))
    assert last_boot(reader) == Boot(id="another life")
    assert not boot_now().is_same(Boot(id="another life"))


def test_where_boots_have_no_id_their_time_tells_them_apart() -> None:
    assert Boot(began_at=1_000.0).is_same(Boot(began_at=1_001.5))
    assert not Boot(began_at=1_000.0).is_same(Boot(began_at=2_000.0))


@given(st.text(max_size=99).filter(lambda path: not path.startswith("*")))
def test_a_holders_path_is_packed_without_loss(path: str) -> None:
    sha256 = "ab" * 32

    assert unpack(pack(path, sha256), sha256) == path
    assert unpack(pack(f"images/ab/{sha256}.jpg", sha256), sha256) == f"images/ab/{sha256}.jpg"
    assert len(pack(f"images/ab/{sha256}.jpg", sha256)) == 5


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    hops=st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), max_size=8),
    final=st.sampled_from("abcdef"),
)
def test_a_url_leads_to_a_record_exactly_if_following_it_gets_there(
    hops: list[tuple[str, str]], final: str
) -> None:
    connection = apsw.Connection(":memory:")
    create(connection)
    everywhere = [sighting(name, "p") for name in "abcdef"]
    CatalogWriter(connection).add([record(final)], [moved(*hop) for hop in hops], everywhere)

    (entry,) = CatalogReader(connection).entries()

    expected = {name for name in "abcdef" if _arrives(name, dict(hops), final)}
    assert {seen.image_url[-1] for seen in entry.sightings} == expected
    connection.close()


def _arrives(name: str, targets: dict[str, str], final: str) -> bool:
    for _ in range(10):
        if name == final:
            return True
        name = targets.get(name, "")
    return name == final
