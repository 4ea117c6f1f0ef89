"""docs/reliability.md says nothing that is not there, and keeps what was run."""

import re
from pathlib import Path

from tests.chaos import page
from tests.chaos.__main__ import PAGE
from tests.chaos.toll import Toll

ROOT = PAGE.parents[1]


def test_every_test_that_the_page_names_exists():
    named = set(re.findall(r"`(tests/[\w/.]+)`", PAGE.read_text()))

    assert {one for one in named if not (ROOT / one).exists()} == set()
    assert len(named) > 20


def test_a_row_run_again_takes_the_place_of_its_line_and_of_no_other(tmp_path: Path):
    path = tmp_path / "page.md"
    path.write_text(f"before\n{page.BEGIN}\n\n{page.END}\nafter\n")
    for tolls in (
        [Toll("11", 1)],
        [Toll("2", 1)],
        [Toll("11 durable", 1)],
        [Toll("2", 1), Toll("2", 2)],
    ):
        page.put(path, tolls)
    lines = path.read_text().splitlines()
    rows = [line.split(" | ")[:2] for line in lines if re.match(r"\| \d", line)]

    assert rows == [["| 2", "1–2"], ["| 11", "1"], ["| 11 durable", "1"]]
    assert (lines[0], lines[-1]) == ("before", "after")
