"""What a TLS connection is made of: certificates, keys, and whom to trust."""

import msgspec


class ServerTls(msgspec.Struct, frozen=True):
    """What a server shows, and asks for. Paths of PEM files."""

    cert_file: str  #: its certificate, and those between it and the CA
    key_file: str  #: without a passphrase
    client_ca: str = ""  #: clients must show a certificate signed by one of these; "": need not


class ClientTls(msgspec.Struct, frozen=True):
    """Whom a client trusts, and what it shows. Paths of PEM files.

    With neither `ca_file` nor `fingerprint` the system's CAs are trusted.
    """

    ca_file: str = ""  #: trust certificates that one of these signed
    fingerprint: str = ""  #: trust this certificate alone: SHA-256 of its DER form, 64 hex digits
    cert_file: str = ""  #: to show to a server that asks for a certificate
    key_file: str = ""  #: without a passphrase
