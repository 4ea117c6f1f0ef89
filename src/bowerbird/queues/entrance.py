"""Where connections come in: listening, and accepting without ever spinning."""

import errno
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bowerbird.errors import UsageError
from bowerbird.queues.address import Address, NetAddress, UnixAddress

if TYPE_CHECKING:
    import asyncio

_log = logging.getLogger(__name__)

#: Connections that the kernel keeps for us until we accept them.
BACKLOG = 1_024
#: Connections accepted in one turn of the loop: a flood must not keep friends waiting.
TAKE = 64
#: Pause after the system had no descriptor or no memory for another one, in seconds: the one that
#: waits stays with the kernel, which would report it again at once.
PAUSE_S = 0.2
#: Such trouble is told once in so many seconds.
TELL_S = 60.0

_HINTS = {
    errno.EADDRINUSE: " Does another manager listen there? Choose another port, or 0 for any.",
    errno.EADDRNOTAVAIL: " This machine has no such address; 0.0.0.0 stands for all it has.",
    errno.EACCES: " Ports below 1024 are the administrator's.",
}


class Entrance:
    """Accepts at one listening socket. `admit` gets each connection; `spare` ends one that can be
    spared when there is no descriptor left."""

    def __init__(
        self,
        listener: socket.socket,
        loop: "asyncio.AbstractEventLoop",
        admit: Callable[[socket.socket], None],
        spare: Callable[[], None],
    ) -> None:
        self._listener = listener
        self._loop = loop
        self._admit = admit
        self._spare = spare
        self._told_s = -TELL_S
        listener.setblocking(False)
        self._open()

    def close(self) -> None:
        """Accept no more."""
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener)
            self._listener.close()

    def _open(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        for _ in range(TAKE):
            try:
                sock, _peer = self._listener.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:  # it has gone again
                continue
            except OSError as error:
                self._rest(error)
                return
            self._admit(sock)

    def _rest(self, error: OSError) -> None:
        self._loop.remove_reader(self._listener)
        self._loop.call_later(PAUSE_S, self._open)
        self._spare()
        if self._loop.time() >= self._told_s + TELL_S:
            self._told_s = self._loop.time()
            _log.warning("no room for another connection: %s", error.strerror)


def listen_at(address: Address) -> socket.socket:
    """A listening socket.

    Raises:
        UsageError: the address is in use, or is none of this machine's.
    """
    try:
        if isinstance(address, UnixAddress):
            return _listen_unix(address.path)
        return _listen_net(address)
    except (OSError, UnicodeError) as error:
        # The library adds its own "(while attempting to bind …)".
        reason = (getattr(error, "strerror", None) or str(error)).partition(" (while ")[0]
        hint = _HINTS.get(getattr(error, "errno", None) or 0, "")
        raise UsageError(f"Cannot listen at {address}: {reason}.{hint}") from None


def _listen_net(address: NetAddress) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    both = address.host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server(
        (address.host, address.port), family=family, backlog=BACKLOG, dualstack_ipv6=both
    )


def _listen_unix(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(path)
        Path(path).chmod(0o600)  # the folder is private already; this is for those that are not
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
