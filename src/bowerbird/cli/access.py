"""The options of commands that reach a manager by its address."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from bowerbird.app.access import Access

F = TypeVar("F", bound=Callable[..., Any])

#: Said to who types a key.
SEEN = "--authkey can be seen by every user of this machine (ps); --authkey-file keeps it private."

#: Said to who types a password of Redis.
SHOWN = (
    "the password in the address can be seen by every user of this machine (ps); REDISCLI_AUTH or "
    "--authkey-file keeps it private."
)


class _WayIn(click.Option):
    """Of no concern to who looks into a folder: after a command's own, in its help."""

    panel = "To get in at an address"


def _way_in(name: str, metavar: str, text: str) -> Callable[[F], F]:
    return click.option(name, cls=_WayIn, default="", metavar=metavar, help=text)


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    _way_in("--authkey-file", "FILE", "File with the manager's authkey [BOWERBIRD_AUTHKEY], or "
            "Redis's password [REDISCLI_AUTH]."),
    _way_in("--authkey", "TEXT", "The authkey itself; ps shows it."),
    _way_in("--tls-ca", "FILE", "Trust certificates signed by these. [the system's]"),
    _way_in("--tls-fingerprint", "SHA256", "Trust this certificate alone."),
    _way_in("--tls-cert", "FILE", "Certificate to show to the manager."),
    _way_in("--tls-key", "FILE", "Its private key."),
)  # fmt: skip
#: The names of the parameters that they add.
_NAMES = ("authkey_file", "authkey", "tls_ca", "tls_fingerprint", "tls_cert", "tls_key")


def access_options(command: F) -> F:
    """Add them to a command; it takes them as keywords and gives them to `access_of`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def at_crawl(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command have a crawl, by its folder or by address: as `where` and `access`."""

    @wraps(command)
    def run(**typed: Any) -> None:
        access = access_of(typed)
        warn_of_password(typed["where"])
        command(access=access, **typed)

    return click.argument("where", metavar="DIR|ADDRESS")(access_options(run))


def access_of(typed: dict[str, Any]) -> "Access":
    """The access that was typed; its parameters are taken out."""
    from bowerbird.app.access import Access

    access = Access(**{name: typed.pop(name) for name in _NAMES})
    warn_of_typed_key(access.authkey)
    return access


def warn_of_password(where: str) -> None:
    """Nor is a password in an address."""
    from bowerbird.app.engines import is_engine, shows_password

    if is_engine(where) and shows_password(where):
        print(f"bowerbird: warning: {SHOWN}", file=sys.stderr)  # noqa: T201


def warn_of_typed_key(key: str) -> None:
    """A key on a command line is no secret on a machine with several users."""
    if key:
        print(f"bowerbird: warning: {SEEN}", file=sys.stderr)  # noqa: T201
