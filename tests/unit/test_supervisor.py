"""Workers that end as soon as they start are given up, and no others."""

import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from bowerbird.clock import SystemClock
from bowerbird.manager.supervisor import Supervisor
from bowerbird.testing import ManualClock


@dataclass
class Process:
    """A worker process that ends when its end has come."""

    clock: ManualClock
    ends_s: float
    status: int

    def poll(self) -> int | None:
        return self.status if self.clock.now_s() >= self.ends_s else None


@dataclass
class Crew:
    """Workers of a supervisor, each of which lives so long and ends so."""

    count: int
    lives_s: float
    status: int
    clock: ManualClock = field(default_factory=ManualClock)
    starts: int = 0

    def supervisor(self) -> Supervisor:
        def spawn(_: Any) -> Any:
            self.starts += 1
            return Process(self.clock, self.clock.now_s() + self.lives_s, self.status)

        supervisor = Supervisor(["worker"], self.count, self.clock, spawn)
        supervisor.start()
        return supervisor

    def give_up_s(self, within_s: float = 600.0) -> float | None:
        """When it is given up; None: it is not."""
        supervisor = self.supervisor()
        began_s = self.clock.now_s()
        while not supervisor.hopeless() and self.clock.now_s() < began_s + within_s:
            self.clock.advance(0.1)
            supervisor.check()
        return self.clock.now_s() - began_s if supervisor.hopeless() else None


@pytest.mark.parametrize("count", [1, 2, 8, 50])
def test_a_defect_at_the_start_is_given_up_within_seconds(count: int) -> None:
    crew = Crew(count, 0.3, status=1)
    assert (crew.give_up_s() or 99) < 15.0
    assert crew.starts <= max(6, 3 * count)


def test_a_fleet_that_is_killed_at_once_is_started_again() -> None:
    crew = Crew(50, 4.0, status=-9)
    supervisor = crew.supervisor()
    crew.lives_s = 1e9
    for _ in range(2):  # by the same hand, as soon as they are there again
        crew.clock.advance(4.0)
        supervisor.check()
        assert not supervisor.hopeless()
        crew.clock.advance(5.0)
        supervisor.check()
    assert (supervisor.running, crew.starts) == (50, 100)


def test_tasks_that_end_a_worker_each_do_not_end_the_crawl() -> None:
    # One bad task ends four workers at most before it is dead itself.
    crew = Crew(1, 0.3, status=1)
    supervisor = crew.supervisor()
    for _ in range(100):
        crew.clock.advance(0.1)
        if supervisor.deaths == 4:
            crew.lives_s = 60.0
        supervisor.check()
    assert not supervisor.hopeless()


def test_many_bad_tasks_one_after_the_other_do_not_end_the_crawl_nor_hold_it_up() -> None:
    crew = Crew(2, 0.3, status=-9)
    supervisor = crew.supervisor()
    began_s = crew.clock.now_s()
    for worked in range(50):  # four workers between one task's end and the next
        deaths = supervisor.deaths
        while supervisor.deaths < deaths + 4:
            crew.clock.advance(0.1)
            supervisor.check(worked)
            assert not supervisor.hopeless()
    assert crew.clock.now_s() - began_s < 50 * 4.0


def test_a_worker_that_heard_of_an_end_that_was_none_is_started_again() -> None:
    crew = Crew(1, 1.0, status=0)
    supervisor = crew.supervisor()
    for _ in range(3):
        crew.clock.advance(1.0)
        supervisor.check(goes_on=True)
    assert (crew.starts, supervisor.deaths) == (2, 0)


def test_a_worker_that_ended_with_its_crawl_is_not_started_again() -> None:
    crew = Crew(1, 1.0, status=0)
    supervisor = crew.supervisor()
    for _ in range(3):
        crew.clock.advance(1.0)
        supervisor.check()
    assert (crew.starts, supervisor.running) == (1, 0)


def test_the_death_that_ends_a_crawl_is_counted() -> None:
    dies = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    supervisor = Supervisor([sys.executable, "-c", dies], 2, SystemClock())
    supervisor.start()
    supervisor.wait(60.0)
    assert supervisor.deaths == 2


def test_who_ends_because_it_is_asked_to_has_not_died() -> None:
    sleeps = "import time; time.sleep(60)"
    supervisor = Supervisor([sys.executable, "-c", sleeps], 2, SystemClock())
    supervisor.start()
    supervisor.stop(60.0)
    assert supervisor.deaths == 0


def test_the_end_of_a_worker_is_not_slept_through() -> None:
    supervisor = Supervisor([sys.executable, "-c", "pass"], 1, SystemClock())
    supervisor.start()
    supervisor.pause(600.0)
    supervisor.check(goes_on=True)
    assert supervisor.running == 1  # it waits to be started again
    supervisor.wait(60.0)


def test_who_is_killed_by_the_manager_has_not_died() -> None:
    supervisor = Supervisor([sys.executable, "-c", "input()"], 2, SystemClock())
    supervisor.start()
    supervisor.strike()
    supervisor.wait(60.0)
    assert supervisor.deaths == 0
