"""A small form of `python -m tests.broken`: files of our own making, judged by others' word."""

import pytest
from tests.broken import truth
from tests.broken.damage import damaged, pretenders
from tests.image_fixtures import whole

from bowerbird.images import Inspected, inspect
from bowerbird.settings import ALL_TYPES, Settings

OPTIONS = Settings(types=ALL_TYPES)
#: Mutations of each whole file.
COUNT = 40
#: What ends where its own letter says; a TIFF ends where nothing points any more.
LETTERED = ("png", "jpeg", "gif", "webp", "bmp", "avif")


def test_what_pretends_to_be_something_else_is_refused_or_kept_as_what_it_is() -> None:
    for name, body in pretenders().items():
        seen = inspect(body, OPTIONS)
        if isinstance(seen, Inspected):
            assert seen.type == truth.type_of(body), name


@pytest.mark.parametrize("name", [name for name in whole() if name.split()[0] in LETTERED])
def test_ends_that_are_found_by_the_letter_of_the_format_are_ours_too(name: str) -> None:
    body, kind = whole()[name], name.split()[0]
    end = truth.end_of(kind, body)

    assert isinstance(inspect(body[:end], OPTIONS), Inspected)
    for length in range(max(0, end - 30), end):
        assert not isinstance(inspect(body[:length], OPTIONS), Inspected), length


@pytest.mark.parametrize("name", whole())
def test_damaged_files_are_never_kept_under_a_wrong_type(name: str) -> None:
    for body in damaged(whole()[name], COUNT, 1):
        seen = inspect(body, OPTIONS)
        theirs = truth.type_of(body)
        if isinstance(seen, Inspected) and theirs:
            assert seen.type == theirs
