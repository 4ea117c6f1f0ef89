"""Who has to go: never a friend, never one of a quiet source while another one floods."""

from hypothesis import given
from hypothesis import strategies as st

from bowerbird.queues.strangers import REMEMBERED, Crowd, Strangers, source_of

FLOOD, HOUSE = b"flood", b"house"


def source(number: int) -> bytes:
    return number.to_bytes(4, "big")


def come(strangers: Strangers, numbers: range, place: bytes | None = None) -> list[int]:
    """Connections arrive, each from a place of its own or all from one; who had to go for them."""
    gone = []
    for number in numbers:
        where = place or source(number)
        out = strangers.arrived(number, where)
        if out is not None:
            gone.append(out)
            strangers.left(out, place or source(out))
    return gone


def test_one_that_floods_pushes_out_its_own() -> None:
    strangers = Strangers(most=10, most_each=10)
    assert strangers.arrived(1, HOUSE) is None
    assert strangers.arrived(2, HOUSE) is None
    gone = come(strangers, range(100, 200), FLOOD)
    assert gone == list(range(100, 100 + len(gone)))
    assert len(strangers) == 10


def test_a_single_source_gets_no_more_than_its_share() -> None:
    strangers = Strangers(most=100, most_each=5)
    assert come(strangers, range(1, 6), FLOOD) == []
    assert come(strangers, range(6, 8), FLOOD) == [1, 2]


def test_of_a_flood_from_everywhere_the_oldest_goes() -> None:
    strangers = Strangers(most=3, most_each=3)
    assert come(strangers, range(1, 8)) == [1, 2, 3, 4]


def test_a_flood_from_everywhere_pushes_out_nobody_of_the_fleet() -> None:
    strangers = Strangers(most=3, most_each=3)
    strangers.arrived(1, HOUSE)
    strangers.authenticated(1, HOUSE)
    assert strangers.arrived(2, HOUSE) is None
    assert 2 not in come(strangers, range(100, 200))


def test_those_who_wait_beside_the_first_to_have_the_key_are_no_strangers_either() -> None:
    strangers = Strangers(most=3, most_each=3)
    for number in (1, 2):
        strangers.arrived(number, HOUSE)
    assert strangers.authenticated(1, HOUSE) == []
    assert 2 not in come(strangers, range(100, 200))


def test_a_hundred_cores_behind_one_address_are_let_in_together() -> None:
    strangers = Strangers(most=1_024, most_each=256)
    assert come(strangers, range(1, 257), HOUSE) == []
    strangers.authenticated(1, HOUSE)
    assert come(strangers, range(300, 900), HOUSE) == []


def test_what_is_remembered_has_an_end() -> None:
    strangers = Strangers(most=3, most_each=3)
    for number in range(REMEMBERED + 100):
        strangers.arrived(number, source(number))
        strangers.authenticated(number, source(number))
    assert len(strangers._known) == REMEMBERED
    assert len(strangers) == 0
    assert not strangers._strange._sources
    assert not strangers._familiar._sources


def test_where_descriptors_run_out_strangers_go_before_the_fleet() -> None:
    strangers = Strangers(most=3, most_each=3)
    assert strangers.first_to_go() is None
    strangers.arrived(1, HOUSE)
    strangers.authenticated(1, HOUSE)
    strangers.arrived(2, HOUSE)
    assert strangers.first_to_go() == 2
    strangers.arrived(3, FLOOD)
    assert strangers.first_to_go() == 3


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30), st.integers(0, 4)), max_size=80))
def test_a_crowd_counts_right_whatever_comes_and_goes(
    steps: list[tuple[bool, int, int]],
) -> None:
    crowd, here = Crowd(most=6, most_each=4), {}
    for number, (comes, which, place) in enumerate(steps, 100):
        if comes:
            here[number] = source(place)
            out = crowd.add(number, source(place))
            if out is not None:
                assert crowd.remove(out, here.pop(out))
        elif which < len(here):
            leaving = list(here)[which]
            assert crowd.remove(leaving, here.pop(leaving))
        counts = [sum(1 for one in here.values() if one == source(s)) for s in range(5)]
        assert len(crowd) == len(here) <= 6
        assert max(counts) <= 4
        assert [len(crowd.of(source(s))) for s in range(5)] == counts
        first = crowd.first_to_go()
        if first is None:
            assert not here
        else:
            assert counts[int.from_bytes(here[first], "big")] == max(counts)
            assert first == min(n for n, s in here.items() if s == here[first])


def test_a_source_is_an_address_or_the_network_of_one_household() -> None:
    assert source_of(("10.0.0.1", 5)) == source_of(("::ffff:10.0.0.1", 9, 0, 0))
    assert source_of(("10.0.0.1", 5)) != source_of(("10.0.0.2", 5))
    assert source_of(("2001:db8::1", 5, 0, 0)) == source_of(("2001:db8::ffff:2", 5, 0, 0))
    assert source_of(("2001:db8::1", 5, 0, 0)) != source_of(("2001:db8:0:1::1", 5, 0, 0))
    assert source_of(("fe80::1%eth0", 5, 0, 2)) == source_of(("fe80::2", 5, 0, 2))
    assert source_of("") == source_of(None) == b""
