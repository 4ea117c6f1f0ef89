"""`keygen`."""

from collections.abc import Iterator
from pathlib import Path

import click

from bowerbird.errors import UsageError

#: Where the authkey goes when there are other files beside it, and nothing was said.
KEY_FILE = "bowerbird.key"


@click.command(short_help="Make an authkey, and a certificate.")
@click.option(
    "-o",
    "--out",
    default="",
    metavar="FILE",
    help="File for the key. [standard output; with --tls bowerbird.key]",
)
@click.option("--tls", is_flag=True, help="Make a self-signed certificate beside it.")
@click.option("--host", "hosts", multiple=True, metavar="NAME",
              help="Name or address in the certificate. [those of this machine]")  # fmt: skip
def keygen(out: str, tls: bool, hosts: tuple[str, ...]) -> None:
    """Make an authkey; with --tls also a self-signed certificate, with its fingerprint to pin.

    Manager and workers need the same key. The certificate and its own key stay with the manager;
    workers need its fingerprint alone.
    """
    from bowerbird.app.keys import make_authkey, new_key_text

    if hosts and not tls:
        raise UsageError("--host names who a certificate is for; it goes with --tls.")
    if not out and not tls:
        click.echo(new_key_text(), nl=False)
        return
    key = Path(out or KEY_FILE)
    if tls:
        lines = list(_with_certificate(key, hosts))
    else:
        make_authkey(key)
        lines = [f"The authkey is in {key}; only you can read it."]
    for line in lines:
        click.echo(line)


def _with_certificate(key: Path, hosts: tuple[str, ...]) -> Iterator[str]:
    from bowerbird.app.keys import make_authkey
    from bowerbird.app.pairs import make_pair, pair_beside

    there = key.exists()
    cert, cert_key = pair_beside(key)
    fingerprint = make_pair(cert, cert_key, hosts)
    if not there:
        make_authkey(key)
    yield f"The authkey is in {key}{', as before' if there else '; only you can read it'}."
    yield f"The certificate is in {cert}, its own key in {cert_key}. Its fingerprint:"
    yield f"  {fingerprint}"
    yield "On the manager's machine:"
    yield (
        f"  bowerbird crawl URL -o DIR --listen tls://0.0.0.0:8001 --authkey-file {key} "
        f"--tls-cert {cert} --tls-key {cert_key}"
    )
    yield f"On the others, with a copy of {key}:"
    yield (
        f"  bowerbird worker tls://HOST:8001 --authkey-file {key.name} "
        f"--tls-fingerprint {fingerprint}"
    )
