"""Ports for servers of tests."""

import random
import socket

#: Below those that systems give to outgoing connections, of which other tests make many: one of
#: them could take a port between our look and the server's start. A Redis node of a Cluster also
#: needs the port 10,000 higher.
RANGE = range(10_240, 22_000)


def free_port() -> int:
    """A port of 127.0.0.1 where nobody listens."""
    while True:
        port = random.SystemRandom().choice(RANGE)
        if _is_free(port) and _is_free(port + 10_000):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
