"""Items in SQLite sit the contract, among other queues of the same file."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bowerbird.errors import FolderError, FolderInUseError
from bowerbird.leases import Leases, Terms, Ticket, Verb
from bowerbird.leases.database import Database
from bowerbird.leases.sqlite import SqliteItems, saved_queues
from bowerbird.testing import ManualClock
from tests.contracts.leases import LeasesContract, Open


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "queues.db")


class TestSqliteLeases(LeasesContract):
    @pytest.fixture
    def opened(self, clock: ManualClock, path: str) -> Iterator[Open]:
        database = Database(path)

        def opened(terms: Terms) -> Leases:
            neighbour = Leases(SqliteItems(database, "neighbour", Terms(), clock), None, clock)
            neighbour.put([b"not yours"])
            return Leases(SqliteItems(database, "mine", terms, clock), terms, clock)

        yield opened
        database.close()


def test_leases_outlive_their_process(path: str) -> None:
    clock, terms = ManualClock(), Terms(lease_s=10.0)
    database = Database(path)
    with database.batch():
        leases = Leases(SqliteItems(database, "q", terms, clock), terms, clock)
        leases.put([b"0", b"1", b"2", b"3"])
        given, other = leases.take(2), leases.take(1)
        assert given is not None
        assert other is not None
        leases.settle([Ticket(given.token, (0,))])
        leases.settle([Ticket(other.token)], Verb.RETRY, in_s=5.0)
    database.close()

    database = Database(path)
    assert saved_queues(database) == {"q": terms}
    leases = Leases(SqliteItems(database, "q", terms, clock), terms, clock)
    assert (leases.counts.waiting, leases.counts.delayed, leases.counts.leased) == (1, 1, 1)
    clock.advance(9.0)
    leases.tend()
    assert leases.counts.leased == 1
    assert leases.settle([Ticket(given.token)]) == 1  # 1; 0 was finished before
    last = leases.take(5)
    assert last is not None
    assert last.items == [b"2", b"3"]
    database.close()


def test_a_lease_that_was_over_before_the_restart_ends_with_its_successor(path: str) -> None:
    clock, terms = ManualClock(), Terms(lease_s=10.0)
    database = Database(path)
    with database.batch():
        leases = Leases(SqliteItems(database, "q", terms, clock), terms, clock)
        leases.put([b"0"])
        first = leases.take(1)
        clock.advance(11.0)
        leases.tend()
        second = leases.take(1)
    database.close()
    assert first is not None
    assert second is not None

    database = Database(path)
    leases = Leases(SqliteItems(database, "q", terms, clock), terms, clock)
    assert leases.settle([Ticket(first.token)]) == 0
    assert leases.settle([Ticket(second.token)]) == 1
    database.close()


def test_an_item_requeued_before_the_restart_is_deaf_to_its_first_life(path: str) -> None:
    clock, terms = ManualClock(), Terms()
    database = Database(path)
    with database.batch():
        leases = Leases(SqliteItems(database, "q", terms, clock), terms, clock)
        leases.put([b"0", b"1"])
        given = leases.take(2)
        assert given is not None
        leases.settle([Ticket(given.token, (0,))], Verb.DEAD)
        leases.requeue()
    database.close()

    database = Database(path)
    leases = Leases(SqliteItems(database, "q", terms, clock), terms, clock)
    assert leases.settle([Ticket(given.token)]) == 1  # 1 alone
    assert leases.counts.waiting == 1
    database.close()


def test_a_rolled_back_batch_has_not_happened(path: str) -> None:
    clock = ManualClock()
    database = Database(path)
    with database.batch():
        leases = Leases(SqliteItems(database, "q", Terms(), clock), None, clock)
        leases.put([b"0", b"1"])
        held = leases.take(1, holder=7)
    assert held is not None
    with suppress(ZeroDivisionError), database.batch():
        leases.put([b"2"])
        leases.take(5)
        leases.settle([Ticket(held.token)])
        raise ZeroDivisionError
    leases.reload()

    assert (leases.counts.waiting, leases.counts.leased) == (1, 1)
    leases.lost(7)
    again = leases.take(5)
    assert again is not None
    assert again.items == [b"0", b"1"]
    database.close()


def test_a_second_process_is_refused(path: str) -> None:
    database = Database(path)
    with pytest.raises(FolderInUseError):
        Database(path)
    database.close()


def test_a_foreign_file_is_left_alone(path: str) -> None:
    Path(path).write_bytes(b"a diary" * 1000)
    with pytest.raises(FolderError):
        Database(path)
    assert Path(path).read_bytes() == b"a diary" * 1000
