"""What answers and failures mean for their tasks."""

import random

import pytest

from bowerbird.fetch import Failure, Headers, Response
from bowerbird.model import Kind, Lease, Task, Verb
from bowerbird.settings import make_settings
from bowerbird.worker.judge import Judge

URL = "http://example.org/a.jpg"


def judge(**options: object) -> Judge:
    admits = lambda task, url: "elsewhere" not in url  # noqa: E731
    return Judge(make_settings(dict(options)), lambda: 1_000_000.0, admits, random.Random(1))


def lease(kind: Kind = Kind.IMAGE, attempts: int = 0, **task: object) -> Lease:
    return Lease(token=b"t", task=Task(url=URL, kind=kind, **task), attempts=attempts)  # type: ignore[arg-type]


def response(status: int, **headers: str) -> Response:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return Response(key=1, url=URL, status=status, headers=Headers(lines.encode()))


def test_what_may_pass_is_tried_again_later_and_later():
    waits = [
        judge().failed(lease(attempts=n), Failure("timeout", transient=True)).in_s for n in range(3)
    ]

    assert waits == sorted(waits)
    assert 0.5 <= waits[0] <= 1.0


def test_tries_end_with_retries():
    last = judge(retries=2).failed(lease(attempts=2), Failure("timeout", transient=True))

    assert (last.verb, last.reason) == (Verb.DEAD, "timeout")


def test_what_will_not_pass_is_not_tried_again():
    outcome = judge().failed(lease(), Failure("too-large", answered=True))

    assert (outcome.verb, outcome.reason, outcome.answered) == (Verb.DEAD, "too-large", True)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451, 204])
def test_a_refusal_is_final(status):
    outcome = judge().answered(lease(), response(status))

    assert outcome is not None
    assert (outcome.verb, outcome.reason) == (Verb.DEAD, f"http-{status}")


@pytest.mark.parametrize("status", [500, 502, 504, 408])
def test_a_server_error_may_pass_and_does_not_hold_the_host(status):
    outcome = judge().answered(lease(), response(status))

    assert outcome is not None
    assert (outcome.verb, outcome.hold_s) == (Verb.RETRY, 0.0)


@pytest.mark.parametrize(
    ("retry_after", "hold_s"),
    [("7", 7.0), ("0", 0.0), ("99999999999", 3600.0), ("-5", 5.0), ("rubbish", 5.0),
     ("Mon, 12 Jan 1970 13:47:10 GMT", 430.0 - 400.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)],
)  # fmt: skip
def test_429_holds_the_host_for_as_long_as_it_asks_within_bounds(retry_after, hold_s):
    outcome = judge().answered(lease(), response(429, retry_after=retry_after))

    assert outcome is not None
    assert outcome.hold_s == hold_s
    assert outcome.in_s >= hold_s


def test_a_body_is_looked_at_only_where_there_may_be_one():
    assert judge().answered(lease(), response(200)) is None


def test_a_redirect_is_an_outcome_with_the_whole_chain_in_its_target():
    start = lease(first_url="http://example.org/first", hops=2, depth=3, referrer="http://r/")

    outcome = judge().answered(start, response(302, location="/b.jpg#x"))

    assert outcome is not None
    assert outcome.verb is Verb.MOVED
    assert outcome.moved == Task(
        url="http://example.org/b.jpg", kind=Kind.IMAGE, depth=3, hops=3,
        first_url="http://example.org/first", referrer="http://r/",
    )  # fmt: skip


@pytest.mark.parametrize("location", ["", "file:///etc/passwd", "ftp://x/", "http://[::bad"])
def test_a_redirect_to_no_web_address_is_refused(location):
    outcome = judge().answered(lease(), response(301, location=location))

    assert outcome is not None
    assert (outcome.verb, outcome.reason) == (Verb.DEAD, "bad-redirect")


def test_a_redirect_out_of_scope_is_not_followed():
    outcome = judge().answered(lease(Kind.PAGE), response(301, location="http://elsewhere.org/"))

    assert outcome is not None
    assert (outcome.verb, outcome.reason) == (Verb.DEAD, "out-of-scope")


def test_hops_end():
    outcome = judge().answered(lease(hops=10), response(301, location="/next"))

    assert outcome is not None
    assert (outcome.verb, outcome.reason) == (Verb.DEAD, "redirect-loop")


def test_another_size_is_tried_when_the_first_choice_is_dead():
    outcome = judge().answered(
        lease(alternates=("http://e/2.jpg", "http://e/1.jpg")), response(404)
    )

    assert outcome is not None
    (task,) = outcome.found
    assert (task.url, task.alternates, task.first_url) == (
        "http://e/2.jpg",
        ("http://e/1.jpg",),
        URL,
    )


def test_a_missing_robots_txt_allows_and_a_failing_one_is_asked_again():
    missing = judge().answered(lease(Kind.ROBOTS), response(404))
    failing = judge().answered(lease(Kind.ROBOTS), response(503))

    assert missing is not None
    assert failing is not None
    assert missing.robots is not None
    assert missing.robots.verdict == "allow"
    assert failing.verb is Verb.RETRY


def test_a_sitemap_that_nobody_named_is_no_failure_when_it_is_not_there():
    guessed = judge().answered(lease(Kind.SITEMAP), response(404))
    named = judge().answered(lease(Kind.SITEMAP, referrer="http://r/robots.txt"), response(404))

    assert guessed is not None
    assert named is not None
    assert (guessed.verb, named.verb) == (Verb.DONE, Verb.DEAD)


def test_an_adaptive_delay_grows_when_the_host_errs_and_a_fixed_one_stays():
    failure = Failure("timeout", transient=True)

    assert judge().failed(lease(), failure, 1.0).delay_s == 2.0
    assert judge(delay=0.2).failed(lease(), failure, 0.2).delay_s is None


def test_a_hold_is_no_longer_than_the_settings_say():
    held = judge(max_hold=60).answered(lease(), response(429, retry_after="7200"))
    assert held is not None
    assert held.hold_s == 60.0


@pytest.mark.parametrize("status", [204, 205, 404, 410])
def test_a_robots_txt_without_rules_forbids_nothing(status):
    outcome = judge().answered(lease(Kind.ROBOTS), response(status))

    assert outcome is not None
    assert outcome.robots is not None
    assert outcome.robots.verdict == "allow"


def test_two_locations_are_not_joined_to_one():
    twice = Response(
        key=1, url=URL, status=302, headers=Headers(b"Location: /b\r\nLocation: /b\r\n")
    )
    outcome = judge().answered(lease(), twice)

    assert outcome is not None
    assert outcome.moved is not None
    assert outcome.moved.url == "http://example.org/b"


@pytest.mark.parametrize(
    ("reason", "slows"),
    [("connect-refused", False), ("dns-timeout", False), ("first-byte-timeout", True),
     ("connection-reset", True)],
)  # fmt: skip
def test_a_host_that_was_not_reached_is_not_taken_for_slow(reason, slows):
    outcome = judge().failed(lease(), Failure(reason, transient=True), 0.0)

    assert (outcome.delay_s is not None) is slows


def test_no_limit_of_hops_takes_a_redirect_of_robots_txt_for_a_ban():
    outcome = judge(max_hops=0).answered(
        lease(Kind.ROBOTS), response(301, location="https://example.org/robots.txt")
    )

    assert outcome is not None
    assert outcome.verb is Verb.MOVED
