"""The line with which others join: what it names, and what it never shows."""

import shlex
from pathlib import Path

import pytest

from bowerbird.app.invitation import invitation, rights_for
from bowerbird.app.keys import VARIABLE
from bowerbird.app.listen import Listen, is_loopback
from bowerbird.queues import TcpAddress, TlsAddress, parse_address
from bowerbird.settings import Job, Secrets, Settings

KEPT = Path("/data/my photos/.bowerbird/listen.key")
EVERYWHERE = TcpAddress("0.0.0.0", 8001)


def job(*start: str, secrets: Secrets | None = None, **options: object) -> Job:
    return Job(
        name="x", settings=Settings(**options), start_urls=start, secrets=secrets or Secrets()
    )


@pytest.fixture(autouse=True)
def no_key_around(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.mark.parametrize(
    ("place", "address"),
    [
        (":8001", TcpAddress("0.0.0.0", 8001)),
        ("0.0.0.0:8001", TcpAddress("0.0.0.0", 8001)),
        ("[::]:8001", TcpAddress("::", 8001)),
        ("tcp://:8001", TcpAddress("0.0.0.0", 8001)),
        ("tcp://pc7:8001", TcpAddress("pc7", 8001)),
    ],
)
def test_a_place_is_read_as_people_write_it(place, address):
    assert Listen(place).address() == address


def test_with_a_certificate_a_bare_place_speaks_tls():
    listen = Listen(":8001", tls_cert="c", tls_key="k")
    assert listen.address() == TlsAddress("0.0.0.0", 8001)


def test_from_elsewhere_the_key_is_copied_and_the_machine_named():
    said = invitation(Listen(":8001"), EVERYWHERE, job("https://example.org/"), KEPT)
    copied, joined = (shlex.split(line) for line in said if line.startswith("  "))
    assert copied[0] == "scp"
    assert copied[1].endswith(f":{KEPT}")
    assert joined[:2] == ["bowerbird", "worker"]
    assert parse_address(joined[2]).port == 8001
    assert "0.0.0.0" not in joined[2]
    assert joined[3:] == ["--authkey-file", copied[2]]
    assert "not encrypted" in said[-1]


def test_at_home_the_key_is_named_where_it_lies_and_nothing_is_warned_of():
    said = invitation(Listen("127.0.0.1:1"), TcpAddress("127.0.0.1", 1), job(), KEPT)
    assert shlex.split(said[-1])[-2:] == ["--authkey-file", str(KEPT)]
    assert len(said) == 2


@pytest.mark.parametrize("listen", [Listen(":1", authkey="s3cret"), Listen(":1")])
def test_a_key_that_was_typed_or_set_is_never_repeated(listen, monkeypatch):
    monkeypatch.setenv(VARIABLE, "s3cret")
    text = "\n".join(invitation(listen, EVERYWHERE, job(), KEPT))
    assert "s3cret" not in text
    assert VARIABLE in text
    assert "--authkey-file" not in text


def test_secrets_that_stay_behind_are_spoken_of():
    secrets = Secrets(headers=("Cookie: s3cret",))
    text = "\n".join(invitation(Listen(":1"), EVERYWHERE, job(secrets=secrets), KEPT))
    assert "s3cret" not in text
    assert "Headers, cookies" in text


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (job("https://203.0.114.9/"), []),
        (job("http://192.168.3.4:8080/x"), ["--allow-range", "192.168.3.4"]),
        (job("http://[fd00::7]/"), ["--allow-range", "fd00::7"]),
        (job("http://10.0.0.1/", allow_private=True), ["--allow-private"]),
        (job("http://10.0.0.1/", allow_range=("10.0.0.0/8",)), ["--allow-range", "10.0.0.0/8"]),
        (job("http://localhost.invalid/"), []),
    ],
)
def test_private_addresses_are_allowed_as_narrowly_as_the_crawl_needs(made, words):
    assert rights_for(made) == words


@pytest.mark.parametrize(
    ("address", "near"),
    [("tcp://127.0.0.1:1", True), ("tcp://127.9.9.9:1", True), ("tcp://[::1]:1", True),
     ("tls://localhost:1", True), ("unix:///x", True), ("tcp://0.0.0.0:1", False),
     ("tcp://[::]:1", False), ("tcp://10.0.0.1:1", False), ("tcp://pc7:1", False)],
)  # fmt: skip
def test_near_is_what_only_this_machine_can_reach(address, near):
    assert is_loopback(parse_address(address)) is near
