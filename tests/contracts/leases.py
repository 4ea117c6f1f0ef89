"""What every place for items has to do under the rules of leasing: `LeasesContract`."""

from collections.abc import Callable

import pytest

from bowerbird.leases import Leases, Terms, Ticket, Verb
from bowerbird.leases.leases import BYTES_MOST
from bowerbird.testing import ManualClock

#: Opens an empty set of leases under these terms.
Open = Callable[[Terms], Leases]


def tickets(*tokens: bytes) -> list[Ticket]:
    return [Ticket(token) for token in tokens]


class LeasesContract:
    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def opened(self, clock: ManualClock) -> Open:
        raise NotImplementedError

    @pytest.fixture
    def leases(self, opened: Open) -> Leases:
        return opened(Terms(lease_s=10.0, attempts=2, retry_s=1.0))

    def take(self, leases: Leases, limit: int = 10, **more: int) -> list[bytes]:
        leases.tend()
        given = leases.take(limit, **more)
        return given.items if given else []

    def test_items_are_given_as_they_came(self, leases: Leases) -> None:
        assert leases.put([b"1", b"2"]) == 2
        leases.put([b"3"])

        assert self.take(leases, 2) == [b"1", b"2"]
        assert self.take(leases, 2) == [b"3"]
        assert leases.take(2) is None

    def test_higher_priorities_come_first(self, leases: Leases) -> None:
        leases.put([b"low"], priority=-1)
        leases.put([b"normal"])
        leases.put([b"high"], priority=7)

        assert self.take(leases) == [b"high", b"normal", b"low"]

    def test_a_finished_item_is_never_given_again(self, leases: Leases, clock: ManualClock) -> None:
        leases.put([b"1", b"2"])
        given = leases.take(2)
        assert given is not None
        assert leases.settle(tickets(given.token)) == 2
        clock.advance(1_000.0)

        assert self.take(leases) == []
        assert leases.counts.unfinished == 0

    def test_a_token_counts_once(self, leases: Leases) -> None:
        leases.put([b"1"])
        given = leases.take(1)
        assert given is not None
        assert leases.settle(tickets(given.token, given.token)) == 1
        assert leases.settle(tickets(given.token)) == 0
        assert leases.settle(tickets(b"nonsense")) == 0

    def test_parts_of_a_batch_are_settled_apart(self, leases: Leases, clock: ManualClock) -> None:
        leases.put([b"0", b"1", b"2", b"3"])
        given = leases.take(4)
        assert given is not None
        assert leases.settle([Ticket(given.token, (0, 2, 2, 9, -1))]) == 2
        assert leases.settle([Ticket(given.token, (3,))], Verb.RELEASED) == 1
        assert self.take(leases) == [b"3"]
        assert leases.settle(tickets(given.token)) == 1  # 1; 3 is another's by now
        clock.advance(11.0)

        assert self.take(leases) == [b"3"]

    def test_an_item_whose_lease_is_over_goes_to_the_next(
        self, leases: Leases, clock: ManualClock
    ) -> None:
        leases.put([b"1"])
        first = leases.take(1)
        clock.advance(9.9)
        assert self.take(leases) == []
        clock.advance(0.2)
        leases.tend()
        second = leases.take(1)

        assert first is not None
        assert second is not None
        assert (second.items, second.attempts) == ([b"1"], [2])
        assert leases.settle(tickets(first.token)) == 0
        assert leases.settle(tickets(second.token)) == 1

    def test_a_late_word_counts_while_nobody_else_has_the_item(
        self, leases: Leases, clock: ManualClock
    ) -> None:
        leases.put([b"1"])
        given = leases.take(1)
        assert given is not None
        clock.advance(11.0)
        leases.tend()
        assert leases.counts.waiting == 1

        assert leases.settle(tickets(given.token)) == 1
        assert leases.counts.unfinished == 0
        assert self.take(leases) == []

    def test_a_renewed_lease_lasts(self, leases: Leases, clock: ManualClock) -> None:
        leases.put([b"1"])
        given = leases.take(1)
        assert given is not None
        clock.advance(9.0)
        assert leases.renew(tickets(given.token)) == 1
        clock.advance(9.0)
        assert self.take(leases) == []
        assert leases.renew(tickets(given.token), 1.0) == 1
        clock.advance(1.1)
        assert self.take(leases) == [b"1"]
        assert leases.renew(tickets(given.token)) == 0

    def test_what_a_client_held_that_is_gone_goes_to_the_next(self, leases: Leases) -> None:
        leases.put([b"1", b"2", b"3"])
        assert self.take(leases, 1, holder=1) == [b"1"]
        assert self.take(leases, 1, holder=2) == [b"2"]
        leases.lost(1)
        leases.lost(9)

        assert self.take(leases) == [b"1", b"3"]

    def test_a_failed_item_waits_longer_each_time_and_dies(
        self, leases: Leases, clock: ManualClock
    ) -> None:
        leases.terms = Terms(attempts=3, retry_s=4.0)
        leases.put([b"1"])
        for wait_s in (4.0, 8.0):
            given = leases.take(1)
            assert given is not None
            leases.settle(tickets(given.token), Verb.RETRY, why="no luck")
            assert leases.next_in_s() == pytest.approx(wait_s)
            clock.advance(wait_s - 0.1)
            assert self.take(leases) == []
            clock.advance(0.2)
            leases.tend()
        given = leases.take(1)
        assert given is not None
        leases.settle(tickets(given.token), Verb.RETRY, why="no luck")
        clock.advance(10_000.0)

        assert self.take(leases) == []
        (dead,) = leases.dead()
        assert (dead.item, dead.attempts, dead.why) == (b"1", 3, "no luck")
        assert leases.counts.dead == 1

    def test_a_release_is_not_an_attempt(self, leases: Leases) -> None:
        leases.put([b"1"])
        for _ in range(5):
            given = leases.take(1)
            assert given is not None
            assert given.attempts == [1]
            leases.settle(tickets(given.token), Verb.RELEASED)

    def test_an_item_that_kills_its_clients_dies(self, leases: Leases) -> None:
        leases.put([b"poison"])
        for holder in (1, 2):
            assert self.take(leases, holder=holder) == [b"poison"]
            leases.lost(holder)

        assert self.take(leases) == []
        assert [dead.why for dead in leases.dead()] == ["client-gone"]

    def test_the_dead_can_be_looked_at_requeued_and_forgotten(self, leases: Leases) -> None:
        leases.put([b"1", b"2", b"3"])
        given = leases.take(3)
        assert given is not None
        leases.settle(tickets(given.token), Verb.DEAD, why="useless")
        ids = [dead.id for dead in leases.dead()]
        assert [dead.id for dead in leases.dead(after=ids[0], limit=1)] == ids[1:2]
        assert leases.requeue([ids[1], ids[1], 77]) == 1
        assert leases.forget([ids[0]]) == 1
        again = leases.take(3)

        assert again is not None
        assert (again.items, again.attempts) == ([b"2"], [1])
        assert leases.requeue() == 1
        assert self.take(leases) == [b"3"]
        assert leases.counts.dead == 0

    def test_a_requeued_item_is_deaf_to_the_words_of_its_first_life(self, leases: Leases) -> None:
        leases.put([b"1", b"2"])
        given = leases.take(2)
        assert given is not None
        leases.settle([Ticket(given.token, (0,))], Verb.DEAD)
        leases.requeue()

        assert leases.settle([Ticket(given.token, (0,))]) == 0
        assert leases.counts.waiting == 1

    def test_a_delayed_item_keeps_its_moment(self, leases: Leases, clock: ManualClock) -> None:
        leases.put([b"later"], in_s=5.0)
        assert self.take(leases) == []
        assert leases.next_in_s() == pytest.approx(5.0)
        clock.advance(5.0)

        assert self.take(leases) == [b"later"]

    def test_a_bounded_queue_takes_what_it_has_room_for(self, opened: Open) -> None:
        leases = opened(Terms(maxsize=2))
        assert leases.put([b"1", b"2", b"3"]) == 2
        assert leases.put([b"3"]) == 0
        assert leases.room == 0
        assert self.take(leases, 1) == [b"1"]

        assert leases.put([b"3", b"4"]) == 1
        assert self.take(leases) == [b"2", b"3"]

    def test_what_is_given_at_once_is_bounded_in_bytes(self, leases: Leases) -> None:
        big = bytes(BYTES_MOST // 2)
        leases.put([big, big, big, bytes(BYTES_MOST + 1), b"small"])
        sizes = []
        while given := leases.take(10):
            sizes.append(len(given.items))
            assert leases.settle(tickets(given.token)) == sizes[-1]

        assert sizes == [2, 1, 1, 1]
        assert leases.counts.unfinished == 0
