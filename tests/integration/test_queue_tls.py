"""TLS on real sockets: who is trusted, who is not, and what people are told about it."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.queue_fixtures import KEY, Open, Stub, next_frame, opened, rest_of

from bowerbird.errors import (
    AuthenticationError,
    BowerbirdError,
    CertificateError,
    ConnectionLostError,
    ProtocolError,
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

__all__ = ["opened"]


class Pair(NamedTuple):
    """A certificate that was made for a test."""

    cert: str
    key: str
    fingerprint: str

    def shown(self, client_ca: str = "") -> ServerTls:
        return ServerTls(self.cert, self.key, client_ca)


Make = Callable[..., Pair]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl program to make certificates with")
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def ours(folder: Path) -> Pair:
    return made(folder, "ours")


def made(folder: Path, name: str, *names: str) -> Pair:
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    return Pair(str(cert), str(key), make_certificate(cert, key, names))


@pytest.fixture(scope="module")
def authority(folder: Path) -> Pair:
    """A CA of its own."""
    cert, key = str(folder / "ca.pem"), str(folder / "ca.key")
    openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", key, "-out", cert, "-subj", "/CN=A CA", "-days", "2",
        "-addext", "keyUsage=critical,keyCertSign",
    )  # fmt: skip
    return Pair(cert, key, "")


def signed(
    folder: Path, ca: Pair, name: str, alternative: str = "IP:127.0.0.1", days: int = 2
) -> Pair:
    """A certificate signed by a CA; `days` below zero: expired."""
    cert, key, request = (str(folder / f"{name}.{end}") for end in ("pem", "key", "csr"))
    extensions = folder / f"{name}.ext"
    extensions.write_text(f"subjectAltName={alternative}\n")
    openssl(
        "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", key, "-out", request, "-subj", f"/CN={name}",
    )  # fmt: skip
    openssl(
        "x509", "-req", "-in", request, "-CA", ca.cert, "-CAkey", ca.key, "-set_serial", "7",
        "-out", cert, "-days", str(days), "-extfile", str(extensions),
    )  # fmt: skip
    return Pair(cert, key, "")


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def refused_with(address: TcpAddress | TlsAddress, trust: ClientTls | None) -> BowerbirdError:
    with (
        closing(Connection(address, KEY, 20.0, trust)) as connection,
        pytest.raises(BowerbirdError) as caught,
    ):
        connection.call("echo")
    return caught.value


# Trust.


@pytest.mark.parametrize("by", ["fingerprint", "file"])
def test_a_certificate_of_our_own_making_is_trusted_by(opened: Open, ours: Pair, by: str) -> None:
    trust = ClientTls(fingerprint=ours.fingerprint) if by == "fingerprint" else ClientTls(ours.cert)
    with opened(tls=ours.shown(), trust=trust).client() as connection:
        assert connection.call("echo", b"well") == b"well"
        assert eval(connection.call("who"))[1] is True


def test_its_names_hold_for_localhost_and_not_for_others(opened: Open, ours: Pair) -> None:
    port = opened(tls=ours.shown()).address.port  # type: ignore[union-attr]
    with closing(Connection(TlsAddress("localhost", port), KEY, 20.0, ClientTls(ours.cert))) as one:
        assert one.call("echo", b"well") == b"well"


def test_a_certificate_signed_by_a_ca_is_trusted_by_its_file_alone(
    opened: Open, folder: Path, authority: Pair
) -> None:
    house = opened(tls=signed(folder, authority, "good").shown(), trust=ClientTls(authority.cert))
    house.assert_well()
    assert isinstance(house.address, TlsAddress)
    error = refused_with(house.address, None)
    assert isinstance(error, CertificateError)
    assert "--tls-ca" in str(error)
    assert "--tls-fingerprint" in str(error)


@pytest.mark.parametrize(
    ("alternative", "days", "words"),
    [
        ("IP:127.0.0.1", -1, "has expired"),
        ("DNS:other.example", 2, "another address"),
    ],
)
def test_a_certificate_that_is_not_right_is_named_with_its_remedy(
    opened: Open, folder: Path, authority: Pair, alternative: str, days: int, words: str
) -> None:
    name = words.replace(" ", "-")
    house = opened(tls=signed(folder, authority, name, alternative, days).shown())
    assert isinstance(house.address, TlsAddress)
    error = refused_with(house.address, ClientTls(authority.cert))
    assert isinstance(error, CertificateError)
    assert words in str(error)
    assert str(house.address) in str(error)


def test_a_certificate_for_another_name_is_not_trusted(
    opened: Open, folder: Path, authority: Pair
) -> None:
    house = opened(tls=signed(folder, authority, "elsewhere", "DNS:other.example").shown())
    assert isinstance(house.address, TlsAddress)
    error = refused_with(TlsAddress("localhost", house.address.port), ClientTls(authority.cert))
    assert isinstance(error, CertificateError)
    assert "another name" in str(error)


def test_a_pinned_certificate_is_that_one_and_no_other(
    opened: Open, folder: Path, ours: Pair
) -> None:
    other = made(folder, "other")
    house = opened(tls=other.shown())
    assert isinstance(house.address, TlsAddress)
    error = refused_with(house.address, ClientTls(fingerprint=ours.fingerprint))
    assert isinstance(error, CertificateError)
    assert other.fingerprint in str(error)
    assert house.stub.asked_count == 0


def test_whoever_is_trusted_still_needs_the_key(opened: Open, ours: Pair) -> None:
    house = opened(tls=ours.shown(), trust=ClientTls(ours.cert))
    with house.client(key=b"wrong") as connection, pytest.raises(AuthenticationError, match="key"):
        connection.open()
    house.assert_well()


# Client certificates.


def test_a_client_without_the_certificate_that_is_asked_for_is_told(
    opened: Open, folder: Path, authority: Pair, ours: Pair
) -> None:
    house = opened(tls=ours.shown(authority.cert))
    assert isinstance(house.address, TlsAddress)
    error = refused_with(house.address, ClientTls(ours.cert))
    assert isinstance(error, CertificateError)
    assert "--tls-cert" in str(error)


def test_a_client_with_the_wrong_certificate_is_told(
    opened: Open, folder: Path, authority: Pair, ours: Pair
) -> None:
    house = opened(tls=ours.shown(authority.cert))
    assert isinstance(house.address, TlsAddress)
    trust = ClientTls(ours.cert, cert_file=ours.cert, key_file=ours.key)
    error = refused_with(house.address, trust)
    assert isinstance(error, CertificateError)
    assert "our client certificate" in str(error)


def test_a_client_with_the_right_certificate_gets_in(
    opened: Open, folder: Path, authority: Pair, ours: Pair
) -> None:
    client = signed(folder, authority, "client")
    trust = ClientTls(fingerprint=ours.fingerprint, cert_file=client.cert, key_file=client.key)
    opened(tls=ours.shown(authority.cert), trust=trust).assert_well()


# The wrong thing at the other end.


def test_plain_against_tls_names_the_address_to_write(opened: Open, ours: Pair) -> None:
    house = opened(tls=ours.shown())
    assert isinstance(house.address, TlsAddress)
    plain = TcpAddress(house.address.host, house.address.port)
    error = refused_with(plain, None)
    assert isinstance(error, ProtocolError)
    assert str(house.address) in str(error)


def test_tls_against_plain_names_the_address_to_write(opened: Open, ours: Pair) -> None:
    house = opened(tcp=True)
    assert isinstance(house.address, TcpAddress)
    address = TlsAddress(house.address.host, house.address.port)
    error = refused_with(address, ClientTls(ours.cert))
    assert isinstance(error, ProtocolError)
    assert str(house.address) in str(error)
    house.assert_well()


@pytest.fixture
def mute() -> Iterator[tuple[str, int]]:
    """Accepts, by the kernel alone, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()


