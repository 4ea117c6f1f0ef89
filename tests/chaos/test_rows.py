"""The short form of the matrix: a few faults of some kinds. All of it: `make chaos`."""

import pytest

from tests.chaos.disks import UnableError
from tests.chaos.rows import ROWS

#: Row -> faults.
SHORT = {"2": 2, "10": 1, "11 durable": 2, "11 torn durable": 25, "40": 4}


@pytest.mark.parametrize(("row", "faults"), SHORT.items())
def test_no_promise_is_broken_by(tmp_path, row, faults):
    try:
        toll = ROWS[row](tmp_path, 1, faults)
    except UnableError as error:
        pytest.skip(str(error))

    toll.assert_kept()
    assert toll.faults
