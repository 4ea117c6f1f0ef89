"""The SQLite frontier against the one in memory, and against its own past."""

from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from tests.contracts.machine import LIKE_BOTH, Both
from tests.contracts.resumed import Resumed

from bowerbird.frontier.rules import Rules
from bowerbird.frontier.sqlite import SqliteFrontier


def test_sqlite_does_as_memory_does(tmp_path_factory: Any) -> None:
    class BothSqlite(Both):
        def other(self, rules: Rules) -> Any:
            folder: Path = tmp_path_factory.mktemp("machine")
            return SqliteFrontier(folder / "crawl.db", rules, self.clock)

    run_state_machine_as_test(BothSqlite, settings=LIKE_BOTH)


def test_a_crawl_killed_at_any_moment_is_sound_and_comes_to_its_end(tmp_path_factory: Any) -> None:
    class ResumedSqlite(Resumed):
        def __init__(self) -> None:
            super().__init__()
            self.folder: Path = tmp_path_factory.mktemp("resumed")

        def opened(self, rules: Rules) -> Any:
            return SqliteFrontier(self.folder / "crawl.db", rules, self.clock)

    run_state_machine_as_test(ResumedSqlite, settings=settings(LIKE_BOTH, max_examples=150))
