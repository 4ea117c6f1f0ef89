"""Doors of a server, and who comes in by them."""

from typing import NamedTuple

import msgspec

from bowerbird.queues.address import Address, TcpAddress
from bowerbird.queues.limits import Limits
from bowerbird.queues.tls import ServerTls


class Door(msgspec.Struct, frozen=True):
    """A place where a server listens, and what it asks of those who come."""

    address: Address
    authkey: bytes
    tls: ServerTls | None = None  #: needed by a `tls://` address, and by no other
    legacy: bool = True  #: old clients may answer the challenge with HMAC-MD5
    limits: Limits | None = None  #: its own; None: the server's


class Caller(NamedTuple):
    """Who asks."""

    peer: str = ""  #: its address as text, host:port; "" over a Unix socket
    secure: bool = True  #: nobody on the way can read along: a Unix socket, or TLS


#: Someone on this machine, over a private socket.
LOCAL = Caller()


def is_secure(address: Address) -> bool:
    """Whether what is said there stays between the two ends."""
    return not isinstance(address, TcpAddress)
