"""What fuzzing has found stays mended, and each target still holds for some thousand inputs."""

import pytest
from tests.fuzz.mutate import mutations
from tests.fuzz.targets import TARGETS

#: Inputs of each target: a tenth of a second to a second of them.
COUNT = 500


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_what_was_found_once_pass(name: str) -> None:
    target = TARGETS[name]
    for body in target.seeds():
        target.check(body)
    for path in target.found:
        target.check(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_inputs_pass(name: str) -> None:
    target = TARGETS[name]
    for body in mutations(list(target.seeds()), target.words, COUNT, 1, target.most):
        target.check(body)


def test_data_url_of_nothing_but_percent_signs_is_no_image() -> None:
    from bowerbird.extract.dataurl import MAX_ESCAPES, parse_data_url

    assert parse_data_url("data:image/png," + "%41" * MAX_ESCAPES) == b"A" * MAX_ESCAPES
    assert parse_data_url("data:image/png," + "%41" * (MAX_ESCAPES + 1)) == b""
