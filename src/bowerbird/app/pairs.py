"""A certificate and its key, for managers that have none from a CA."""

from collections.abc import Sequence
from pathlib import Path

from bowerbird.app.invitation import outward_address
from bowerbird.queues.certificate import make_certificate, own_names


def pair_beside(key: Path) -> tuple[Path, Path]:
    """Where the certificate and its key lie that belong to an authkey's file."""
    return key.with_name(f"{key.stem}.crt"), key.with_name(f"{key.stem}-tls.key")


def make_pair(cert: Path, cert_key: Path, hosts: Sequence[str] = ()) -> str:
    """Make a certificate for hosts, or else for this machine; answers its fingerprint.

    Raises:
        UsageError: a file is there already or cannot be written, or a host is none.
    """
    names = hosts or [name for name in (*own_names(), outward_address()) if name]
    return make_certificate(cert, cert_key, list(dict.fromkeys(names)))
