"""What a request carries, and to whom."""

import pytest

from bowerbird.fetch.easy import _headers
from bowerbird.model import Kind, Lease, Task
from bowerbird.settings import Job, Secrets, make_settings
from bowerbird.urls import host_of
from bowerbird.worker.ask import Asker


def sent(url: str, *start_urls: str) -> bool:
    secrets = Secrets(headers=("Authorization: Bearer x",))
    job = Job(name="j", settings=make_settings({}), start_urls=start_urls, secrets=secrets)
    lease = Lease(token=b"t", task=Task(url=url, kind=Kind.IMAGE))
    return bool(Asker(job).request(1, lease, host_of(url)).headers)


@pytest.mark.parametrize(
    ("url", "start", "told"),
    [
        ("https://a.org/i.png", "https://a.org/", True),
        ("http://a.org/i.png", "http://a.org/", True),
        ("https://a.org/i.png", "http://a.org/", True),
        ("http://a.org/i.png", "https://a.org/", False),
        ("https://b.org/i.png", "https://a.org/", False),
    ],
)
def test_secrets_go_to_start_hosts_and_never_in_clear_where_the_start_was_not(
    url: str, start: str, told: bool
) -> None:
    assert sent(url, start) is told


def test_headers_and_cookies_of_any_letters_can_be_sent() -> None:
    from bowerbird.fetch import Request

    request = Request(key=1, url="http://a.org/", headers=("X-Name: Zo\u00eb",), cookies="a=\u00fc")

    assert "X-Name: Zo\u00eb".encode() in _headers(request)
    assert "Cookie: a=\u00fc".encode() in _headers(request)
