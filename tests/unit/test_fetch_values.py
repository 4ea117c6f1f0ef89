"""Headers, cookies and the rate: pure parts of fetching."""

import string
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fetch_fixtures import Spool

from bowerbird.clock import SystemClock
from bowerbird.errors import UsageError
from bowerbird.fetch import FetchLimits, Guard, Request
from bowerbird.fetch.budget import Budget
from bowerbird.fetch.cookies import Cookie, CookieJar, parse_cookies
from bowerbird.fetch.headers import Headers, is_header, referer_for
from bowerbird.fetch.rate import TokenBucket
from bowerbird.fetch.shared import Shared
from bowerbird.fetch.transfer import Transfer

# Headers.

BLOCK = (
    b"HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nX-Robots-Tag: noai\r\n"
    b"set-cookie:b \r\nName: caf\xe9\r\n\r\n"
)


def test_headers_are_found_without_regard_to_case() -> None:
    headers = Headers(BLOCK)
    assert headers.get("x-robots-tag") == headers.get("X-ROBOTS-TAG") == "noai"
    assert headers.get("etag", "none") == "none"
    assert headers.all("Set-Cookie") == ["a", "b"]
    assert headers.get("set-cookie") == "a, b"
    assert headers.get("name") == "café"
    assert len(headers) == 4


@given(st.binary(max_size=200))
def test_no_block_of_headers_raises(block: bytes) -> None:
    assert len(Headers(block).items()) == len(Headers(block))


@pytest.mark.parametrize(
    ("referrer", "url", "sent"),
    [
        ("http://a/p?q#f", "http://b/", "http://a/p?q"),
        ("https://a/p", "https://b/", "https://a/p"),
        ("http://a/p", "https://b/", "http://a/p"),
        ("https://a/p", "http://b/", ""),
        ("https://u:s@a/p@q", "https://b/", "https://a/p@q"),
        ("file:///etc/passwd", "http://b/", ""),
        ("", "http://b/", ""),
    ],
)
def test_a_referer_tells_no_secrets(referrer: str, url: str, sent: str) -> None:
    assert referer_for(referrer, url) == sent


@pytest.mark.parametrize("text", ["X-Key: 1", "Authorization: Bearer a.b", "X_1:", "Empty:"])
def test_headers_of_a_user_are_taken(text: str) -> None:
    assert is_header(text)


@pytest.mark.parametrize("text", ["X-Key", "", ": 1", "X Key: 1", "X: a\r\nY: b", "X: a\0", "Ü: 1"])
def test_a_header_that_would_break_the_request_is_none(text: str) -> None:
    assert not is_header(text)


# Cookies.

