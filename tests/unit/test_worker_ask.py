"""What a request carries, and to whom."""

import pytest

from bowerbird.fetch.easy import _headers
from bowerbird.model import Kind, Lease, Task
from bowerbird.settings import Job, Mode, Secrets, make_settings
from bowerbird.worker.ask import Asker


def sent(task: Task, mode: Mode, *start_urls: str) -> bool:
    secrets = Secrets(headers=("Authorization: Bearer x",))
    settings = make_settings({"mode": mode})
    job = Job(name="j", settings=settings, start_urls=start_urls, secrets=secrets)
    return bool(Asker(job).request(1, Lease(token=b"t", task=task)).headers)


@pytest.mark.parametrize(
    ("url", "start", "told"),
    [
        ("https://a.org/i.png", "https://a.org/", True),
        ("http://a.org/i.png", "http://a.org/", True),
        ("https://a.org/i.png", "http://a.org/", True),
        ("http://a.org/i.png", "https://a.org/", False),
        ("https://b.org/i.png", "https://a.org/", False),
        ("http://a.org:8080/i.png", "http://a.org:8080/", True),
        ("http://a.org:9000/i.png", "http://a.org:8080/", False),
        ("http://a.org:8080/i.png", "http://a.org/", False),
        ("https://a.org/i.png", "http://a.org:8080/", False),
    ],
)
def test_secrets_go_to_origins_of_starts_and_never_in_clear_where_the_start_was_not(
    url: str, start: str, told: bool
) -> None:
    assert sent(Task(url=url, kind=Kind.IMAGE), Mode.CRAWL, start) is told


@pytest.mark.parametrize(
    ("url", "first", "kind", "told"),
    [
        ("https://a.org/i.png", "", Kind.IMAGE, True),
        ("https://a.org/j.png", "https://a.org/i.png", Kind.IMAGE, True),
        ("https://a.org/i.png", "http://a.org/i.png", Kind.IMAGE, True),
        ("http://a.org/i.png", "https://a.org/i.png", Kind.IMAGE, False),
        ("https://b.org/i.png", "https://a.org/i.png", Kind.IMAGE, False),
        ("https://b.org/robots.txt", "", Kind.ROBOTS, False),
    ],
)
def test_secrets_go_to_what_a_list_names_and_not_where_that_leads(
    url: str, first: str, kind: Kind, told: bool
) -> None:
    assert sent(Task(url=url, kind=kind, first_url=first), Mode.DOWNLOAD) is told


def test_headers_and_cookies_of_any_letters_can_be_sent() -> None:
    from bowerbird.fetch import Request

    request = Request(key=1, url="http://a.org/", headers=("X-Name: Zo\u00eb",), cookies="a=\u00fc")

    assert "X-Name: Zo\u00eb".encode() in _headers(request)
    assert "Cookie: a=\u00fc".encode() in _headers(request)
