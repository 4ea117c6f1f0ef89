"""Where a queue is to be found: `unix:///path`, `tcp://host:port` or `tls://host:port`."""

import msgspec

from bowerbird.errors import UsageError


class UnixAddress(msgspec.Struct, frozen=True):
    """A Unix socket on this machine."""

    path: str  #: absolute

    def __str__(self) -> str:
        return f"unix://{self.path}"


class TcpAddress(msgspec.Struct, frozen=True):
    """A port of some machine."""

    host: str  #: a name or an IP address, IPv6 without brackets
    port: int  #: 0: any free port, for listening only

    def __str__(self) -> str:
        return f"tcp://{host_port(self.host, self.port)}"


class TlsAddress(msgspec.Struct, frozen=True):
    """A port of some machine where TLS is spoken."""

    host: str  #: a name or an IP address, IPv6 without brackets
    port: int  #: 0: any free port, for listening only

    def __str__(self) -> str:
        return f"tls://{host_port(self.host, self.port)}"


def host_port(host: str, port: int) -> str:
    """A place on the network as people write it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


_IPV6 = frozenset("0123456789abcdefABCDEF:.")

NetAddress = TcpAddress | TlsAddress
Address = UnixAddress | NetAddress

_NET: dict[str, type[NetAddress]] = {"tcp": TcpAddress, "tls": TlsAddress}


def parse_address(text: str) -> Address:
    """Read an address as people write it.

    Raises:
        UsageError: it is none; the message shows what one looks like.
    """
    scheme, colon, rest = text.strip().partition("://")
    if colon and scheme == "unix":
        return _unix(text, rest)
    if colon and scheme in _NET:
        host, port = _place(text, scheme, rest)
        return _NET[scheme](host, port)
    raise UsageError(
        f"{text!r} is no address; write tcp://host:port, tls://host:port or unix:///path."
    )


def _unix(text: str, path: str) -> UnixAddress:
    if not path.startswith("/") or "\0" in path:
        raise UsageError(f"{text!r} names no absolute path; write unix:///path.")
    return UnixAddress(path)


def _place(text: str, scheme: str, rest: str) -> tuple[str, int]:
    host, colon, port = rest.rstrip("/").rpartition(":")
    if not colon or not host or not _is_port(port):
        raise UsageError(f"{text!r} lacks host or port (0 to 65535); write {scheme}://host:port.")
    inner = host[1:-1]
    if host == f"[{inner}]" and ":" in inner and _IPV6.issuperset(inner):
        return inner, int(port)
    if ":" in host or "/" in host or "@" in host or "[" in host:
        raise UsageError(f"{text!r} names no host; IPv6 goes in brackets: {scheme}://[::1]:8001.")
    return host, int(port)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65_535
