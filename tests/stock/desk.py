"""A server of ours with two queues in memory behind it, for old-style clients."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from bowerbird.queues import Door, Server, TcpAddress
from bowerbird.queues.oldstyle.values import (
    EMPTY,
    FULL,
    QUEUE_METHODS,
    OldCall,
    OldMenu,
    OldReply,
    raised,
    returned,
)
from bowerbird.queues.server import Call

KEY = b"qiye"
LONG_KEY = b"k" * 200
#: What runs on a queue without waiting.
_QUICK = frozenset(("empty", "full", "qsize", "put_nowait", "get_nowait"))


class Desk:
    """Serves a bounded task queue and a result queue; what may wait gets a thread."""

    def __init__(self) -> None:
        self.server: Server
        self.queues: dict[str, queue.Queue[object]] = {
            "get_task_queue": queue.Queue(3),
            "get_result_queue": queue.Queue(),
        }
        self.calls: list[OldCall] = []
        self.waiting: SimpleQueue[OldCall] = SimpleQueue()
        self.left: SimpleQueue[int] = SimpleQueue()

    def asked(self, call: Call) -> None:
        raise AssertionError("none of our own clients is here")

    def closed(self, connection: int) -> None:
        self.left.put(connection)

    def old_menu(self) -> OldMenu:
        return dict.fromkeys(self.queues, QUEUE_METHODS)

    def asked_old(self, call: OldCall) -> None:
        self.calls.append(call)
        if call.method in _QUICK:
            self._answer(call)
            return
        self.waiting.put(call)
        threading.Thread(target=self._answer, args=(call,), daemon=True).start()

    def answer(self, call: OldCall) -> OldReply:
        """What a queue.Queue says."""
        method = getattr(self.queues[call.typeid], call.method)
        try:
            return returned(call, method(*call.args, **call.kwds))
        except queue.Empty:
            return raised(call, EMPTY)
        except queue.Full:
            return raised(call, FULL)

    def _answer(self, call: OldCall) -> None:
        self.server.reply_many([(call.connection, self.answer(call))])


def serving(desk: Desk, port: int = 0) -> Server:
    """Three doors: with the tutorials' key at `port`, with an empty key, with a long one."""
    keys = {port: KEY} if port else {}
    doors = [Door(TcpAddress("127.0.0.1", at), key) for at, key in keys.items()]
    doors = doors or [Door(TcpAddress("127.0.0.1", 0), key) for key in (KEY, b"", LONG_KEY)]
    desk.server = Server(doors)
    desk.server.start(desk)
    return desk.server


@contextmanager
def served() -> Iterator[Desk]:
    """A desk whose server runs."""
    desk = Desk()
    server = serving(desk)
    try:
        yield desk
    finally:
        desk.server.close()
        server.close()


def ports(desk: Desk) -> list[int]:
    """Of its doors."""
    return [one.port for one in desk.server.addresses if isinstance(one, TcpAddress)]
