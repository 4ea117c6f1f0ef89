"""What a worker may do at a host, as the frontier's answers say."""

from bowerbird.model import Grant, Kind, Lease, Task
from bowerbird.worker.hosts import IDLE_S, Held, Hosts

HOST = "example.org"


def held(number: int, asked_s: float = 0.0, host: str = HOST) -> Held:
    task = Task(url=f"http://{host}/{number}", kind=Kind.IMAGE)
    return Held(Lease(token=bytes([number]), task=task), host, asked_s)


def grant(slots: int, delay_s: float = 0.0, hold_s: float = 0.0, host: str = HOST) -> Grant:
    return Grant(host=host, slots=slots, delay_s=delay_s, hold_s=hold_s)


def hosts_with(leases: int, slots: int, **facts: float) -> Hosts:
    hosts = Hosts()
    hosts.accept_leased([grant(slots, **facts)], 1, 0.0)
    for number in range(leases):
        hosts.add(held(number))
    return hosts


def test_tasks_run_ahead_of_slots_but_requests_never():
    hosts = hosts_with(leases=5, slots=2)

    assert len(hosts.take(0.0, 10)) == 2
    assert hosts.take(0.0, 10) == []

    hosts.ended(HOST, 0.0, 0.0)
    assert len(hosts.take(0.0, 10)) == 1


def test_a_lease_without_a_slot_starts_nothing():
    hosts = Hosts()
    hosts.add(held(1))

    assert hosts.take(0.0, 10) == []


def test_requests_are_spaced_by_when_the_host_saw_them_not_by_their_submission():
    hosts = hosts_with(leases=3, slots=1, delay_s=1.0)
    assert len(hosts.take(10.0, 10)) == 1

    hosts.ended(HOST, seen_s=10.4, now_s=10.5)

    assert hosts.take(11.3, 10) == []
    assert hosts.next_start_s() == 11.4
    assert len(hosts.take(11.4, 10)) == 1


def test_a_delay_that_an_answer_brought_binds_the_next_request_already():
    hosts = hosts_with(leases=2, slots=1)
    assert len(hosts.take(10.0, 10)) == 1
    hosts.ended(HOST, seen_s=10.4, now_s=10.5)  # its robots.txt
    hosts.accept([grant(1, delay_s=1.0)], 2, 10.6)

    assert hosts.take(11.3, 10) == []
    assert len(hosts.take(11.4, 10)) == 1


def test_a_hold_stops_the_host_and_no_other():
    hosts = hosts_with(leases=1, slots=1)
    hosts.accept_leased([grant(1, host="other.org")], 2, 0.0)
    hosts.add(held(7, host="other.org"))

    hosts.hold(HOST, 60.0)

    assert [taken.host for taken in hosts.take(1.0, 10)] == ["other.org"]
    assert [taken.host for taken in hosts.take(60.0, 10)] == [HOST]


def test_an_answer_that_was_overtaken_changes_nothing():
    hosts = hosts_with(leases=9, slots=4)

    hosts.accept([grant(2)], 7, 0.0)
    hosts.accept([grant(4)], 6, 0.0)

    assert len(hosts.take(0.0, 10)) == 2


def test_a_recall_gives_slots_back_only_as_requests_end():
    hosts = hosts_with(leases=9, slots=4)
    hosts.take(0.0, 10)

    hosts.accept([grant(2)], 2, 0.0)
    assert hosts.take_gifts(0.0) == {}

    hosts.ended(HOST, 0.0, 0.0)
    assert hosts.take_gifts(0.0) == {HOST: 1}
    assert hosts.take(0.0, 10) == []


def test_an_idle_host_is_given_back_whole_after_a_moment():
    hosts = hosts_with(leases=1, slots=4)
    hosts.take(0.0, 10)
    hosts.ended(HOST, 0.0, 5.0)

    assert hosts.take_gifts(5.0) == {}
    assert hosts.take_gifts(5.0 + IDLE_S) == {HOST: 4}
    assert hosts.take_gifts(6.0) == {}


