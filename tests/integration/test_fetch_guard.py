"""The guard where it counts: on the address that is really connected to."""

from contextlib import closing

import pytest
from tests.fetch_fixtures import Spool, drain, fetch, fetching, get
from tests.site import Site

from bowerbird.fetch import Fetcher, FetchLimits, Guard, Request, Response


def refused(response: Response) -> bool:
    return response.failure is not None and response.failure.reason == "private-address"


def test_a_name_that_resolves_to_a_private_address_is_not_connected_to() -> None:
    with Site() as site:
        response = get(site.url("/bytes", host="localhost"), Guard())
        assert refused(response)
        assert not response.failure.answered  # type: ignore[union-attr]
        assert site.connections == 0


def test_a_start_url_may_be_private_and_its_port_mate_may_not() -> None:
    with Site() as site, Site() as other:
        guard = Guard([site.origin])
        with fetching(guard) as fetcher:
            assert fetch(fetcher, site.url("/bytes")).status == 200
            assert refused(fetch(fetcher, other.url("/bytes")))
            assert refused(fetch(fetcher, site.url("/bytes", host="localhost")))
        assert (site.connections, other.connections) == (1, 0)


def test_a_public_name_that_is_rebound_to_loopback_is_not_connected_to() -> None:
    with Site() as site:
        pinned = f"rebound.example:{site.port}:127.0.0.1"
        fetcher = Fetcher(FetchLimits(), Guard([site.origin]), Spool, resolve=[pinned])
        with closing(fetcher):
            assert refused(fetch(fetcher, site.url("/bytes", host="rebound.example")))
        assert site.connections == 0


def test_an_address_that_is_allowed_is_used_where_another_of_the_name_is_not() -> None:
    with Site(host="127.0.0.2") as site:
        pinned = f"two.example:{site.port}:127.0.0.1,127.0.0.2"
        guard = Guard(allow_range=["127.0.0.2/32"])
        with closing(Fetcher(FetchLimits(), guard, Spool, resolve=[pinned])) as fetcher:
            response = fetch(fetcher, site.url("/bytes", host="two.example"))
    assert (response.failure, response.address) == (None, "127.0.0.2")


class Withdrawn(Guard):
    """A guard whose permission ends."""

    over = False

    def allows(self, address: str) -> bool:
        return not self.over and address == "127.0.0.1"


def test_a_connection_is_judged_again_before_it_is_used_again() -> None:
    guard = Withdrawn()
    with Site() as site, fetching(guard) as fetcher:
        url = site.url("/bytes", host="localhost")
        assert fetch(fetcher, url).address == "127.0.0.1"
        guard.over = True
        assert refused(fetch(fetcher, url))
        assert len(site.arrivals) == site.connections == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:7f00:1]", "0.0.0.0"])
def test_literal_private_addresses_come_back_refused_with_their_key(host: str) -> None:
    with fetching(Guard()) as fetcher:
        fetcher.submit(Request(key=7, url=f"http://{host}:1/"))
        assert fetcher.in_flight == 1
        assert refused(drain(fetcher)[7])
