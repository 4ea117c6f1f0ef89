"""Networked queues: frames, handshakes, a server and a client that carry bytes between processes.

The wire protocol is that of `multiprocessing.connection`; what is carried is the business of
those who use it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bowerbird.queues.address import Address, TcpAddress, UnixAddress, parse_address
    from bowerbird.queues.client import Connection
    from bowerbird.queues.peer import Limits
    from bowerbird.queues.runtime import new_authkey, new_socket_path
    from bowerbird.queues.server import Server

__all__ = [
    "Address",
    "Connection",
    "Limits",
    "Server",
    "TcpAddress",
    "UnixAddress",
    "new_authkey",
    "new_socket_path",
    "parse_address",
]

_MODULES = {
    "Address": "address",
    "TcpAddress": "address",
    "UnixAddress": "address",
    "parse_address": "address",
    "Connection": "client",
    "Limits": "peer",
    "new_authkey": "runtime",
    "new_socket_path": "runtime",
    "Server": "server",
}


def __getattr__(name: str) -> Any:
    """A worker needs no server: each name is imported when it is first asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
