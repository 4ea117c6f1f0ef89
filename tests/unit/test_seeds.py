"""Tasks of a list are handed on as they come."""

import threading
from collections.abc import Iterator, Sequence

import pytest

from bowerbird.frontier.base import ADD_LIMIT
from bowerbird.manager.seeds import AHEAD, PAUSE_S, Seeder, as_they_come, list_tasks
from bowerbird.model import Task


def tasks(count: int) -> Iterator[Task]:
    return list_tasks(f"http://a.org/{n}.png" for n in range(count))


def test_what_has_come_is_not_kept_back_while_more_is_waited_for() -> None:
    more = threading.Event()

    def slow() -> Iterator[Task]:
        first, second = tasks(2)
        yield first
        more.wait(20.0)
        yield second

    come, (first, second) = as_they_come(slow()), tasks(2)
    assert next(come) == first
    assert next(come) is None, "whoever gathers them knows that it is time to add"
    more.set()
    assert list(come) == [second]


def test_a_long_list_comes_whole_and_in_its_order() -> None:
    count = 3 * AHEAD + 1
    assert [task for task in as_they_come(tasks(count)) if task] == list(tasks(count))


def test_a_list_that_is_given_up_is_not_read_on() -> None:
    """Of a crawl that is stopped, from Python too, no thread is left waiting to hand more on."""
    before = set(threading.enumerate())
    come = as_they_come(tasks(100 * AHEAD))
    assert next(come) is not None
    (reader,) = set(threading.enumerate()) - before
    come.close()
    reader.join(20.0)
    assert not reader.is_alive()


def test_what_reading_raises_is_raised_behind_what_had_come() -> None:
    def broken() -> Iterator[Task]:
        yield from tasks(3)
        raise ValueError("the list breaks off")

    come = as_they_come(broken())
    assert [next(come) for _ in range(3)] == list(tasks(3))
    with pytest.raises(ValueError, match="breaks off"):
        list(come)


def test_what_ends_a_program_in_its_own_list_ends_the_crawl_and_does_not_hang_it() -> None:
    def leaving() -> Iterator[Task]:
        yield from tasks(1)
        raise SystemExit(3)

    seeder = Seeder(as_they_come(leaving()), lambda chunk, _: len(chunk))
    seeder.start()
    seeder._thread.join(20.0)
    assert isinstance(seeder.error, SystemExit)


def test_what_comes_steadily_is_added_long_before_a_chunk_is_full() -> None:
    added = threading.Event()

    def steady() -> Iterator[Task]:
        for task in tasks(ADD_LIMIT - 1):
            if added.wait(PAUSE_S / 4):
                return
            yield task

    def add(chunk: Sequence[Task], last: bool) -> int:
        if not last:
            added.set()
        return len(chunk)

    seeder = Seeder(as_they_come(steady()), add)
    seeder.start()
    seeder._thread.join(60.0)
    assert added.is_set()
