"""Parked leases: nobody is forgotten, and one finish does not wake a thousand."""

import pytest

from bowerbird.frontier.parking import MOST_S, Parked, Parking
from bowerbird.model import Grant, Lease, LeaseReply, State, Task
from bowerbird.queues.messages import Request
from bowerbird.queues.server import Call


def parked(connection: int = 1, until_s: float = 60.0) -> Parked:
    call = Call(connection, Request(1, "lease"))
    return Parked(call, f"s{connection}", 8, until_s, State.RUNNING)


def test_one_is_due_when_the_frontier_said_and_not_before() -> None:
    parking, one = Parking(), parked()
    parking.park(one, 0.0, 0.3)
    assert parking.next_s() == pytest.approx(0.3)
    assert list(parking.due(0.29)) == []
    assert list(parking.due(0.31)) == [one]
    assert parking.next_s() is None


@pytest.mark.parametrize("next_in_s", [0.0, float("inf"), -1.0])
def test_a_strange_moment_neither_spins_nor_sleeps_for_ever(next_in_s: float) -> None:
    parking = Parking()
    parking.park(parked(), 0.0, next_in_s)
    next_s = parking.next_s()
    assert next_s is not None
    assert 0.0 < next_s <= MOST_S


def test_it_is_due_at_the_end_of_its_wait_at_the_latest() -> None:
    parking = Parking()
    parking.park(parked(until_s=0.1), 0.0, 0.9)
    assert parking.next_s() == pytest.approx(0.1)


def test_one_parked_again_is_not_due_at_its_old_moment() -> None:
    parking, one = Parking(), parked()
    parking.park(one, 0.0, 0.1)
    parking.change()
    assert list(parking.untried()) == [one]
    parking.park(one, 0.05, 0.5)
    assert list(parking.due(0.2)) == []
    assert len(parking) == 1


def test_after_a_change_all_have_a_turn_over_several_rounds_and_the_first_first() -> None:
    parking = Parking()
    all_of_them = [parked(number) for number in range(10)]
    for one in all_of_them:
        parking.park(one, 0.0, 1.0)
    parking.change()
    tried: list[Parked] = []
    while parking.behind:
        for _, one in zip(range(3), parking.untried(), strict=False):
            tried.append(one)
            parking.park(one, 0.0, 1.0)
    assert tried[: len(all_of_them)] == all_of_them
    assert len(parking) == 10


def test_a_closed_connection_takes_its_leases_along() -> None:
    parking = Parking()
    for connection in (1, 2, 1):
        parking.park(parked(connection), 0.0, 0.1)
    parking.drop(1)
    assert [one.call.connection for one in parking.due(1.0)] == [2]
    assert parking.next_s() is None


RUNNING = LeaseReply(state=State.RUNNING)
TASK = Task(url="http://x/", kind="image")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reply", "now_s", "content"),
    [
        (RUNNING, 1.0, False),
        (RUNNING, 60.0, True),
        (LeaseReply(state=State.ENDED), 1.0, True),
        (LeaseReply(state=State.PAUSED), 1.0, True),
        (LeaseReply(state=State.RUNNING, leases=(Lease(token=b"t", task=TASK),)), 1.0, True),
        (LeaseReply(state=State.RUNNING, grants=(Grant(host="x", slots=1),)), 1.0, True),
    ],
)
def test_whatever_a_session_must_know_is_an_answer(
    reply: LeaseReply, now_s: float, content: bool
) -> None:
    assert parked().content_with(reply, now_s) is content
