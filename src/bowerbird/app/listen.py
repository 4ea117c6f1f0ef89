"""`--listen`: what a person says of it, and the door it comes to."""

from dataclasses import dataclass
from ipaddress import ip_address

from bowerbird.app.folder import Folder
from bowerbird.app.keys import find_authkey, kept_authkey
from bowerbird.errors import UsageError
from bowerbird.queues import (
    Address,
    Door,
    ServerTls,
    TcpAddress,
    TlsAddress,
    UnixAddress,
    parse_address,
)

#: What `:8001` stands for.
EVERYWHERE = "0.0.0.0"


@dataclass(slots=True, frozen=True)
class Listen:
    """What a person says. Paths of files; "" where nothing was said."""

    place: str  #: HOST:PORT, :PORT, or either after tcp:// or tls://
    authkey_file: str = ""
    authkey: str = ""  #: typed on the command line, where `ps` shows it
    tls_cert: str = ""
    tls_key: str = ""
    tls_client_ca: str = ""  #: clients have to show a certificate that one of these signed
    legacy: bool = True  #: old-style clients may answer with HMAC-MD5

    def address(self) -> TcpAddress | TlsAddress:
        """Where to listen.

        Raises:
            UsageError: no port, no such address, or TLS without certificate or the reverse.
        """
        self._require_pair()
        scheme, mark, rest = self.place.strip().rpartition("://")
        scheme = scheme if mark else ("tls" if self.tls_cert else "tcp")
        where = EVERYWHERE + rest if rest.startswith(":") else rest
        address = _parsed(self.place, f"{scheme}://{where}")
        if isinstance(address, TlsAddress) and not self.tls_cert:
            raise UsageError(
                f"--listen {self.place} needs a certificate: --tls-cert and --tls-key. "
                "`bowerbird keygen --tls` makes both."
            )
        if isinstance(address, TcpAddress) and self.tls_cert:
            raise UsageError(
                f"--listen {self.place} is not encrypted; --tls-cert goes with tls://."
            )
        return address

    def door(self, folder: Folder) -> Door:
        """The door, with the key that was named, or else the folder's own, once it is clear that
        it can be opened: nothing else has begun yet.

        Raises:
            UsageError: see `address`; the key or a certificate cannot be used; the port is in use.
        """
        from bowerbird.queues.server import rehearse

        address = self.address()
        key = find_authkey(self.authkey_file, self.authkey) or kept_authkey(folder.listen_key)
        door = Door(address, key, tls=self._tls(), legacy=self.legacy)
        rehearse([door])
        return door

    def _require_pair(self) -> None:
        if bool(self.tls_cert) != bool(self.tls_key):
            missing = "--tls-key" if self.tls_cert else "--tls-cert"
            raise UsageError(f"{missing} is missing: a certificate and its key go together.")
        if self.tls_client_ca and not self.tls_cert:
            raise UsageError("--tls-client-ca needs --tls-cert and --tls-key as well.")

    def _tls(self) -> ServerTls | None:
        if not self.tls_cert:
            return None
        return ServerTls(self.tls_cert, self.tls_key, self.tls_client_ca)


def _parsed(typed: str, text: str) -> TcpAddress | TlsAddress:
    try:
        address = parse_address(text)
    except UsageError:
        address = None
    if address is None or isinstance(address, UnixAddress):
        raise UsageError(
            f"--listen {typed!r} is no HOST:PORT; write 0.0.0.0:8001 for all addresses of this "
            "machine, 127.0.0.1:8001 for itself alone, tls://0.0.0.0:8001 for TLS."
        )
    return address


def is_loopback(address: Address) -> bool:
    """Whether only this machine can come in there."""
    if isinstance(address, UnixAddress) or address.host == "localhost":
        return True
    try:
        return ip_address(address.host).is_loopback
    except ValueError:
        return False
