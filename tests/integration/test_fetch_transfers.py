"""What a fetcher does with hosts that behave: reuse, headers, spools, budget, rate, wake, abort."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.fetch_fixtures import CountingSpool, Spool, drain, fetch, fetching, get
from tests.site import Site
from tests.site.server import CERTIFICATE

from bowerbird.fetch import Fetcher, FetchLimits, Guard, Proxy, Request, Response

MIB = 1 << 20


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


def submit_all(fetcher: Fetcher, urls: list[str]) -> dict[int, Response]:
    for key, url in enumerate(urls):
        fetcher.submit(Request(key=key, url=url))
    return drain(fetcher)


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def sizes(responses: dict[int, Response]) -> list[int]:
    assert not [response.failure for response in responses.values() if response.failure]
    return [responses[key].size for key in sorted(responses)]


# Bodies and headers.


@pytest.mark.parametrize("path", ["/bytes/50000", "/chunked/50000", "/until-close/50000"])
def test_each_framing_gives_the_whole_body(site: Site, path: str) -> None:
    response = get(site.url(path))
    assert (response.failure, response.status, response.body) == (None, 200, b"x" * 50_000)
    assert response.size == response.wire_size == 50_000


@pytest.mark.parametrize("path", ["/coded/gzip", "/coded/deflate", "/coded/br", "/coded-twice"])
def test_codings_are_undone_and_the_bytes_of_both_forms_counted(site: Site, path: str) -> None:
    response = get(site.url(path))
    assert response.body == b"x" * 1_000
    assert 0 < response.wire_size < response.size == 1_000


@pytest.mark.parametrize(
    "way",
    ["unknown", "aws-chunked", "aws-chunked-gzip", "members", "something-behind", "zeros-behind",
     "bare"],
)  # fmt: skip
def test_a_body_is_not_lost_for_what_servers_get_wrong_in_its_coding(site: Site, way: str) -> None:
    response = get(site.url(f"/coded-oddly/{way}"))
    assert (response.failure, response.body) == (None, b"x" * 1_000)


def test_a_header_of_the_users_is_sent_in_place_of_ours_not_beside_it(site: Site) -> None:
    given = ("accept: image/jpeg", "Accept-Encoding: identity")
    get(site.url("/bytes"), ask={"headers": given})
    lines = site.arrivals[-1].head.split("\r\n")
    assert [line for line in lines if line.lower().startswith("accept")] == list(given)


def test_trailers_are_not_taken_for_headers(site: Site) -> None:
    headers = get(site.url("/chunked")).headers
    assert headers.get("transfer-encoding") == "chunked"
    assert headers.get("x-trailer") == ""


def test_redirects_are_not_followed(site: Site) -> None:
    response = get(site.url("/redirect"))
    assert (response.status, response.headers.get("LOCATION")) == (302, "/bytes")
    assert [arrival.path for arrival in site.arrivals] == ["/redirect"]


def test_an_error_is_a_response_with_its_headers(site: Site) -> None:
    response = get(site.url("/status/503/120"))
    assert (response.failure, response.status) == (None, 503)
    assert response.headers.get("Retry-After") == "120"


def test_what_a_request_asks_for_is_sent_and_forgotten_with_the_next(site: Site) -> None:
    page = site.url("/page").replace("http://", "http://user:secret@") + "#here"
    with fetching(user_agent="bird/1") as fetcher:
        asked = fetch(
            fetcher,
            site.url("/echo"),
            accept="image/*",
            referrer=page,
            headers=("X-Key: 1",),
            cookies="a=b; c=d",
        ).body.decode()
        plain = fetch(fetcher, site.url("/echo")).body.decode()
    assert "Accept: image/*\r\n" in asked
    assert f"Referer: {site.url('/page')}\r\n" in asked
    assert "X-Key: 1\r\n" in asked
    assert "Cookie: a=b; c=d\r\n" in asked
    assert "User-Agent: bird/1\r\n" in asked
    assert "Accept: */*\r\n" in plain
    assert not {"referer", "x-key", "cookie"} & {
        line.split(":")[0].lower() for line in plain.split("\n")
    }


def test_dot_segments_that_canonical_urls_keep_are_kept(site: Site) -> None:
    assert get(site.url("/echo//./%2E%2E/a?b=../c")).body.startswith(
        b"GET /echo//./%2E%2E/a?b=../c "
    )


def test_the_environment_names_no_proxy(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert get(site.url("/bytes")).failure is None


# Moments.


def test_moments_come_in_their_order(site: Site) -> None:
    with fetching() as fetcher:
        before_s = fetcher._clock.now_s()
        response = fetch(fetcher, site.url("/bytes"))
        after_s = fetcher._clock.now_s()
    assert before_s < response.sent_s < response.first_byte_s < after_s
    assert response.elapsed_s <= after_s - before_s


# Connections.


def test_one_connection_serves_one_request_after_another(site: Site) -> None:
    with fetching() as fetcher:
        for _ in range(20):
            assert fetch(fetcher, site.url("/bytes")).status == 200
    assert site.connections == 1


def test_no_more_connections_are_opened_than_requests_run_at_once(site: Site) -> None:
    with fetching() as fetcher:
        for _ in range(5):
            submit_all(fetcher, [site.url("/bytes")] * 8)
    assert site.connections <= 8


def test_a_host_that_closes_its_idle_connections_is_simply_called_again(site: Site) -> None:
    with fetching() as fetcher:
        assert fetch(fetcher, site.url("/until-close")).size == 10_000
        assert fetch(fetcher, site.url("/until-close")).size == 10_000


def test_a_session_of_tls_is_trusted_by_the_certificates_given() -> None:
    with Site(tls=True) as site, fetching(ca_file=str(CERTIFICATE)) as fetcher:
        assert sizes(submit_all(fetcher, [site.url("/bytes/5")] * 4)) == [5] * 4
        assert fetch(fetcher, site.url("/bytes/6")).size == 6
    assert site.connections <= 4


def test_a_closed_fetcher_leaves_no_descriptor(site: Site) -> None:
    get(site.url("/bytes"))
    before = open_descriptors()
    with fetching() as fetcher:
        submit_all(fetcher, [site.url("/bytes")] * 8)
        fetcher.submit(Request(key=99, url=site.url("/silent")))
        fetcher.poll(0.05)
    assert open_descriptors() <= before + 9  # the site's own ends of them


# Large bodies.


def test_a_large_body_goes_to_a_spool_and_a_small_one_does_not(site: Site) -> None:
    large = get(site.url("/bytes/3000000"), ask={"spool_above": MIB})
    small = get(site.url("/bytes/1000000"), ask={"spool_above": MIB})
    assert isinstance(large.spool, Spool)
    assert (large.body, large.size, large.spool.getvalue()) == (b"", 3_000_000, b"x" * 3_000_000)
    assert (small.spool, small.size) == (None, 1_000_000)


def test_a_spool_of_a_failed_transfer_is_discarded(site: Site) -> None:
    spools: list[Spool] = []

    def open_spool() -> Spool:
        spools.append(Spool())
        return spools[-1]

    with closing(Fetcher(FetchLimits(), Guard(allow_private=True), open_spool)) as fetcher:
        response = fetch(fetcher, site.url("/truncated"), spool_above=100)
    assert response.failure is not None
    assert [spool.discarded for spool in spools] == [True]


def test_bodies_beyond_the_budget_wait_their_turn_and_all_arrive(site: Site) -> None:
    with fetching(memory=200_000) as fetcher:
        assert sizes(submit_all(fetcher, [site.url("/bytes/500000")] * 12)) == [500_000] * 12
        assert fetcher._budget.room == 200_000


def test_one_transfer_goes_on_while_the_caller_holds_all_memory(site: Site) -> None:
    with fetching(memory=100_000) as fetcher:
        fetcher.hold(100_000)
        assert sizes(submit_all(fetcher, [site.url("/bytes/300000")] * 4)) == [300_000] * 4
        fetcher.release(100_000)
        assert fetcher._budget.room == 100_000


def test_waiting_for_memory_is_not_held_against_the_host(site: Site) -> None:
    with fetching(memory=50_000, idle_s=0.3, speed_over_s=0.3, min_speed=10) as fetcher:
        fetcher.hold(50_000)
        fetcher.submit(Request(key=1, url=site.url("/drip/10"), spool_above=MIB))
        for _ in range(4):  # it is the one that goes on
            fetcher.poll(0.05)
        fetcher.submit(Request(key=2, url=site.url("/bytes/200000")))
        until_s = fetcher._clock.now_s() + 1.0
        while fetcher._clock.now_s() < until_s:
            assert not [one for one in fetcher.poll(0.1) if one.key == 2]
        fetcher.abort(1)
        assert sizes(drain(fetcher)) == [200_000]


def test_memory_is_free_again_after_failures_and_aborts(site: Site) -> None:
    with fetching(total_s=0.3) as fetcher:
        submit_all(fetcher, [site.url(path) for path in ("/stalled", "/truncated", "/drip")])
        fetcher.submit(Request(key=1, url=site.url("/stalled")))
        fetcher.poll(0.1)
        fetcher.abort_all()
        assert fetcher._budget.room == FetchLimits().memory


# The rate.


def test_a_rate_is_kept_over_all_transfers_together(site: Site) -> None:
    with fetching(max_rate=2_000_000) as fetcher:
        begin_s = fetcher._clock.now_s()
        assert sizes(submit_all(fetcher, [site.url("/bytes/500000")] * 6)) == [500_000] * 6
        took_s = fetcher._clock.now_s() - begin_s
    assert took_s > 3_000_000 / 2_000_000 - 0.3  # the burst of the start


def test_a_rate_is_shared_with_workers_that_join_later(site: Site) -> None:
    with fetching(max_rate=8_000_000) as fetcher:
        fetcher.share(4)
        begin_s = fetcher._clock.now_s()
        assert sizes(submit_all(fetcher, [site.url("/bytes/500000")] * 6)) == [500_000] * 6
        took_s = fetcher._clock.now_s() - begin_s
    assert took_s > 3_000_000 / 2_000_000 - 0.3


# Ending early.


def test_a_wake_from_another_thread_ends_a_poll(site: Site) -> None:
    with fetching() as fetcher:
        fetcher.submit(Request(key=1, url=site.url("/silent")))
        thread = threading.Thread(target=fetcher.wake)
        thread.start()
        assert fetcher.poll(25.0) == []
        thread.join()


def test_a_wake_that_came_first_is_not_lost() -> None:
    with fetching() as fetcher:
        fetcher.wake()
        fetcher.wake()
        begin_s = fetcher._clock.now_s()
        assert fetcher.poll(25.0) == []
        assert fetcher._clock.now_s() - begin_s < 20.0


def test_an_aborted_request_gives_no_response_and_frees_its_place(site: Site) -> None:
    with fetching() as fetcher:
        fetcher.submit(Request(key=1, url=site.url("/silent")))
        fetcher.submit(Request(key=2, url=site.url("/bytes")))
        fetcher.abort(1)
        fetcher.abort(7)
        assert list(drain(fetcher)) == [2]
        assert fetcher.in_flight == 0


def test_a_response_that_was_not_taken_is_aborted_with_the_rest(site: Site) -> None:
    with fetching(Guard()) as fetcher:
        fetcher.submit(Request(key=1, url=site.url("/bytes")))
        fetcher.abort_all()
        assert (fetcher.in_flight, fetcher.poll(0.0)) == (0, [])


# Proxies.


def test_a_proxy_gets_the_whole_url_and_its_login_and_the_host_does_not() -> None:
    with Site() as proxy:
        way = Proxy(proxy.url(), "user:secret")
        response = get("http://site.test/echo", Guard(proxied=True), proxy=way)
        [arrival] = proxy.arrivals
    assert response.failure is None
    assert arrival.head.startswith("GET http://site.test/echo ")
    assert arrival.header("proxy-authorization").startswith("Basic ")
    assert "secret" not in repr(way)


def test_a_literal_private_address_is_refused_behind_a_proxy_too() -> None:
    with Site() as proxy:
        response = get("http://10.0.0.1/", Guard(proxied=True), proxy=Proxy(proxy.url()))
        assert proxy.arrivals == []
    assert response.failure is not None
    assert response.failure.reason == "private-address"


def test_a_proxy_that_refuses_is_told_apart_from_the_host() -> None:
    with Site() as proxy:
        response = get("https://site.test/", Guard(proxied=True), proxy=Proxy(proxy.url()))
    assert response.failure is not None
    assert (response.failure.reason, response.failure.answered) == ("proxy-failed", False)


# Many at once.


def test_64_large_bodies_at_once_stay_within_the_budget(site: Site) -> None:
    limits = FetchLimits(memory=16 * MIB)
    held: list[int] = []
    with closing(Fetcher(limits, Guard(allow_private=True), CountingSpool)) as fetcher:
        for key in range(64):
            fetcher.submit(Request(key=key, url=site.url("/flow/4000000")))
        responses: dict[int, Response] = {}
        while fetcher.in_flight:
            responses.update((one.key, one) for one in fetcher.poll(1.0))
            held.append(limits.memory - fetcher._budget.room)
    assert sizes(responses) == [4_000_000] * 64
    assert max(held) <= limits.memory + MIB  # the one that always goes on
