"""Addresses of crawls in Redis: read as meant, shown without secrets, refused with a word."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bowerbird.app.engines import any_crawl, shows_password, with_user
from bowerbird.errors import UsageError
from bowerbird.frontier.redis.address import nodes_of, parse_redis

SECRET = "s3cret%40word"


@pytest.mark.parametrize(
    ("typed", "url", "shown"),
    [
        ("redis://h?crawl=a", "redis://h", "redis://h/0?crawl=a"),
        ("redis://h:1/3?crawl=a", "redis://h:1?db=3", "redis://h:1/3?crawl=a"),
        ("rediss://h?crawl=a&db=1", "rediss://h?db=1", "rediss://h/1?crawl=a"),
        ("redis://[::1]:7/?crawl=a", "redis://[::1]:7", "redis://[::1]:7/0?crawl=a"),
        (f"redis://u:{SECRET}@h/1?crawl=a", f"redis://u:{SECRET}@h?db=1", "redis://h/1?crawl=a"),
        ("unix:///r.sock?crawl=a&db=2", "unix:///r.sock?db=2", "unix:///r.sock?db=2&crawl=a"),
        ("unix:///r.sock?crawl=a", "unix:///r.sock", "unix:///r.sock?crawl=a"),
        (
            f"redis+sentinel://:{SECRET}@a,b:3/mine?crawl=x&db=1",
            f"redis+sentinel://:{SECRET}@a,b:3/mine?db=1",
            "redis+sentinel://a,b:3/mine?db=1&crawl=x",
        ),
        (
            f"rediss+sentinel://a/mine?crawl=x&sentinel_username=w&sentinel_password={SECRET}",
            f"rediss+sentinel://a/mine?sentinel_username=w&sentinel_password={SECRET}",
            "rediss+sentinel://a/mine?crawl=x",
        ),
        ("redis://h?crawl=a&partitions=4", "redis://h", "redis://h/0?crawl=a&partitions=4"),
        ("redis+cluster://a:1,[::1]:3/?crawl=x", "redis+cluster://a:1,[::1]:3",
         "redis+cluster://a:1,[::1]:3?crawl=x"),
    ],
)  # fmt: skip
def test_an_address_is_read_as_meant_and_shown_without_secrets(
    typed: str, url: str, shown: str
) -> None:
    address = parse_redis(typed)
    assert address.url == url
    assert str(address) == shown
    assert SECRET not in f"{address!r}{address}"
    assert str(parse_redis(shown)) == shown


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("redis://h", "which crawl is missing"),
        ("redis://h?crawl=a/b", "no name of a crawl"),
        ("redis://h?crawl=" + "a" * 65, "no name of a crawl"),
        ("redis://h/x?crawl=a", "database is a number"),
        ("redis://h?crawl=a&colour=red", "colour is no option"),
        ("redis://h?crawl=a&partitions=many", "a number from 1 to"),
        ("redis://h?crawl=a&partitions=1025", "a number from 1 to"),
        ("redis://h?crawl=a&partitions=0", "a number from 1 to"),
        ("redis://h?crawl=a&partitions=", "a number from 1 to"),
        ("redis://h?crawl=a&crawl=b", "crawl is given twice"),
        ("redis://h/0?crawl=a&db=1", "in its path, and db=1"),
        ("redis://h:0?crawl=a", "“0” is no port"),
        ("redis://h:99999?crawl=a", "h:99999: “99999” is no port .* looks like"),
        ("redis+cluster://a,[::1]:port?crawl=a", "“port” is no port"),
        ("redis://[::1:7399/0?crawl=a", "looks like"),
        (f"redis://u:{SECRET}/x@h?crawl=a", "^This is no address"),
        ("unix://tmp/r.sock?crawl=a", "three slashes .* unix:///tmp/r.sock?"),
        ("redis://?crawl=a", "looks like"),
        ("redis://a,b?crawl=a", "looks like"),
        ("redis+sentinel://a?crawl=a", "looks like"),
        ("redis+cluster://a,,b?crawl=a", "looks like"),
        ("redis+cluster://a/?crawl=a&db=1", "database 0 only"),
        ("redis://h?crawl=a&sentinel_username=w", "sentinel_username is no option"),
        ("http://h?crawl=a", "looks like"),
        (f"redis://u:{SECRET}@h:port?crawl=a", "looks like"),
        (f"redis://u:{SECRET}@h", "which crawl is missing"),
    ],
)
def test_what_cannot_be_used_is_said_without_secrets(typed: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        parse_redis(typed)
    assert SECRET not in str(caught.value)


def test_who_asks_for_no_crawl_is_shown_none() -> None:
    assert str(any_crawl("redis://h/1")) == "redis://h/1"
    assert str(any_crawl("unix:///r.sock?db=2")) == "unix:///r.sock?db=2"
    assert str(any_crawl("redis://h?crawl=a")) == "redis://h/0?crawl=a"


@given(st.text(max_size=60))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    for typed in (text, f"redis://{text}", f"redis+cluster://{text}?crawl=a"):
        with contextlib.suppress(UsageError):
            parse_redis(typed)
        assert shows_password(typed) in (True, False)


def test_nodes_have_the_usual_port_unless_they_name_one() -> None:
    assert nodes_of("a,b:2,[::1]", 6_379) == [("a", 6_379), ("b", 2), ("::1", 6_379)]


def test_the_line_for_workers_names_the_users_and_no_password() -> None:
    address = parse_redis(
        f"redis+sentinel://u:{SECRET}@a/m?crawl=x&sentinel_username=w&sentinel_password={SECRET}"
    )
    assert with_user(address) == "redis+sentinel://u@a/m?crawl=x&sentinel_username=w"
    assert shows_password(f"redis+sentinel://a/m?crawl=x&sentinel_password={SECRET}")
    assert not shows_password(with_user(address))
