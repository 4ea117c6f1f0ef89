"""Words for connections that fail, by what is to be done about it.

`ConnectionLostError` may heal by itself; what else comes from here does not.
"""

import socket
import time
from contextlib import suppress

from bowerbird.errors import (
    BowerbirdError,
    CertificateError,
    ConnectionLostError,
    ProtocolError,
)
from bowerbird.queues.address import Address, TcpAddress, TlsAddress
from bowerbird.queues.handshake import CHALLENGE
from bowerbird.queues.tls_stream import HANDSHAKE_RECORD

#: How long a look at what listens somewhere takes at most, in seconds.
LOOK_S = 2.0
#: Bytes that are shown of what something else says.
_SHOWN = 40
#: First byte of a TLS record that carries an alert (RFC 8446, 5.1).
_ALERT_RECORD = 0x15

_PIN = "or pin its fingerprint (--tls-fingerprint)"
#: OpenSSL's X509_V_ERR_* (include/openssl/x509_vfy.h) -> what is wrong and what to do.
_VERDICTS = {
    9: "is not valid yet. Is the clock of one of the two machines wrong?",
    10: f"has expired. Have a new one made, {_PIN}.",
    18: f"is signed by itself. Give its file as the CA (--tls-ca), {_PIN}.",
    19: f"is signed by a CA that is not trusted here. Give its file (--tls-ca), {_PIN}.",
    20: f"is signed by a CA that is not trusted here. Give its file (--tls-ca), {_PIN}.",
    26: f"is for clients alone. Have one made for servers, {_PIN}.",
    62: f"is for another name. Write that name in the address, {_PIN}.",
    64: f"is for another address. Write the name it is for, {_PIN}.",
}


def trouble(error: OSError, address: Address) -> BowerbirdError:
    """The error to raise when a connection to an address fails in mid-word."""
    if isinstance(error, TimeoutError):
        return ConnectionLostError(f"{address} did not answer in time.")
    if isinstance(error, ConnectionError) or not isinstance(address, TlsAddress):
        return ConnectionLostError(f"The connection broke: {error.strerror or error}.")
    return _tls_trouble(error, address)


def _tls_trouble(error: OSError, address: TlsAddress) -> BowerbirdError:
    """By the attributes of ssl.SSLError, so that `ssl` need not be imported here."""
    code = getattr(error, "verify_code", 0)
    if code:
        verdict = _VERDICTS.get(code) or f"is not to be trusted: {_words(error)}."
        return CertificateError(f"The certificate at {address} {verdict}")
    reason = str(getattr(error, "reason", None) or "")
    if "EOF" in reason or not reason:
        return ConnectionLostError(f"{address} has closed the connection.")
    if "ALERT" not in reason:
        plain = TcpAddress(address.host, address.port)
        return ProtocolError(
            f"No TLS is spoken at {address}. If a manager without TLS listens there, write {plain}."
        )
    return _alert(reason, address)


def _alert(reason: str, address: TlsAddress) -> BowerbirdError:
    words = reason.partition("ALERT_")[2].replace("_", " ").lower()
    if "certificate required" in words or reason == "SSLV3_ALERT_HANDSHAKE_FAILURE":
        return CertificateError(
            f"{address} asks for a client certificate ({words}). "
            "Give one and its key (--tls-cert, --tls-key)."
        )
    if "certificate" in words or "unknown ca" in words:
        return CertificateError(f"{address} does not trust our client certificate: {words}.")
    return ProtocolError(f"{address} refuses our TLS: {words}.")


def _words(error: OSError) -> str:
    return str(getattr(error, "verify_message", "") or error)


def something_else(address: Address, heard: bytes) -> ProtocolError:
    """What listens there answers, but not as a queue does."""
    if heard[:1] and heard[0] in (HANDSHAKE_RECORD, _ALERT_RECORD) and heard[1:2] == b"\x03":
        return _needs_tls(address)
    said = heard[:_SHOWN].decode("ascii", "backslashreplace").split("\n")[0].strip()
    return ProtocolError(
        f"What answers at {address} is no queue of Bowerbird's, it says {said!r}: a wrong port?"
    )


def _needs_tls(address: Address) -> ProtocolError:
    secure = TlsAddress(address.host, address.port) if isinstance(address, TcpAddress) else ""
    return ProtocolError(f"At {address} TLS is spoken: write {secure}.")


def look_closer(address: Address, deadline_s: float) -> None:
    """See whether a plain address that keeps silent waits for something else to be said.

    Raises:
        ProtocolError: it speaks, but something else.
    """
    if isinstance(address, TcpAddress):
        heard = b""
        with suppress(OSError):
            heard = _answer_to_hello(address, min(LOOK_S, deadline_s - time.monotonic()))
        if heard and CHALLENGE not in heard:
            raise something_else(address, heard)


def _answer_to_hello(address: TcpAddress, timeout_s: float) -> bytes:
    """The first that is said to one who begins TLS."""
    if timeout_s <= 0:
        return b""
    with socket.create_connection((address.host, address.port), timeout_s) as sock:
        # The empty line wakes what waits for one, such as a web server; TLS does not look so far.
        sock.sendall(_client_hello(address.host) + b"\r\n\r\n")
        return sock.recv(256)


def _client_hello(host: str) -> bytes:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    outgoing = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=host).do_handshake()
    return outgoing.read()
