"""`python -m benchmarks.fleet.holder HOST PORT COUNT FIRST RATE`: strangers at a door.

Keeps COUNT connections from addresses of 127/8, each from its own, a third of them silent, a third
saying what no client says, a third announcing a frame of 2 GB. What the server ends is begun anew,
at most RATE a second. Says `open begun refused` every second, and ends with its standard input.
"""

import errno
import resource
import select
import socket
import sys
import time
from contextlib import suppress
from itertools import count

GARBAGE = (b"", b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", b"\x7f\xff\xff\xff")
TICK_S = 0.05


class Holder:
    """All connections of this process."""

    def __init__(self, target: tuple[str, int], first: int) -> None:
        self.target = target
        self.numbers = count(first)
        self.begun = self.refused = 0
        self.open: dict[int, socket.socket] = {}
        self.poll = select.epoll()

    def begin(self) -> None:
        """One more, from an address of its own."""
        number = next(self.numbers)
        sock = socket.socket()
        sock.setblocking(False)
        sock.bind((address(number), 0))
        self.begun += 1
        if sock.connect_ex(self.target) not in (0, errno.EINPROGRESS):
            self.refused += 1
            sock.close()
            return
        self.open[sock.fileno()] = sock
        self.poll.register(sock.fileno(), select.EPOLLOUT | select.EPOLLRDHUP)

    def look(self) -> None:
        """Speak where a connection stands, forget those that have ended."""
        for fileno, events in self.poll.poll(0):
            if events & (select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP):
                self.poll.unregister(fileno)
                self.open.pop(fileno).close()
            elif events & select.EPOLLOUT:
                self.poll.modify(fileno, select.EPOLLRDHUP)
                with suppress(OSError):
                    self.open[fileno].send(GARBAGE[fileno % len(GARBAGE)])


def address(number: int) -> str:
    """127.1.0.1 and on, 254 of each last byte."""
    return f"127.{1 + number // 64_516 % 250}.{number // 254 % 254}.{number % 254 + 1}"


def main() -> None:
    """Until standard input ends."""
    host, port, wanted, first, rate = sys.argv[1], *map(int, sys.argv[2:])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    holder, said_s = Holder((host, port), first), 0.0
    while not select.select([sys.stdin], [], [], TICK_S)[0]:
        for _ in range(min(wanted - len(holder.open), int(rate * TICK_S))):
            holder.begin()
        holder.look()
        if time.monotonic() - said_s > 1:
            said_s = time.monotonic()
            print(len(holder.open), holder.begun, holder.refused, flush=True)


if __name__ == "__main__":
    main()
