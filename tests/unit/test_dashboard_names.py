"""By which names a dashboard on loopback may be asked."""

import pytest
from starlette.requests import Request

from bowerbird.web.guard import Guard

GUARD = Guard(token="t" * 32, port=8420)


def status(host: str) -> int | None:
    scope = {
        "type": "http", "method": "GET", "path": "/", "query_string": b"",
        "headers": [(b"host", host.encode())],
    }  # fmt: skip
    refusal = GUARD.refusal(Request(scope))
    return refusal.status_code if refusal else None


@pytest.mark.parametrize("host", ["evil.example:8420", "127.0.0.1.evil.example", "", "[::2]:8420"])
def test_a_foreign_name_that_was_made_to_point_here_sees_nothing(host: str) -> None:
    assert status(host) == 400


@pytest.mark.parametrize("host", ["localhost:8420", "127.0.0.1:9000", "[::1]:8420", "LOCALHOST"])
def test_a_tunnel_may_have_a_port_of_its_own(host: str) -> None:
    assert status(host) is None
