"""Entries of the catalog by their rows: each once, and not more calls than they are worth."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bowerbird.app.entries import PAGE, entries_of
from bowerbird.catalog import Entry
from bowerbird.model import Record


class Catalog:
    """One that has these rows, and counts how often it is asked."""

    def __init__(self, rows: set[int]) -> None:
        self.rows, self.calls = sorted(rows), 0

    def page(self, after: int) -> list[Entry]:
        self.calls += 1
        return [_entry(row) for row in self.rows if row > after][:PAGE]

    def entry(self, row: int) -> Entry | None:
        self.calls += 1
        return _entry(row) if row in self.rows else None


def _entry(row: int) -> Entry:
    record = Record(
        url="", final_url="", status=200, type="png", width=1, height=1, bytes=1, sha256="",
        fetched_at=0.0,
    )  # fmt: skip
    return Entry(row=row, record=record, sightings=())


def asked(catalog: Any, rows: set[int]) -> set[int]:
    found = entries_of(catalog, rows)
    assert all(row == entry.row for row, entry in found.items())
    return {*found}


@given(
    st.sets(st.integers(1, 900), max_size=500),
    st.sets(st.integers(1, 900), max_size=500),
)
def test_whatever_is_missing_or_near_each_row_is_answered_for_itself(
    there: set[int], rows: set[int]
) -> None:
    assert asked(Catalog(there), rows) == there & rows


def test_neighbours_are_asked_for_together() -> None:
    catalog = Catalog({*range(1, 2_001)})
    assert len(asked(catalog, {*range(501, 1_501)})) == 1_000
    assert catalog.calls == 1_000 // PAGE
