"""Every reason of the fetcher's, reached by a resource that really behaves so."""

import socket
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from tests.fetch_fixtures import Spool, fetch, fetching, get
from tests.site import Site

from bowerbird.errors import StorageFullError
from bowerbird.fetch import FetchLimits, Guard
from bowerbird.fetch.failures import REASONS

MIB = 1 << 20


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


# reason, path, answered, limits
CASES: list[tuple[str, str, bool, dict[str, Any]]] = [
    ("first-byte-timeout", "/silent", False, {"first_byte_s": 0.1}),
    ("idle-timeout", "/stalled", True, {"idle_s": 0.1}),
    ("timeout", "/slow-headers", True, {"total_s": 0.3}),
    ("timeout", "/drip", True, {"total_s": 0.3}),
    ("too-slow", "/drip", True, {"speed_over_s": 0.2}),
    ("too-slow", "/slow-headers", True, {"speed_over_s": 0.2}),
    ("connection-reset", "/reset-in-body", True, {}),
    ("connection-reset", "/reset", False, {}),
    ("empty-reply", "/empty-reply", False, {}),
    ("truncated", "/truncated", True, {}),
    ("truncated", "/truncated-chunks", True, {}),
    ("truncated", "/half-headers", True, {}),
    ("bad-response", "/bad-chunks", True, {}),
    ("bomb", "/loud-bomb", True, {}),
    ("bad-response", "/garbage", True, {}),
    ("bad-response", "/two-lengths", True, {}),
    ("bad-header", "/nul-header", True, {}),
    ("bad-header", "/bare-cr", True, {}),
    ("headers-too-large", "/endless-headers", True, {}),
    ("headers-too-large", "/long-header", True, {}),
    ("too-many-headers", "/many-headers", True, {}),
    ("too-many-interim", "/endless-interim", True, {}),
    ("too-large", "/endless", True, {}),
    ("too-many-chunks", "/endless-chunks", True, {}),
    ("too-large", "/huge-length", True, {}),
    ("too-large", "/bomb/gzip", True, {"ratio": 1_000_000}),
    ("bomb", "/bomb/gzip", True, {}),
    ("bomb", "/bomb/deflate", True, {}),
    ("bomb", "/bomb/br", True, {}),
    ("too-many-codings", "/coded-thrice", True, {}),
    ("bad-encoding", "/bad-gzip", True, {}),
]


@pytest.mark.parametrize(
    ("reason", "path", "answered", "limits"), CASES, ids=[f"{c[0]}{c[1]}" for c in CASES]
)
def test_misbehaviour_ends_by_its_own_reason(
    site: Site, reason: str, path: str, answered: bool, limits: dict[str, Any]
) -> None:
    response = get(site.url(path), ask={"max_bytes": 32 * MIB}, **limits)
    assert response.failure is not None
    assert response.failure.reason == reason, response.failure.detail
    assert response.failure.answered is answered
    assert response.failure.transient is REASONS[reason]
    assert (response.body, response.spool) == (b"", None)


def test_a_port_where_nobody_listens_is_refused() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        response = get(f"http://127.0.0.1:{bound.getsockname()[1]}/")
    assert response.failure is not None
    assert response.failure.reason == "connect-refused"
    assert not response.failure.answered


def test_a_queue_that_is_full_is_a_connect_timeout() -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for filler in (first, second):  # the kernel drops further SYNs
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        response = get(f"http://127.0.0.1:{full.getsockname()[1]}/", connect_s=0.2)
    assert response.failure is not None
    assert response.failure.reason == "connect-timeout"
    assert not response.failure.answered


def test_a_tls_handshake_that_is_not_answered_is_a_connect_timeout() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        response = get(f"https://127.0.0.1:{mute.getsockname()[1]}/", connect_s=0.2)
    assert response.failure is not None
    assert response.failure.reason == "connect-timeout"


def test_plain_http_where_tls_is_expected_is_a_tls_failure(site: Site) -> None:
    response = get(site.url("/bytes").replace("http:", "https:"), connect_s=2.0)
    assert response.failure is not None
    assert response.failure.reason in ("tls-failed", "connection-reset")
    assert not response.failure.answered


def test_a_certificate_that_nobody_vouches_for_is_not_retried() -> None:
    with Site(tls=True) as site:
        response = get(site.url("/bytes"))
    assert response.failure is not None
    assert (response.failure.reason, response.failure.transient) == ("tls-certificate", False)