def test_an_answer_made_before_a_gift_arrived_does_not_count_the_given_slots_again():
    hosts = hosts_with(leases=1, slots=4)
    hosts.take(0.0, 10)
    hosts.ended(HOST, 0.0, 0.0)
    assert hosts.take_gifts(1.0) == {HOST: 4}

    hosts.accept([grant(4)], 2, 1.0)  # of a beat answered before the gift was read
    hosts.accept_leased([grant(0)], 3, 1.0)  # of the lease that carried it
    hosts.add(held(2))

    assert hosts.take(1.0, 10) == []


def test_an_answer_made_after_a_gift_stands_though_it_came_first():
    hosts = hosts_with(leases=1, slots=4)
    hosts.take(0.0, 10)
    hosts.ended(HOST, 0.0, 0.0)
    hosts.take_gifts(1.0)

    hosts.accept([grant(3)], 5, 1.0)
    hosts.accept_leased([grant(0)], 4, 1.0)
    hosts.add(held(2))

    assert len(hosts.take(1.0, 10)) == 1


def test_what_was_not_started_in_time_goes_back():
    hosts = hosts_with(leases=0, slots=1, delay_s=20.0)
    for number in range(3):
        hosts.add(held(number, asked_s=0.0))
    hosts.take(0.0, 10)

    assert hosts.stale(30.0) == []
    assert len(hosts.stale(30.1)) == 2
    assert hosts.waiting == 0


def test_room_is_shared_among_hosts_and_the_rest_waits():
    hosts = Hosts()
    for name in ("a.org", "b.org", "c.org"):
        hosts.accept_leased([grant(2, host=name)], 1, 0.0)
        for number in range(2):
            hosts.add(held(number, host=name))

    first = hosts.take(0.0, 3)
    rest = hosts.take(0.0, 10)

    assert len(first) == 3
    assert len(rest) == 3
    assert hosts.waiting == 0


def test_a_new_session_starts_with_the_slots_of_what_is_under_way():
    hosts = hosts_with(leases=6, slots=4)
    running = hosts.take(0.0, 3)
    assert hosts.in_flight() == {HOST: 3}
    standing = [one.lease.token for one in running] + [bytes([3]), bytes([5])]

    hosts.begin_anew(hosts.in_flight(), standing)

    assert hosts.tokens() == [bytes([3]), bytes([5])], "what no longer stands is dropped"
    assert hosts.waiting == 2
    assert hosts.take(0.0, 10) == [], "no slot is free"
    hosts.ended(HOST, 0.0, 0.0)
    assert len(hosts.take(0.0, 10)) == 1, "one is, that we own"


def test_answers_count_from_one_again_in_a_new_session():
    hosts = Hosts()
    hosts.accept_leased([grant(1)], 900, 0.0)
    hosts.add(held(1))

    hosts.begin_anew({}, [bytes([1])])
    hosts.accept([grant(1)], 1, 0.0)

    assert len(hosts.take(0.0, 10)) == 1, "a manager started anew begins its count anew"


def test_a_gift_that_was_under_way_when_the_session_was_lost_is_not_waited_for():
    hosts = hosts_with(leases=1, slots=4)
    hosts.clear()
    assert hosts.take_gifts(1.0) == {HOST: 4}

    hosts.begin_anew({}, [])
    hosts.add(held(2))
    hosts.accept([grant(2)], 1, 1.0)

    assert len(hosts.take(1.0, 10)) == 1


def test_spacing_outlasts_the_session():
    hosts = hosts_with(leases=2, slots=1, delay_s=5.0)
    hosts.take(0.0, 10)

    hosts.begin_anew({HOST: 1}, [bytes([1])])
    hosts.ended(HOST, seen_s=1.0, now_s=1.0)

    assert hosts.take(5.9, 10) == []
    assert len(hosts.take(6.0, 10)) == 1
