"""What is typed into the gallery's search, and what is looked for."""

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bowerbird.catalog.gallery.words import name_of, question, spaced


def found(text: str, typed: str) -> bool:
    database = apsw.Connection(":memory:")
    database.execute(
        "CREATE VIRTUAL TABLE word USING fts5 (text, tokenize='unicode61 remove_diacritics 2')"
    )
    database.execute("INSERT INTO word VALUES (?)", (spaced(text),))
    asked = question(typed)
    return bool(asked and list(database.execute("SELECT 1 FROM word WHERE word MATCH ?", (asked,))))


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("Evening light over the harbour", "harb"),
        ("Evening light over the harbour", "light evening"),
        ("old_harbour-12.jpg", "harbour"),
        ("Café Müller", "cafe muller"),
        ("東京の夜景", "夜景"),
        ("a AND b", "and"),
        ("Photo (1998)", "(1998)"),
    ],
)
def test_what_people_type_is_found(text: str, typed: str) -> None:
    assert found(text, typed)


@pytest.mark.parametrize("typed", ["harbour NOT light", "night", "   ", "***", '"', "text:x"])
def test_nothing_typed_is_taken_for_the_language_of_the_index(typed: str) -> None:
    assert not found("Evening light over the harbour", typed)


@given(st.text(), st.text())
def test_no_text_breaks_the_search(text: str, typed: str) -> None:
    found(text, typed)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://a.example/x/evening%20ridge.jpg?w=3", "evening ridge.jpg"),
        ("https://a.example/", ""),
        ("https://[bad/", ""),
        ("data:image/png;sha256,00", "png;sha256,00"),
    ],
)
def test_an_image_has_the_name_of_its_url(url: str, name: str) -> None:
    assert name_of(url) == name
