"""Waiting for sockets: epoll where there is one, else what `selectors` finds."""

import os
import select
import selectors
import socket
from collections.abc import Callable
from threading import Lock

READ, WRITE = 1, 2  #: libcurl's CURL_CSELECT_IN and _OUT, and its POLL_ values
# EPOLLIN, EPOLLOUT: the numbers of the Linux ABI, since other systems' `select` lacks the names.
_EVENTS = {READ: 1, WRITE: 4, READ | WRITE: 5}


class EpollWaiter:
    """Sockets of interest, and a wake-up that any thread may use."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watched: set[int] = set()
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._waking = Lock()  # nobody writes to a descriptor that is another's by now
        self._closed = False
        self._epoll.register(self._wake_fd, select.EPOLLIN)

    def watch(self, fd: int, mask: int) -> None:
        """Be told of `mask` (READ, WRITE) of a socket; 0 forgets it.

        At once, though a kept registration would save a system call for each request: where a child
        process has inherited the socket, the kernel would keep it after our close.
        """
        if not mask:
            self._forget(fd)
        elif fd in self._watched:
            self._epoll.modify(fd, _EVENTS[mask])
        else:
            self._watched.add(fd)
            self._epoll.register(fd, _EVENTS[mask])

    def _forget(self, fd: int) -> None:
        if fd in self._watched:
            self._watched.remove(fd)
            self._epoll.unregister(fd)

    def wait(self, timeout_s: float) -> tuple[list[tuple[int, int]], bool]:
        """What is ready, as (socket, mask), and whether `wake` was called."""
        ready, woken = [], False
        for fd, events in self._epoll.poll(timeout_s):
            if fd == self._wake_fd:
                woken = True
                os.eventfd_read(fd)
            else:
                mask = READ if events & ~select.EPOLLOUT else 0
                ready.append((fd, mask | WRITE if events & select.EPOLLOUT else mask))
        return ready, woken

    def wake(self) -> None:
        """End a `wait`, from any thread; one that comes after the end wakes nobody."""
        with self._waking:
            if not self._closed:
                os.eventfd_write(self._wake_fd, 1)

    def close(self) -> None:
        """Give the descriptors back."""
        self._epoll.close()
        with self._waking:
            self._closed = True
            os.close(self._wake_fd)


class SelectorWaiter:
    """The same by the standard library's selectors, for machines without epoll."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._theirs.setblocking(False)
        self._selector.register(self._ours, selectors.EVENT_READ)
        self._watched: set[int] = set()

    def watch(self, fd: int, mask: int) -> None:
        """As `EpollWaiter.watch`; the masks are the same numbers."""
        if mask:
            change = self._selector.modify if fd in self._watched else self._selector.register
            self._watched.add(fd)
            change(fd, mask)
        elif fd in self._watched:
            self._watched.remove(fd)
            self._selector.unregister(fd)

    def wait(self, timeout_s: float) -> tuple[list[tuple[int, int]], bool]:
        """As `EpollWaiter.wait`."""
        ready, woken = [], False
        for key, mask in self._selector.select(timeout_s):
            if key.fileobj is self._ours:
                woken = True
                self._ours.recv(4_096)
            else:
                ready.append((key.fd, mask))
        return ready, woken

    def wake(self) -> None:
        """As `EpollWaiter.wake`."""
        try:
            self._theirs.send(b"\0")
        except OSError:
            return  # full of wake-ups already, or closed

    def close(self) -> None:
        """Give the descriptors back."""
        self._selector.close()
        self._ours.close()
        self._theirs.close()


SocketWaiter = EpollWaiter | SelectorWaiter
make_waiter: Callable[[], SocketWaiter] = (
    EpollWaiter if hasattr(select, "epoll") and hasattr(os, "eventfd") else SelectorWaiter
)
