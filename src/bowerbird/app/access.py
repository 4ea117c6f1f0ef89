"""How a client reaches a manager at an address: the key and whom it trusts."""

from dataclasses import dataclass

from bowerbird.app.keys import need_authkey
from bowerbird.errors import UsageError
from bowerbird.queues import Address, ClientTls, TlsAddress, UnixAddress, parse_address


@dataclass(slots=True, frozen=True)
class Access:
    """What a person says of the way to a manager. Paths of files; "" where nothing was said."""

    authkey_file: str = ""
    authkey: str = ""  #: typed on the command line, where `ps` shows it
    tls_ca: str = ""
    tls_fingerprint: str = ""
    tls_cert: str = ""  #: shown to a manager that asks for a certificate
    tls_key: str = ""

    def key(self) -> bytes:
        """The authkey; raises UsageError where none can be found."""
        return need_authkey(self.authkey_file, self.authkey)

    def tls(self, address: Address) -> ClientTls | None:
        """Whom to trust at this address; None where it is not reached by TLS.

        Raises:
            UsageError: options that do not go together, or with this address.
        """
        self.require_pair()
        if isinstance(address, TlsAddress):
            return ClientTls(
                ca_file=self.tls_ca, fingerprint=self._fingerprint(), cert_file=self.tls_cert,
                key_file=self.tls_key,
            )  # fmt: skip
        if self.tls_ca or self.tls_fingerprint or self.tls_cert:
            raise UsageError(f"{address} is not encrypted; --tls-* go with tls://host:port.")
        return None

    def require_pair(self) -> None:
        """Raises UsageError for a certificate without its key, or the reverse."""
        if bool(self.tls_cert) != bool(self.tls_key):
            raise UsageError("--tls-cert and --tls-key go together: a certificate and its key.")

    def _fingerprint(self) -> str:
        from bowerbird.queues.tls import parse_fingerprint

        return parse_fingerprint(self.tls_fingerprint) if self.tls_fingerprint else ""


def is_address(where: str) -> bool:
    """Whether a person means an address rather than a folder."""
    return "://" in where


def manager_address(where: str) -> Address:
    """The address of a manager on the network, or of its private socket.

    Raises:
        UsageError: it is none, or names no port to connect to.
    """
    address = parse_address(where)
    if not isinstance(address, UnixAddress) and address.port == 0:
        raise UsageError(f"{where} names port 0; give the port that the manager listens at.")
    return address
