"""What a worker at a plain manager keeps in mind: tasks not answered, and what became of each."""

from pathlib import Path

import apsw
import pytest
from tests.contracts.bench import image, record

from bowerbird.catalog import CatalogReader, CatalogWriter, Fate, create
from bowerbird.manager.plain.ledger import Ledger
from bowerbird.manager.seeds import Seeder
from bowerbird.model import Death, Kind, Redirection, Task


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "taken.jsonl"


def test_what_was_not_answered_is_known_to_the_next_run(path: Path) -> None:
    ledger = Ledger(path, "tcp://a:1")
    for task in ("x", "x", "y", "痛点"):
        ledger.took(task)
    ledger.answered("x")
    ledger.answered("y")
    assert sorted(Ledger(path, "tcp://a:1").open) == ["x", "痛点"]
    assert sorted(Ledger(path, "tcp://a:1").open) == ["x", "痛点"]


def test_a_line_cut_in_the_middle_costs_no_other_line(path: Path) -> None:
    ledger = Ledger(path, "tcp://a:1")
    ledger.took("x")
    ledger.took("y")
    path.write_bytes(path.read_bytes()[:-4])
    assert Ledger(path, "tcp://a:1").open == ["x"]


def test_tasks_of_one_manager_are_not_answered_at_another(path: Path) -> None:
    Ledger(path, "tcp://a:1").took("x")
    assert Ledger(path, "tcp://b:1").open == []


def test_a_disk_that_refuses_is_borne(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "missing" / "taken.jsonl", "tcp://a:1")
    ledger.took("x")
    assert ledger.open == []


def test_how_a_url_has_ended() -> None:
    connection = apsw.Connection(":memory:")
    create(connection)
    CatalogWriter(connection).add(
        [record("http://a.test/stored")],
        [
            Redirection(from_url="http://a.test/1", to_url="http://a.test/2", status=301),
            Redirection(from_url="http://a.test/2", to_url="http://a.test/stored", status=302),
            Redirection(from_url="http://a.test/3", to_url="http://a.test/dead", status=301),
            Redirection(from_url="http://a.test/4", to_url="http://a.test/waits", status=301),
            Redirection(from_url="http://a.test/spared", to_url="http://a.test/waits", status=404),
        ],
        [],
        [dead("http://a.test/dead"), dead("http://a.test/spared")],
    )
    reader = CatalogReader(connection)
    stored = Fate(url="http://a.test/stored")
    assert [reader.fate(f"http://a.test/{name}") for name in ("stored", "1", "2")] == [stored] * 3
    assert reader.fate("http://a.test/3") == Fate(url="http://a.test/dead", reason="http-404")
    assert [reader.fate(f"http://a.test/{name}") for name in ("4", "spared", "new")] == [None] * 3


def dead(url: str) -> Death:
    return Death(url=url, first_url=url, kind=Kind.IMAGE, reason="http-404")


def test_seeds_that_trickle_in_are_added_as_they_come() -> None:
    added: list[tuple[list[Task], bool]] = []

    def add(tasks: list[Task], last: bool) -> int:
        added.append((list(tasks), last))
        return len(tasks)

    one, two = image("1"), image("2")
    seeder = Seeder([one, None, None, two], add)  # type: ignore[arg-type]
    seeder.start()
    seeder._thread.join()
    assert added == [([one], False), ([two], True)]