FILE = """\
# Netscape HTTP Cookie File
.example.org\tTRUE\t/\tFALSE\t0\tall\t1
#HttpOnly_example.org\tFALSE\t/\tTRUE\t0\tsecure\t2

www.example.org\tFALSE\t/photos\tFALSE\t4000000000\tdeep\t3\r
example.org\tFALSE\t/\tFALSE\t1\told\t4
localhost\tTRUE\t/\tFALSE\t0\tlocal\t
127.0.0.1\tTRUE\t/\tFALSE\t0\tip\t5
"""


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://example.org/", "all=1"),
        ("https://example.org/", "all=1; secure=2"),
        ("https://www.example.org/", "all=1"),
        ("http://www.example.org/photos", "deep=3; all=1"),
        ("http://www.example.org/photos/1?x=/", "deep=3; all=1"),
        ("http://www.example.org/photosynthesis", "all=1"),
        ("http://badexample.org/", ""),
        ("http://example.org.evil.net/", ""),
        ("http://localhost:8000/", "local="),
        ("http://a.localhost/", ""),
        ("http://127.0.0.1:80/", "ip=5"),
        ("http://1.127.0.0.1/", ""),
    ],
)
def test_a_cookie_goes_where_it_belongs_and_nowhere_else(url: str, sent: str) -> None:
    assert CookieJar.parse(FILE).header(url) == sent


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("just words", "line 2: 1 fields"),
        ("a\tMAYBE\t/\tFALSE\t0\tn\tv", "line 2: its 2nd"),
        ("a\tTRUE\t/\tFALSE\tsoon\tn\tv", "line 2: its 5th"),
        ("a\tTRUE\t/\tFALSE\tnan\tn\tv", "line 2: its 5th"),
        ("\tTRUE\t/\tFALSE\t0\tn\tv", "line 2: a cookie begins"),
        ("a\tTRUE\tpath\tFALSE\t0\tn\tv", "line 2: a cookie begins"),
        ("a\tTRUE\t/\tFALSE\t0\tn\tse\x00cret", "line 2: control"),
        ("a\tTRUE\t/\tFALSE\t0\tn\tsecret; more=1", "line 2: control"),
    ],
)
def test_a_broken_line_is_named_by_its_number_and_without_its_value(line: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        parse_cookies(f"# a comment\n{line}\n")
    assert "secret" not in str(caught.value)


def test_a_cookie_does_not_show_its_value() -> None:
    assert "3" not in repr(parse_cookies(FILE)[2])


TEXT = st.text(string.ascii_letters + string.digits + "-_.!", min_size=1, max_size=20)
COOKIES = st.builds(
    Cookie,
    domain=TEXT.map(lambda text: f"a{text.lower()}.example"),
    subdomains=st.booleans(),
    path=TEXT.map(lambda text: "/" + text),
    secure=st.booleans(),
    expires=st.integers(0, 1 << 40).map(float),
    name=TEXT,
    value=TEXT,
)


@given(st.lists(COOKIES, unique_by=lambda cookie: (cookie.domain, cookie.path, cookie.name)))
def test_what_is_written_is_what_is_read(cookies: list[Cookie]) -> None:
    lines = [
        "\t".join(
            (one.domain, str(one.subdomains).upper(), one.path, str(one.secure).upper(),
             f"{one.expires:.0f}", one.name, one.value)
        )
        for one in cookies
    ]  # fmt: skip
    assert list(parse_cookies("\n".join(lines))) == cookies


@given(st.text() | st.text("\t/TRUEFALS01a.\n"))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    with suppress(UsageError):
        assert CookieJar.parse(text).header("http://a.example/").isprintable()


# The rate.


def test_a_bucket_gives_its_rate_and_no_more() -> None:
    bucket, now_s, taken = TokenBucket(1_000, 0.0), 0.0, 0
    while now_s < 10.0:
        if bucket.tokens(now_s):
            bucket.take(300, now_s)
            taken += 300
        now_s += 0.01
    assert 9_900 <= taken <= 10_000 + 250 + 300  # the first burst, the last overdraft


def test_an_overdrawn_bucket_says_when_it_is_ready() -> None:
    bucket = TokenBucket(100, 0.0, burst_s=1.0)
    assert bucket.ready_in_s(0.0) == 0.0
    bucket.take(299, 0.0)
    assert (bucket.tokens(0.0), bucket.ready_in_s(0.0)) == (0, pytest.approx(2.0))
    assert bucket.tokens(2.0) == 1


def test_rest_does_not_add_up_beyond_the_burst() -> None:
    bucket = TokenBucket(100, 0.0, burst_s=0.5)
    assert bucket.tokens(1_000.0) == 50


def test_a_bucket_that_gets_a_smaller_share_gives_less_from_then_on() -> None:
    bucket = TokenBucket(1_000, 0.0, burst_s=1.0)
    bucket.take(1_000, 0.0)
    bucket.pour(250, 1.0)
    assert bucket.tokens(1.0) == 250  # nor does the old burst stand
    bucket.take(250, 1.0)
    assert bucket.tokens(2.0) == 250


def test_a_clock_that_goes_back_gives_no_tokens() -> None:
    bucket = TokenBucket(100, 10.0, burst_s=1.0)
    bucket.take(100, 10.0)
    assert bucket.tokens(5.0) == 0


def test_a_body_that_goes_to_disk_waits_for_no_memory() -> None:
    budget, other = Budget(1_000), Transfer.__new__(Transfer)
    shared = Shared(FetchLimits(), Guard(), Spool, budget, SystemClock(), ())
    transfer = Transfer(shared, None)
    transfer.begin(Request(key=1, url="http://a.org/", spool_above=0), exempt=False)
    assert transfer.on_body(b"begins in memory") is None
    budget.room, budget.runner = -5, other  # another one went on without room

    assert transfer.on_body(b"goes on to disk") is None
    assert (budget.runner, budget.waiting, transfer.size) == (other, set(), 31)
