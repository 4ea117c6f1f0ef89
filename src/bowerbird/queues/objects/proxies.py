"""What callers hold: an object of this process, or of another."""

import os
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from bowerbird.queues.address import Address
from bowerbird.queues.objects.registry import Shown
from bowerbird.queues.oldstyle.client import PlainManager, PlainProxy
from bowerbird.queues.oldstyle.plain import Scale
from bowerbird.queues.tls import ClientTls

#: Blocking calls wait as long as it takes: eleven days. Keepalive notices a machine that has gone.
FOREVER_S = 1e6


class Whereabouts(NamedTuple):
    """What a process needs to reach a manager."""

    address: Address
    authkey: bytes
    tls: ClientTls | None


class Local(NamedTuple):
    """An object of this process. A forked child has a copy of it that nobody else sees."""

    shown: Shown
    nudge: Callable[[], None]  #: to be called when the object has been used
    pid: int


class QueueProxy:
    """An object by its methods. Those of a queue mean what `queue.Queue` says; others are found
    by their names. Threads may share it, and child processes be given it.

    Raises, in each of them:
        queue.Empty, queue.Full: as `queue.Queue` does.
        RemoteCallError: it failed in the manager's process.
        NotPlainError: an argument or the answer is no plain value.
        ConnectionLostError: the manager went away.
    """

    def __init__(self, typeid: str, where: Whereabouts, local: Local | None = None) -> None:
        self._typeid = typeid
        self._where = where
        self._local = local
        self._remote: tuple[int, PlainProxy] | None = None  # with the process it is of

    def __repr__(self) -> str:
        return f"<QueueProxy {self._typeid!r} of {self._where.address}>"

    def __reduce__(self) -> tuple[Any, ...]:
        from multiprocessing.context import get_spawning_popen

        if get_spawning_popen() is None:
            raise TypeError(
                "A QueueProxy holds the authkey: it goes to child processes only. Elsewhere, "
                "connect() with a manager of its own."
            )
        return QueueProxy, (self._typeid, self._where)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name not in self._exposed():
            raise AttributeError(f"{self._typeid!r} shows no method {name!r}.")
        return partial(self._call, name)

    # A queue's methods.

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take an item, waiting for one for `timeout` seconds (None: for ever)."""
        return self._call("get", block, timeout)

    def get_nowait(self) -> Any:
        """Take an item."""
        return self._call("get_nowait")

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put an item, waiting for room for `timeout` seconds (None: for ever)."""
        self._call("put", item, block, timeout)

    def put_nowait(self, item: Any) -> None:
        """Put an item."""
        self._call("put_nowait", item)

    def empty(self) -> bool:
        """Whether there is no item now."""
        return bool(self._call("empty"))

    def full(self) -> bool:
        """Whether there is no room now."""
        return bool(self._call("full"))

    def qsize(self) -> int:
        """How many items there are now."""
        return int(self._call("qsize"))

    def task_done(self) -> None:
        """An item that was taken has been worked on."""
        self._call("task_done")

    def join(self) -> None:
        """Wait until all items have been worked on."""
        self._call("join")

    # The way there.

    def _call(self, method: str, *args: Any, **kwds: Any) -> Any:
        local = self._here()
        if local is None:
            return self._there().call(method, *args, timeout_s=FOREVER_S, **kwds)
        Scale().check((args, kwds))  # others could not be given it
        if method not in local.shown.exposed:
            raise AttributeError(f"{self._typeid!r} shows no method {method!r}.")
        try:
            return getattr(local.shown.target, method)(*args, **kwds)
        finally:
            local.nudge()

    def _exposed(self) -> tuple[str, ...]:
        local = self._here()
        return local.shown.exposed if local else self._there().exposed

    def _here(self) -> Local | None:
        local = self._local
        return local if local is not None and local.pid == os.getpid() else None

    def _there(self) -> PlainProxy:
        if (
            self._remote is None or self._remote[0] != os.getpid()
        ):  # connections are a process's own
            address, authkey, tls = self._where
            manager = PlainManager(address, authkey, tls=tls)
            weakref.finalize(self, _close, manager, os.getpid())
            self._remote = os.getpid(), manager.object(self._typeid)
        return self._remote[1]

    def open(self) -> "QueueProxy":
        """Reach the object now rather than at the first call; raises what `PlainManager.object`
        raises."""
        if self._here() is None:
            self._there()
        return self


def _close(manager: PlainManager, pid: int) -> None:
    """Not in a forked child: the connection is its parent's."""
    if pid == os.getpid():
        manager.close()
