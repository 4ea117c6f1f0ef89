"""Ports for servers of tests."""

import os
import random
import socket

#: Below those that systems give to outgoing connections, of which other tests make many: one of
#: them could take a port between our look and the server's start. A Redis node of a Cluster also
#: needs the port 10,000 higher.
RANGE = range(10_240, 22_000)
#: Processes that run tests side by side: each has ports of its own.
PROCESSES = 16


def free_port() -> int:
    """A port of 127.0.0.1 where nobody listens."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % PROCESSES
    while True:
        port = random.SystemRandom().choice(RANGE[number::PROCESSES])
        if _is_free(port) and _is_free(port + 10_000):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
