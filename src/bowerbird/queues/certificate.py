"""A certificate that signs itself, for managers that have none from a CA. It is to be pinned.

Made by the `openssl` program, which every Linux and macOS has: a library that can sign would be a
heavy dependency for something that is done once.
"""

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from bowerbird.errors import UsageError
from bowerbird.queues.tls import fingerprint_of

#: How long it is valid, in days. Whoever pins it does not look at that; ten years for the others.
DAYS = 3_650
#: How long openssl may take, in seconds; a P-256 key is made in milliseconds.
_PATIENCE_S = 60.0
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_*")

#: Our own, so that the system's, which may be missing, plays no part. Not a CA: whoever gives it as
#: one trusts it for its own names alone.
_CONFIG = """\
[req]
prompt = no
distinguished_name = who
x509_extensions = what
[who]
CN = Bowerbird
[what]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
subjectAltName = {names}
"""


def own_names() -> list[str]:
    """What this machine may be called by others and by itself."""
    names = (socket.gethostname(), "localhost", "127.0.0.1", "::1")
    return [name for name in dict.fromkeys(names) if ":" in name or (name and _is_name(name))]


def make_certificate(
    cert_file: Path, key_file: Path, names: Sequence[str] = (), days: int = DAYS
) -> str:
    """Make a certificate for `names` (default: `own_names`) and its key, which has mode 0600;
    answer its fingerprint.

    Raises:
        UsageError: a file is there already or cannot be written, a name is none, or there is no
            `openssl` program.
    """
    config = _CONFIG.format(names=", ".join(map(_alternative, names or own_names())))
    for path in (cert_file, key_file):
        if path.exists():
            raise UsageError(f"{path} is there already; remove it if it is no longer wanted.")
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = _made(Path(folder), config, days)
    _write_new(key_file, key, 0o600)
    _write_new(cert_file, certificate, 0o644)
    return _fingerprint(certificate)


def _made(folder: Path, config: str, days: int) -> tuple[bytes, bytes]:
    config_file, key, certificate = folder / "config", folder / "key", folder / "certificate"
    config_file.write_text(config)
    command = [
        _openssl(), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-pkeyopt", "ec_param_enc:named_curve", "-nodes", "-sha256", "-days", str(days),
        "-config", str(config_file), "-keyout", str(key), "-out", str(certificate),
    ]  # fmt: skip
    try:
        subprocess.run(command, capture_output=True, check=True, timeout=_PATIENCE_S)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or b""
        reason = said.decode("utf-8", "replace").strip().splitlines()
        raise UsageError(f"openssl made no certificate: {(reason or [error])[-1]}") from None
    return key.read_bytes(), certificate.read_bytes()


def _openssl() -> str:
    program = shutil.which("openssl")
    if program is None:
        raise UsageError("Certificates are made by the openssl program; install it first.")
    return program


def _alternative(name: str) -> str:
    try:
        return f"IP:{ip_address(name)}"
    except ValueError:
        pass
    if not name or not _is_name(name):
        raise UsageError(f"{name!r} is no name of a host; write it in its ASCII form.")
    return f"DNS:{name}"


def _is_name(text: str) -> bool:
    return _NAME.issuperset(text)


def _write_new(path: Path, data: bytes, mode: int) -> None:
    try:
        path.touch(mode, exist_ok=False)
        path.write_bytes(data)
    except OSError as error:
        raise UsageError(f"Cannot write {path}: {error.strerror}.") from None


def _fingerprint(certificate: bytes) -> str:
    import ssl

    return fingerprint_of(ssl.PEM_cert_to_DER_cert(certificate.decode("ascii")))
