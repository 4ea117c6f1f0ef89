"""What a manager that listens says: the line with which a worker of another machine joins it.

The key is never in it, only where it lies.
"""

import shlex
import socket
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import islice
from pathlib import Path
from threading import Thread

from bowerbird.app.keys import VARIABLE
from bowerbird.app.listen import Listen, is_loopback
from bowerbird.fetch.addresses import is_public
from bowerbird.fetch.guard import Guard
from bowerbird.queues import Address, TcpAddress, TlsAddress
from bowerbird.queues.address import host_port
from bowerbird.settings import Job, Secrets
from bowerbird.urls import host_of

#: Where the key is copied to, on the other machine.
COPY = "bowerbird.key"
#: Hosts of start URLs that are looked up.
LOOKED_UP = 32
#: Names of start URLs are looked up for so long, in seconds: the line is for people who wait.
LOOK_UP_S = 1.0
#: Nothing is sent there: connecting a UDP socket only asks which way it would go (RFC 5737).
_FAR = (("192.0.2.1", 9), ("2001:db8::1", 9))

_Ip = IPv4Address | IPv6Address


def invitation(listen: Listen, address: Address, job: Job, kept_key: Path) -> list[str]:
    """Lines for people: where it listens, the line to paste, how to bring the key there.

    `address` has the port that was found; `kept_key` is where a key of our own making lies.
    """
    if not isinstance(address, TcpAddress | TlsAddress):
        return []
    near = is_loopback(address)
    key_file = _key_file(listen, kept_key)
    lines = [f"Listening at {address}. To join, {_where(near=near)}:"]
    if key_file and not near:
        lines.append(f"  scp {shlex.quote(f'{own_host(address)}:{key_file}')} {COPY}")
    lines.append("  " + shlex.join(_command(listen, address, job, _key_named(key_file, near=near))))
    if not key_file:
        lines.append(f"with the same key in {VARIABLE}.")
    if isinstance(address, TcpAddress) and job.secrets != Secrets():
        lines.append("Headers, cookies and the proxy's login stay here: they travel only by TLS.")
    if isinstance(address, TcpAddress) and not near:
        lines.append(
            "warning: not encrypted: whoever is on the way can read along and put words in. "
            "On a network that is not yours alone use --tls-cert and --tls-key "
            "(`bowerbird keygen --tls` makes both)."
        )
    return lines


def _where(*, near: bool) -> str:
    return "on this machine" if near else "on another machine"


def _key_file(listen: Listen, kept: Path) -> str:
    """Where the key lies; "" where it was typed or is in the environment."""
    from os import environ

    if listen.authkey_file:
        return str(Path(listen.authkey_file).absolute())
    return "" if listen.authkey or VARIABLE in environ else str(kept)


def _key_named(key_file: str, *, near: bool) -> str:
    return COPY if key_file and not near else key_file


def _command(
    listen: Listen, address: TcpAddress | TlsAddress, job: Job, key_file: str
) -> Iterator[str]:
    scheme = "tls" if isinstance(address, TlsAddress) else "tcp"
    yield from ("bowerbird", "worker")
    yield f"{scheme}://{host_port(own_host(address), address.port)}"
    if key_file:
        yield from ("--authkey-file", key_file)
    if isinstance(address, TlsAddress):
        yield from ("--tls-fingerprint", fingerprint_in(listen.tls_cert))
    if listen.tls_client_ca:
        yield from ("--tls-cert", "CERTIFICATE", "--tls-key", "KEY")
    if job.store:
        yield from ("-o", job.store)
    yield from rights_for(job)


def own_host(address: TcpAddress | TlsAddress) -> str:
    """What others call the machine that listens there."""
    try:
        unspecified = ip_address(address.host).is_unspecified
    except ValueError:
        return address.host
    return outward_address() or socket.gethostname() if unspecified else address.host


def outward_address() -> str:
    """The address of ours that others see; "" where no way leads out."""
    for family, far in zip((socket.AF_INET, socket.AF_INET6), _FAR, strict=True):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect(far)
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return ""


def fingerprint_in(cert_file: str) -> str:
    """The fingerprint of the first certificate in a PEM file."""
    import ssl

    from bowerbird.queues.tls import fingerprint_of

    head, _, _ = Path(cert_file).read_text("ascii", "replace").partition(ssl.PEM_FOOTER)
    start = head.find(ssl.PEM_HEADER)
    return fingerprint_of(ssl.PEM_cert_to_DER_cert(f"{head[start:]}{ssl.PEM_FOOTER}\n"))


# Private addresses: a worker goes there only where its own options say so.


def rights_for(job: Job) -> list[str]:
    """The options by which a worker may reach what this crawl needs on private networks."""
    settings = job.settings
    if settings.allow_private:
        return ["--allow-private"]
    guard = Guard(allow_range=settings.allow_range)
    hosts = islice(dict.fromkeys(map(host_of, job.start_urls)), LOOKED_UP)
    private = {str(one) for one in _addresses(hosts) if not guard.allows(str(one))}
    return [word for range_ in (*settings.allow_range, *sorted(private))
            for word in ("--allow-range", range_)]  # fmt: skip


def _addresses(hosts: Iterable[str]) -> list[_Ip]:
    """The private addresses of hosts, as far as they can be found in time."""
    found: set[_Ip] = set()
    searches = [Thread(target=_look_up, args=(host, found), daemon=True) for host in hosts]
    for search in searches:
        search.start()
    for search in searches:
        search.join(LOOK_UP_S / len(searches))
    return [one for one in tuple(found) if not is_public(one)]


def _look_up(host: str, found: set[_Ip]) -> None:
    try:
        infos = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return
    for info in infos:
        found.add(ip_address(str(info[4][0]).partition("%")[0]))