@pytest.mark.parametrize("kind", [TcpAddress, TlsAddress])
def test_silence_may_heal_and_takes_no_longer_than_was_granted(
    mute: tuple[str, int], ours: Pair, kind: type[TcpAddress] | type[TlsAddress]
) -> None:
    with (
        closing(Connection(kind(*mute), KEY, 20.0, ClientTls(ours.cert))) as connection,
        pytest.raises(ConnectionLostError, match="in time"),
    ):
        connection.call("echo", timeout_s=0.2)


class Web(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_web_server_is_told_from_a_manager() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Web) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        error = refused_with(TcpAddress("127.0.0.1", web.server_port), None)
        web.shutdown()
        thread.join()
    assert isinstance(error, ProtocolError)
    assert "it says" in str(error)


# Strangers at a TLS door.


@pytest.mark.parametrize(
    "said", [b"", b"\x16", b"\x16\x03\x01\x02\x00" + b"\1", b"GET / HTTP/1.1\r\n\r\n", bytes(300)]
)
def test_half_a_handshake_or_none_has_an_end(opened: Open, ours: Pair, said: bytes) -> None:
    house = opened(tls=ours.shown(), trust=ClientTls(ours.cert), handshake_s=0.2)
    with house.stranger() as sock:
        sock.sendall(said)
        assert CHALLENGE not in rest_of(sock)


