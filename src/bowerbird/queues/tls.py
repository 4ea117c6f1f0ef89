"""What a TLS connection is made of: certificates, keys, and whom to trust.

`ssl` costs 15 ms to import: nobody pays it who does not speak TLS.
"""

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bowerbird.errors import CertificateError, UsageError

if TYPE_CHECKING:
    import ssl

_HEX = frozenset("0123456789abcdef")


class ServerTls(msgspec.Struct, frozen=True):
    """What a server shows, and asks for. Paths of PEM files."""

    cert_file: str  #: its certificate, and those between it and the CA
    key_file: str  #: without a passphrase
    client_ca: str = ""  #: clients must show a certificate signed by one of these; "": need not


class ClientTls(msgspec.Struct, frozen=True):
    """Whom a client trusts, and what it shows. Paths of PEM files.

    With neither `ca_file` nor `fingerprint` the system's CAs are trusted. A fingerprint is the
    whole of the trust: neither the name in the certificate nor its dates are looked at.
    """

    ca_file: str = ""  #: trust certificates that one of these signed
    fingerprint: str = ""  #: trust this certificate alone; see `parse_fingerprint`
    cert_file: str = ""  #: to show to a server that asks for a certificate
    key_file: str = ""  #: without a passphrase


def parse_fingerprint(text: str) -> str:
    """The SHA-256 of a certificate (its DER form) as 64 hex digits.

    Colons, capitals and openssl's `sha256 Fingerprint=` in front are taken too.

    Raises:
        UsageError: it is none.
    """
    digits = text.strip().lower().rpartition("=")[2].removeprefix("sha256:").replace(":", "")
    if len(digits) != 64 or not _HEX.issuperset(digits):
        raise UsageError(f"{text!r} is no fingerprint: 64 hex digits, the certificate's SHA-256.")
    return digits


def fingerprint_of(certificate: bytes) -> str:
    """The fingerprint of a certificate in DER form."""
    return sha256(certificate).hexdigest()


def server_context(tls: ServerTls) -> "ssl.SSLContext":
    """What a server speaks TLS with.

    Raises:
        UsageError: a file cannot be used.
    """
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.num_tickets = 0  # connections live long; so nothing comes that was not asked for
    _load_pair(context, tls.cert_file, tls.key_file)
    if tls.client_ca:
        _load_ca(context, tls.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(tls: ClientTls) -> "ssl.SSLContext":
    """What a client speaks TLS with.

    Raises:
        UsageError: a file or the fingerprint cannot be used.
    """
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.fingerprint:
        parse_fingerprint(tls.fingerprint)
        context.check_hostname = False  # `check_pin` trusts this one certificate instead
        context.verify_mode = ssl.CERT_NONE
    elif tls.ca_file:
        _load_ca(context, tls.ca_file)
    else:
        context.load_default_certs()
    if tls.cert_file or tls.key_file:
        _load_pair(context, tls.cert_file, tls.key_file)
    return context


def check_pin(pinned: str, certificate: bytes | None, place: str) -> None:
    """Whether the certificate that was shown at a place is the pinned one; "": none is.

    Raises:
        CertificateError: it is another one.
    """
    shown = fingerprint_of(certificate or b"")
    if pinned and shown != parse_fingerprint(pinned):
        raise CertificateError(
            f"The certificate at {place} is not the pinned one: its fingerprint is {shown}. "
            "If it was replaced, give that one; else someone else answers there."
        )


def _load_ca(context: "ssl.SSLContext", path: str) -> None:
    _readable(path, "CA certificates")
    try:
        context.load_verify_locations(path)
    except OSError:
        raise UsageError(f"{path} holds no CA certificate; it must be a PEM file.") from None


def _load_pair(context: "ssl.SSLContext", cert_file: str, key_file: str) -> None:
    if not cert_file or not key_file:
        raise UsageError("A certificate needs its key, and a key its certificate: give both files.")
    _readable(cert_file, "certificate")
    _readable(key_file, "key")
    try:
        context.load_cert_chain(cert_file, key_file, _no_passphrase)
    except OSError as error:
        raise UsageError(_why_not(error, cert_file, key_file)) from None


def _no_passphrase() -> str:
    raise UsageError("The TLS key is locked with a passphrase, and nobody can be asked for it.")


def _why_not(error: OSError, cert_file: str, key_file: str) -> str:
    if "MISMATCH" in str(getattr(error, "reason", "")):
        return f"{key_file} is not the key of the certificate in {cert_file}."
    return f"{cert_file} and {key_file} hold no certificate and its key; both must be PEM files."


def _readable(path: str, what: str) -> None:
    """OpenSSL does not say which file it could not read."""
    try:
        Path(path).open("rb").close()
    except OSError as error:
        raise UsageError(f"Cannot read the {what} in {path}: {error.strerror}.") from None
