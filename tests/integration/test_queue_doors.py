"""What a door needs: certificates, keys and fingerprints, each its own; and who came in by it."""

import socket
import ssl
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from tests.queue_fixtures import KEY, Pair, Stub, folder, made, next_frame, openssl, ours

from bowerbird.errors import (
    AuthenticationError,
    UsageError,
)
from bowerbird.queues import (
    ClientTls,
    Connection,
    Door,
    Server,
    ServerTls,
    TcpAddress,
    TlsAddress,
    UnixAddress,
    new_socket_path,
)
from bowerbird.queues.certificate import make_certificate, own_names
from bowerbird.queues.handshake import CHALLENGE
from bowerbird.queues.tls import fingerprint_of, parse_fingerprint
from bowerbird.queues.wire import FrameReader, frame

__all__ = ["folder", "ours"]


# Files and fingerprints.


def test_a_made_certificate_is_private_unique_and_known_by_its_fingerprint(
    tmp_path: Path, ours: Pair
) -> None:
    new = made(tmp_path, "new", "bird.example", "10.0.0.9", "fe80::1")
    der = ssl.PEM_cert_to_DER_cert(Path(new.cert).read_text())
    assert fingerprint_of(der) == new.fingerprint != ours.fingerprint
    assert Path(new.key).stat().st_mode & 0o777 == 0o600
    text = subprocess.run(
        ["openssl", "x509", "-in", new.cert, "-noout", "-text"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "DNS:bird.example, IP Address:10.0.0.9, IP Address:FE80" in text
    assert "CA:FALSE" in text
    assert "127.0.0.1" in own_names()


def test_nothing_is_overwritten_by_a_new_certificate(folder: Path, ours: Pair) -> None:
    before = Path(ours.key).read_bytes()
    with pytest.raises(UsageError, match="there already"):
        make_certificate(folder / "brand-new.pem", Path(ours.key))
    assert Path(ours.key).read_bytes() == before
    assert not (folder / "brand-new.pem").exists()


@pytest.mark.parametrize("name", ["a,DNS:evil.example", "a\nb", "", "schön.example", "a b"])
def test_a_name_that_is_none_goes_into_no_certificate(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no name"):
        make_certificate(tmp_path / "c", tmp_path / "k", [name])


def test_without_openssl_one_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="install"):
        make_certificate(tmp_path / "c", tmp_path / "k")


def test_a_fingerprint_is_read_as_people_paste_it(ours: Pair) -> None:
    digits = ours.fingerprint
    colons = ":".join(digits[at : at + 2] for at in range(0, 64, 2)).upper()
    for text in (digits, colons, f" sha256:{digits}\n", f"sha256 Fingerprint={colons}"):
        assert parse_fingerprint(text) == digits
    for text in ("", "ab", digits[1:], digits + "0", "x" * 64):
        with pytest.raises(UsageError, match="64 hex digits"):
            parse_fingerprint(text)


def start(tls: ServerTls | None, address: TlsAddress | TcpAddress) -> str:
    server = Server([Door(address, KEY, tls)])
    with pytest.raises(UsageError) as caught:
        server.start(Stub(server))
    return str(caught.value)


def test_files_that_cannot_be_used_are_named(tmp_path: Path, ours: Pair, folder: Path) -> None:
    at, none = TlsAddress("127.0.0.1", 0), str(tmp_path / "none.pem")
    junk = tmp_path / "junk.pem"
    junk.write_text("this is no certificate")
    assert none in start(ServerTls(none, ours.key), at)
    assert none in start(ServerTls(ours.cert, none), at)
    assert str(junk) in start(ServerTls(str(junk), ours.key), at)
    assert str(junk) in start(ServerTls(ours.cert, str(junk)), at)
    assert none in start(ServerTls(ours.cert, ours.key, none), at)
    assert str(junk) in start(ServerTls(ours.cert, ours.key, str(junk)), at)
    other = made(tmp_path, "other")
    assert "is not the key" in start(ServerTls(ours.cert, other.key), at)
    assert "both files" in start(ServerTls(ours.cert, ""), at)


def test_a_key_with_a_passphrase_asks_nobody(tmp_path: Path, ours: Pair) -> None:
    locked = str(tmp_path / "locked.key")
    openssl("pkey", "-in", ours.key, "-aes128", "-passout", "pass:secret", "-out", locked)
    message = start(ServerTls(ours.cert, locked), TlsAddress("127.0.0.1", 0))
    assert "passphrase" in message


def test_a_tls_address_and_a_certificate_go_together(ours: Pair) -> None:
    assert "--tls-cert" in start(None, TlsAddress("127.0.0.1", 0))
    assert "tls://" in start(ours.shown(), TcpAddress("127.0.0.1", 0))


@pytest.mark.parametrize(
    "trust",
    [
        ClientTls(ca_file="/nonexistent/ca.pem"),
        ClientTls(fingerprint="abc"),
        ClientTls(cert_file="/nonexistent/c.pem", key_file="/nonexistent/k.pem"),
        ClientTls(cert_file="/nonexistent/c.pem"),
    ],
)
def test_a_client_learns_of_unusable_files_before_it_connects(trust: ClientTls) -> None:
    with pytest.raises(UsageError):
        Connection(TlsAddress("127.0.0.1", 1), KEY, tls=trust)


def test_a_server_that_fails_to_start_leaves_no_socket_behind(ours: Pair) -> None:
    path = new_socket_path()
    doors = [Door(UnixAddress(str(path)), KEY), Door(TcpAddress("192.0.2.1", 0), KEY)]
    server = Server(doors)
    with pytest.raises(UsageError, match="no such address"):
        server.start(Stub(server))
    assert not path.exists()


# Several doors.


def test_each_door_has_a_key_of_its_own_and_says_how_one_came(ours: Pair) -> None:
    doors = [
        Door(UnixAddress(str(new_socket_path())), b"inside"),
        Door(TcpAddress("127.0.0.1", 0), b"plain"),
        Door(TlsAddress("127.0.0.1", 0), b"sealed", ours.shown()),
    ]
    server = Server(doors)
    server.start(Stub(server))
    try:
        callers = []
        for door in server.doors:
            trust = ClientTls(ours.cert)
            with closing(Connection(door.address, door.authkey, 20.0, trust)) as connection:
                callers.append(eval(connection.call("who")))
            with (
                closing(Connection(door.address, b"another", 20.0, trust)) as connection,
                pytest.raises(AuthenticationError),
            ):
                connection.open()
    finally:
        server.close()
    assert [secure for _, secure in callers] == [True, False, True]
    assert callers[0][0] == ""
    assert all(peer.startswith("127.0.0.1:") for peer, _ in callers[1:])


def test_a_door_without_legacy_refuses_md5_while_its_neighbour_takes_it() -> None:
    doors = [Door(TcpAddress("127.0.0.1", 0), KEY, legacy=legacy) for legacy in (True, False)]
    server = Server(doors)
    server.start(Stub(server))
    try:
        assert [old_style_answer(address) for address in server.addresses] == [True, False]
    finally:
        server.close()


def old_style_answer(address: object) -> bool:
    """Whether an answer as of Python 3.11 is welcome."""
    import hmac

    assert isinstance(address, TcpAddress)
    with socket.create_connection((address.host, address.port), 20.0) as sock:
        reader = FrameReader()
        message = next_frame(sock, reader)[len(CHALLENGE) :]
        sock.sendall(frame(hmac.new(KEY, message, "md5").digest()))
        return next_frame(sock, reader) == b"#WELCOME#"
