"""TLS on real sockets: who is trusted, who is not, and what people are told about it."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.queue_fixtures import (
    KEY,
    Open,
    Pair,
    folder,
    made,
    next_frame,
    opened,
    openssl,
    ours,
    rest_of,
)

from bowerbird.errors import (
    AuthenticationError,
    BowerbirdError,
    CertificateError,
    ConnectionLostError,
    ProtocolError,
)
from bowerbird.queues import (
    ClientTls,
    Connection,
    TcpAddress,
    TlsAddress,
)
from bowerbird.queues.handshake import CHALLENGE
from bowerbird.queues.wire import FrameReader

__all__ = ["folder", "opened", "ours"]


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
        ("IP:127.0.0.1\nextendedKeyUsage=clientAuth", 2, "for clients alone"),
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
