"""Serves objects to the standard library's clients: one thread, and only it, calls them for others.

Whoever has made an object may use it as well, from any thread, as `queue.Queue` allows: so what
is parked is tried again every now and then, not only when a call has come.
"""

from math import inf
from queue import SimpleQueue
from threading import Thread

from bowerbird.clock import Clock
from bowerbird.errors import RemoteCallError
from bowerbird.inbox import gathered
from bowerbird.queues.messages import Reply, failure
from bowerbird.queues.objects.registry import Shown
from bowerbird.queues.objects.waiting import Desk, put_back
from bowerbird.queues.oldstyle.values import OldCall, OldMenu, OldReply
from bowerbird.queues.server import Call, Server

#: How soon what is parked is tried again, in seconds: what an owner puts waits so long at most.
AGAIN_S = 0.02

#: What the thread is told: a call, a connection's end, an answer that reached nobody, or the end.
_Note = OldCall | int | OldReply | None
#: The end of no connection: something may have changed.
_NUDGE = 0


class ObjectService:
    """Answers a server's old-style requests from objects, on a thread of its own."""

    def __init__(self, server: Server, objects: list[Shown], clock: Clock) -> None:
        self._server = server
        self._menu = {one.typeid: one.exposed for one in objects}
        self._desk = Desk(objects)
        self._clock = clock
        self._inbox: SimpleQueue[_Note] = SimpleQueue()
        self._thread = Thread(target=self._run, name="objects", daemon=True)

    def start(self) -> None:
        """Begin to serve; raises UsageError where the server cannot listen."""
        self._server.start(self)
        self._thread.start()

    def stop(self) -> None:
        """Answer what was asked so far, then end all connections. Idempotent."""
        self._inbox.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def nudge(self) -> None:
        """An object has been used by its owner."""
        self._inbox.put(_NUDGE)

    # Called on the server's thread.

    def old_menu(self) -> OldMenu:
        """What there is."""
        return self._menu

    def asked_old(self, call: OldCall) -> None:
        """Queue a call."""
        self._inbox.put(call)

    def asked(self, call: Call) -> None:
        """A client of named queues, or a worker, has come to the wrong door."""
        error = RemoteCallError("A QueueManager answers here; connect with QueueManager.connect().")
        self._server.reply_many([(call.connection, failure(call.request.id, error))])

    def closed(self, connection: int) -> None:
        """Queue the end of a connection."""
        self._inbox.put(connection)

    def undelivered(self, connection: int, reply: Reply | OldReply) -> None:  # noqa: ARG002
        """Queue an answer that reached nobody."""
        if isinstance(reply, OldReply):
            self._inbox.put(reply)

    # On the objects' thread.

    def _run(self) -> None:
        try:
            while self._turn(gathered(self._inbox, self._wait_s())):
                pass
        finally:
            self._server.close()

    def _wait_s(self) -> float | None:
        if not self._desk.waits:
            return None
        due_s = self._desk.next_s()
        return AGAIN_S if due_s == inf else max(0.0, min(AGAIN_S, due_s - self._clock.now_s()))

    def _turn(self, notes: list[_Note]) -> bool:
        """Carry out what has come; false once it is the end."""
        replies = []
        for note in notes:
            if isinstance(note, int):
                self._desk.drop(note)
            elif isinstance(note, OldReply):
                put_back(note)
            elif isinstance(note, OldCall):
                reply = self._desk.serve(note, self._clock.now_s())
                if reply is not None:
                    replies.append((note.connection, reply))
        replies += self._desk.again(self._clock.now_s())
        self._server.reply_many(replies)
        return None not in notes
