"""The SQLite frontier against the one in memory, through whatever happens to both."""

from pathlib import Path
from typing import Any

from hypothesis.stateful import run_state_machine_as_test
from tests.contracts.machine import LIKE_BOTH, Both

from bowerbird.frontier.rules import Rules
from bowerbird.frontier.sqlite import SqliteFrontier


def test_sqlite_does_as_memory_does(tmp_path_factory: Any) -> None:
    class BothSqlite(Both):
        def other(self, rules: Rules) -> Any:
            folder: Path = tmp_path_factory.mktemp("machine")
            return SqliteFrontier(folder / "crawl.db", rules, self.clock)

    run_state_machine_as_test(BothSqlite, settings=LIKE_BOTH)