def test_tls_alone_does_not_stop_the_clock(opened: Open, ours: Pair) -> None:
    house = opened(tls=ours.shown(), handshake_s=0.5)
    context = ssl.create_default_context(cafile=ours.cert)
    with (
        house.stranger() as sock,
        context.wrap_socket(sock, server_hostname="127.0.0.1") as secured,
    ):
        assert next_frame(secured, FrameReader()).startswith(CHALLENGE)
        assert rest_of(secured) == b""


def test_old_tls_is_not_spoken(opened: Open, ours: Pair) -> None:
    house = opened(tls=ours.shown())
    context = ssl.create_default_context(cafile=ours.cert)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        house.stranger() as sock,
        context.wrap_socket(sock, server_hostname="127.0.0.1") as secured,
    ):
        assert secured.version() == "TLSv1.2"
    assert isinstance(house.address, TlsAddress)
    found = subprocess.run(
        ["openssl", "s_client", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-connect",
         f"127.0.0.1:{house.address.port}"],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip
    assert found.returncode != 0
    assert "BEGIN CERTIFICATE" not in found.stdout


def test_a_frame_that_lies_about_its_length_ends_a_tls_connection_alone(
    opened: Open, ours: Pair
) -> None:
    house = opened(tls=ours.shown(), trust=ClientTls(ours.cert))
    context = ssl.create_default_context(cafile=ours.cert)
    with (
        house.stranger() as sock,
        context.wrap_socket(sock, server_hostname="127.0.0.1") as secured,
    ):
        secured.sendall(b"\x7f\xff\xff\xff" + bytes(10))
        rest_of(secured)
    house.assert_well()


def test_megabytes_travel_both_ways_over_tls(opened: Open, ours: Pair) -> None:
    house = opened(tls=ours.shown(), trust=ClientTls(ours.cert), in_flight=4, write_high=64 << 10)
    big = bytes(range(256)) * (60 << 10)  # 15 MiB
    with house.client() as connection:
        assert connection.call("echo", big) == big
        assert connection.call("echo", b"small") == b"small"


def test_a_server_that_closes_says_so_before_it_goes(opened: Open, ours: Pair) -> None:
    house = opened(tls=ours.shown(), trust=ClientTls(ours.cert))
    with house.client() as connection:
        connection.open()
        house.server.close()
        with pytest.raises(ConnectionLostError, match="Nothing answers"):
            connection.call("echo")


def test_a_call_that_waits_over_tls_ends_when_its_connection_is_closed_here(
    opened: Open, ours: Pair
) -> None:
    house = opened(tls=ours.shown(), trust=ClientTls(ours.cert))
    with house.client() as connection, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(connection.call, "hold")
        house.stub.held.get(timeout=20)
        connection.close()
        with pytest.raises(ConnectionLostError):
            waiting.result(20)


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