def test_a_name_that_does_not_exist_is_a_dns_failure() -> None:
    response = get("http://nowhere.invalid/")
    assert response.failure is not None
    assert (response.failure.reason, response.failure.answered) == ("dns-failed", False)


def test_a_host_that_libcurl_cannot_read_is_a_bad_url() -> None:
    response = get("http://a b/")
    assert response.failure is not None
    assert (response.failure.reason, response.failure.transient) == ("bad-url", False)


@pytest.mark.parametrize(
    "scheme", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/"]
)
def test_no_scheme_but_http_is_ever_used(scheme: str) -> None:
    response = get(scheme)
    assert response.failure is not None
    assert response.failure.reason == "bad-url"


@pytest.mark.parametrize("error", [OSError(28, "No space left"), StorageFullError("read-only")])
def test_a_disk_that_refuses_is_told_apart_from_the_host(site: Site, error: Exception) -> None:
    class Full(Spool):
        def write(self, _data: Any) -> int:
            raise error

    with fetching() as fetcher:
        object.__setattr__(fetcher._shared, "open_spool", Full)
        response = fetch(fetcher, site.url("/bytes/100000"), spool_above=1_000)
    assert response.failure is not None
    assert response.failure.reason == "disk-full"


@pytest.mark.parametrize(("resends", "asked"), [(False, 2), (True, 3)])
def test_a_request_is_sent_twice_only_where_no_delay_forbids_it(
    site: Site, resends: bool, asked: int
) -> None:
    path = f"/closes-reused/{asked}"
    with fetching(resends=resends) as fetcher:
        first, second = (fetch(fetcher, site.url(path)) for _ in range(2))

    assert first.failure is None
    assert (second.failure is None) is resends
    if second.failure is not None:
        assert (second.failure.reason, second.failure.transient) == ("connection-reset", True)
    assert [one.path for one in site.arrivals].count(path) == asked


# Bounds that are no failure.


@pytest.mark.parametrize("path", ["/endless/404", "/endless/302", "/bomb/gzip/128/302"])
def test_a_long_body_of_an_error_or_redirect_is_cut_and_its_status_kept(
    site: Site, path: str
) -> None:
    response = get(site.url(path))
    assert response.failure is None
    assert (response.status, response.cut) == (int(path[-3:]), True)
    assert response.size == len(response.body) == 64 * 1024


@pytest.mark.parametrize("how", ["cut", "silent", "gzip"])
@pytest.mark.parametrize("status", [302, 404])
def test_a_redirect_or_error_with_a_broken_body_keeps_what_its_headers_say(
    site: Site, status: int, how: str
) -> None:
    response = get(site.url(f"/short-answer/{status}/{how}"), idle_s=0.1)
    assert response.failure is None
    assert response.status == status
    assert response.headers.get("location") == "/bytes"


def test_a_robots_file_without_end_is_read_as_far_as_asked(site: Site) -> None:
    response = get(site.url("/endless"), ask={"max_bytes": 512 * 1024, "cut": True})
    assert response.failure is None
    assert (response.status, response.cut, len(response.body)) == (200, True, 512 * 1024)


def test_a_few_interim_responses_are_let_pass(site: Site) -> None:
    response = get(site.url("/interim/3"))
    assert (response.status, response.body) == (200, b"late")
    assert response.headers.get("x-late") == "1"
    assert response.headers.get("x-early") == ""


@pytest.mark.parametrize("path", ["/endless", "/endless-chunks", "/bomb/gzip", "/bomb/br"])
def test_what_is_refused_costs_no_memory(site: Site, path: str) -> None:
    with fetching() as fetcher:
        fetch(fetcher, site.url(path), max_bytes=MIB)  # whatever is made once, is made now
        tracemalloc.start()
        response = fetch(fetcher, site.url(path), max_bytes=32 * MIB, spool_above=MIB)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert response.failure is not None
    assert peak < 80 * MIB  # our spool is in memory itself, and doubles


def test_limits_leave_room_for_an_honest_host(site: Site) -> None:
    response = get(site.url("/bytes/100000"), **dict.fromkeys(("total_s", "idle_s"), 5.0))
    assert response.failure is None
    assert FetchLimits().header_bytes == 65_536
    assert Guard().allows("8.8.8.8")
