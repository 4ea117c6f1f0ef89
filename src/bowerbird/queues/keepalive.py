"""Connections whose other end has gone without a word come to an end.

A pulled cable, a machine that lost power or a NAT that forgot sends nothing; without these a
silent connection would stay for ever, and with it the leases of an old-style client.
"""

import socket
import sys
from contextlib import suppress

#: Seconds of silence before the kernel asks whether the other end is there. Our workers beat every
#: 2 s, so only the idle are asked; short enough that NATs, which forget after 30 s at the
#: strictest, do not.
IDLE_S = 10
#: Seconds between two such questions.
INTERVAL_S = 5
#: Unanswered questions that end the connection: 25 s in all.
COUNT = 3
#: Seconds that what was sent may go unacknowledged (RFC 5482): as long, where the kernel alone
#: would try for 15 minutes. A cable that is plugged in again sooner has cut nothing.
UNACKNOWLEDGED_S = IDLE_S + INTERVAL_S * COUNT

#: What macOS calls TCP_KEEPIDLE.
_IDLE = "TCP_KEEPALIVE" if sys.platform == "darwin" else "TCP_KEEPIDLE"
_OPTIONS = (
    (_IDLE, IDLE_S),
    ("TCP_KEEPINTVL", INTERVAL_S),
    ("TCP_KEEPCNT", COUNT),
    ("TCP_USER_TIMEOUT", UNACKNOWLEDGED_S * 1_000),
)


def is_tcp(sock: socket.socket) -> bool:
    """Whether it leads over a network."""
    return sock.family in (socket.AF_INET, socket.AF_INET6)


def hurry(sock: socket.socket) -> None:
    """Send small messages at once: each is waited for. Nothing to do for a Unix socket."""
    if is_tcp(sock):
        _set(sock, socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def acknowledge(sock: socket.socket) -> None:
    """Tell the other end at once what has come, where the system can. A stock client follows its
    last word of the handshake by its request, which Nagle's algorithm holds back for 40 ms."""
    if is_tcp(sock) and sys.platform == "linux":
        _set(sock, socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def watch(sock: socket.socket) -> None:
    """End the connection when the other end is gone, as far as the system can."""
    if not is_tcp(sock):
        return  # the kernel knows both ends
    _set(sock, socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS:
        option = getattr(socket, name, None)
        if option is not None:
            _set(sock, socket.IPPROTO_TCP, option, value)


def _set(sock: socket.socket, level: int, option: int, value: int) -> None:
    with suppress(OSError):  # it has gone already, as the next read will tell
        sock.setsockopt(level, option, value)
