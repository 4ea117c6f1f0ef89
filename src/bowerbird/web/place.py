"""Where the dashboard is served, and who may look: what a person says of it."""

import os
import socket
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from bowerbird.app.folder import Folder
from bowerbird.app.keys import kept_authkey, new_key_text, read_authkey
from bowerbird.errors import UsageError

#: The port, unless another is named.
PORT = 8420
#: The environment variable that holds a token.
VARIABLE = "BOWERBIRD_DASHBOARD_TOKEN"
#: A token that people made up is at least so long, in bytes: it can be tried over the network.
SHORTEST = 16


@dataclass(slots=True, frozen=True)
class Place:
    """Paths of files; "" where nothing was said."""

    host: str = "127.0.0.1"
    port: int | None = None  #: None: `PORT`, or any free one
    token_file: str = ""
    cert: str = ""  #: PEM, for HTTPS
    key: str = ""

    def check(self) -> None:
        """Raises UsageError where it cannot be served so."""
        if bool(self.cert) != bool(self.key):
            raise UsageError("A certificate and its key go together, both as PEM files.")
        for path in filter(None, (self.cert, self.key)):
            if not Path(path).is_file():
                raise UsageError(f"{path} cannot be read: there is no such file.")

    @property
    def scheme(self) -> str:
        """http or https."""
        return "https" if self.cert else "http"

    @property
    def open(self) -> bool:
        """Whether other machines can reach it: nothing is shown without the token then."""
        return not is_loopback(self.host)

    def bound(self) -> socket.socket:
        """A socket that listens there.

        Raises:
            UsageError: the port is in use, or the address is none of this machine.
        """
        if self.port is not None:
            return _listening(self.host, self.port)
        try:
            return _listening(self.host, PORT)
        except UsageError:
            return _listening(self.host, 0)

    def address(self, listening: socket.socket) -> str:
        """How people write it; by the machine's name where it listens at all addresses."""
        host, port = self.host, listening.getsockname()[1]
        if host in ("0.0.0.0", "::"):
            host = os.uname().nodename if hasattr(os, "uname") else "localhost"
        return f"{self.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def parse_place(text: str) -> tuple[str, int | None]:
    """HOST:PORT, :PORT, PORT or HOST as a person says it; raises UsageError."""
    host, colon, port = text.rpartition(":")
    if not colon:
        host, port = ("", text) if text.isdigit() else (text, "")
    if port and not (port.isdigit() and int(port) < 65_536):
        raise UsageError(f"--dashboard {text!r} is no HOST:PORT; write 127.0.0.1:{PORT}.")
    return host.strip("[]") or "127.0.0.1", int(port) if port else None


def is_loopback(host: str) -> bool:
    """Whether only this machine can come in there."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def token_of(place: Place, where: str) -> tuple[str, str]:
    """The token, and the file where a person finds it ("": only here).

    A crawl in a folder keeps its token there, so that a page stays open over restarts.

    Raises:
        UsageError: it cannot be read, or is too short.
    """
    if place.token_file:
        return _strong(read_authkey(Path(place.token_file)).decode("utf-8", "replace")), (
            place.token_file
        )
    if given := os.environ.get(VARIABLE):
        return _strong(given), ""
    folder = Folder(where)
    if "://" not in where and folder.private.is_dir():
        kept = folder.private / "dashboard.token"
        return kept_authkey(kept).decode(), str(kept)
    return new_key_text().decode().strip(), ""


def _strong(token: str) -> str:
    if len(token.encode()) < SHORTEST:
        raise UsageError(
            f"This token is too short: take {SHORTEST} characters at least. "
            "`bowerbird keygen -o FILE` makes a good one."
        )
    return token


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise UsageError(f"The dashboard cannot listen at {host}: {error.strerror}.") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(64)
    except OSError as error:
        listening.close()
        raise UsageError(
            f"The dashboard cannot listen at {host}:{port}: {error.strerror}. "
            "--port 0 takes any free port."
        ) from None
    return listening
