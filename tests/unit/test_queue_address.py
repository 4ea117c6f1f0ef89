"""Addresses as people write them, and the private place for sockets."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bowerbird.errors import UsageError
from bowerbird.queues import (
    Address,
    TcpAddress,
    TlsAddress,
    UnixAddress,
    new_authkey,
    new_socket_path,
    parse_address,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("unix:///run/b.sock", UnixAddress("/run/b.sock")),
        ("tcp://example.org:8001", TcpAddress("example.org", 8001)),
        (" tcp://127.0.0.1:0/ ", TcpAddress("127.0.0.1", 0)),
        ("tcp://[::1]:8001", TcpAddress("::1", 8001)),
        ("tls://example.org:8001", TlsAddress("example.org", 8001)),
        ("tls://[::1]:8001", TlsAddress("::1", 8001)),
    ],
)
def test_an_address_is_read_and_written_alike(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "", "example.org:8001", "unix://", "unix://run/b.sock", "unix:///a\0b", "tcp://", "tcp://host",
        "tcp://:8001", "tcp://host:", "tcp://host:70000", "tcp://host:-1", "tcp://host:8o01",
        "tcp://::1:8001", "tcp://user@host:1", "tcp://host/path:1", "http://host:1", "tcp:host:1",
        "tcp://[a/b]:1", "tcp://[host]:1", "tls://host", "tls://", "tls://user@host:1",
        "tls:host:1",
    ],
)  # fmt: skip
def test_a_broken_address_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(UsageError, match=r"tcp://|tls://|unix:///"):
        parse_address(text)


@given(st.text(max_size=40))
def test_no_text_raises_anything_else(text: str) -> None:
    for start in ("", "tcp://", "tls://", "unix://"):
        try:
            address = parse_address(start + text)
        except UsageError:
            continue
        assert parse_address(str(address)) == address


def test_the_socket_lies_where_only_we_can_enter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path)[:60] if len(str(tmp_path)) < 60 else "/tmp")
    path = new_socket_path()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path != new_socket_path()


def test_a_folder_too_deep_for_a_socket_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    monkeypatch.setenv("TMPDIR", str(deep))
    assert len(str(new_socket_path())) <= 103


def test_a_folder_that_others_laid_there_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import os

    open_to_all = tmp_path / f"bowerbird-{os.getuid()}"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert new_socket_path().parent != open_to_all


def test_keys_are_not_repeated() -> None:
    assert new_authkey() != new_authkey()
    assert len(new_authkey()) == 32
