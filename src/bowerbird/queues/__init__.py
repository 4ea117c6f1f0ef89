"""Networked queues.

For programs: `QueueServer`, `QueueClient` and `AsyncQueueClient` (named queues with leases),
`QueueManager` (in place of a `multiprocessing` manager). Below them, for Bowerbird itself too:
frames, handshakes, a server and a client that carry bytes between processes. The wire protocol is
that of `multiprocessing.connection`; what is carried is the business of those who use it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bowerbird.queues.address import (
        Address,
        TcpAddress,
        TlsAddress,
        UnixAddress,
        parse_address,
    )
    from bowerbird.queues.client import Connection
    from bowerbird.queues.door import Caller, Door
    from bowerbird.queues.limits import Limits
    from bowerbird.queues.named.aio import AsyncNamedQueue, AsyncQueueClient
    from bowerbird.queues.named.client import NamedQueue, QueueClient
    from bowerbird.queues.named.items import AsyncBatch, AsyncItem, Batch, Item
    from bowerbird.queues.named.lending import DeadLetter
    from bowerbird.queues.named.server import QueueServer
    from bowerbird.queues.objects.manager import QueueManager
    from bowerbird.queues.objects.proxies import QueueProxy
    from bowerbird.queues.runtime import new_authkey, new_socket_path, sweep_sockets
    from bowerbird.queues.server import Server
    from bowerbird.queues.tls import ClientTls, ServerTls

__all__ = [
    "Address",
    "AsyncBatch",
    "AsyncItem",
    "AsyncNamedQueue",
    "AsyncQueueClient",
    "Batch",
    "Caller",
    "ClientTls",
    "Connection",
    "DeadLetter",
    "Door",
    "Item",
    "Limits",
    "NamedQueue",
    "QueueClient",
    "QueueManager",
    "QueueProxy",
    "QueueServer",
    "Server",
    "ServerTls",
    "TcpAddress",
    "TlsAddress",
    "UnixAddress",
    "new_authkey",
    "new_socket_path",
    "parse_address",
    "sweep_sockets",
]

_MODULES = {
    "Address": "address",
    "TcpAddress": "address",
    "TlsAddress": "address",
    "UnixAddress": "address",
    "parse_address": "address",
    "Connection": "client",
    "Caller": "door",
    "Door": "door",
    "Limits": "limits",
    "AsyncNamedQueue": "named.aio",
    "AsyncQueueClient": "named.aio",
    "AsyncBatch": "named.items",
    "AsyncItem": "named.items",
    "NamedQueue": "named.client",
    "QueueClient": "named.client",
    "Batch": "named.items",
    "Item": "named.items",
    "DeadLetter": "named.lending",
    "QueueServer": "named.server",
    "QueueManager": "objects.manager",
    "QueueProxy": "objects.proxies",
    "new_authkey": "runtime",
    "new_socket_path": "runtime",
    "sweep_sockets": "runtime",
    "Server": "server",
    "ClientTls": "tls",
    "ServerTls": "tls",
}


def __dir__() -> list[str]:
    """What is public, loaded or not."""
    return __all__


def __getattr__(name: str) -> Any:
    """A worker needs no server: each name is imported when it is first asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
