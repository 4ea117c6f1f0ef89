"""Serves named queues in two threads.

Calls on queues in memory are carried out where they come in, on the server's thread: nothing there
waits. For queues in a file there is a thread, and only it touches the file. Whatever calls have
gathered there are carried out in one transaction and answered after its commit, so that the price
of a commit is shared and no answer speaks of what a crash could undo. The same thread wakes up for
leases and waits that end.
"""

import logging
from collections.abc import Sequence
from math import inf
from queue import SimpleQueue
from threading import Lock, Thread

from bowerbird.clock import Clock
from bowerbird.codec import encode
from bowerbird.errors import BowerbirdError, ConnectionLostError, RemoteCallError, UsageError
from bowerbird.inbox import gathered
from bowerbird.queues.messages import Reply, failure
from bowerbird.queues.named import calls
from bowerbird.queues.named.calls import Ask
from bowerbird.queues.named.desk import ANSWERS, Desk, Turn
from bowerbird.queues.server import Call, Server

_log = logging.getLogger(__name__)

#: How soon what the disk has refused is tried again, in seconds.
AGAIN_S = 1.0

_Asked = tuple[Call, Ask]
#: What the thread is told: a call, a connection's end, or the end.
_Note = _Asked | int | None
#: The end of no connection: look at the timers.
_WAKE = 0


class QueueService:
    """Answers a server's requests from desks.

    `file`: where durable queues are; None: there can be none.
    """

    def __init__(self, server: Server, memory: Desk, file: Desk | None, clock: Clock) -> None:
        self._server = server
        self._memory, self._file = memory, file
        self._clock = clock
        self._lock = Lock()  # of what is in memory
        self._routes = dict.fromkeys(file.queues, file) if file else {}
        self._inbox: SimpleQueue[_Note] = SimpleQueue()
        self._awake_s = 0.0  #: when the thread looks at its timers by itself
        self._thread = Thread(target=self._run, name="queues", daemon=True)

    def start(self) -> None:
        """Begin to serve; raises UsageError where the server cannot listen."""
        self._server.start(self)
        self._thread.start()

    def stop(self) -> None:
        """Carry out what was asked so far, answer it, then end all connections. Idempotent."""
        self._inbox.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    # Called on the server's thread.

    def asked(self, call: Call) -> None:
        """Carry out a call, or queue it for the file's thread."""
        try:
            if call.request.method == calls.LIST:
                self._tell(call, encode(self._listed()))
                return
            ask = calls.read_ask(call.request.method, call.request.payload)
            desk = self._desk_of(ask)
        except ANSWERS as error:
            self._refuse(call, error)
            return
        if desk is self._file:
            self._inbox.put((call, ask))
        else:
            with self._lock:
                self._carry_out(desk, [(call, ask)])
            self._see_to_timers()

    def closed(self, connection: int) -> None:
        """What a connection held goes to the next."""
        with self._lock:
            self._memory.closed((connection,))
            self._care(self._memory)
        self._inbox.put(connection)

    def _see_to_timers(self) -> None:
        """Wake the thread where it would sleep past a moment."""
        due_s = self._memory.next_s()
        if due_s is not None and due_s < self._awake_s:
            self._awake_s = due_s
            self._inbox.put(_WAKE)

    def _desk_of(self, ask: Ask) -> Desk:
        known = self._routes.get(ask.name)
        if known is not None and not isinstance(ask, calls.Open):
            return known
        durable = calls.wish_of(ask).durable
        if durable and self._file is None:
            raise UsageError(
                f"The queue {ask.name!r} cannot be durable: its server was given no folder."
            )
        if known is not None and durable is not None and durable is not (known is self._file):
            kept = "in a file" if known is self._file else "in memory"
            raise UsageError(f"The queue {ask.name!r} is there already, {kept}.")
        fresh = self._memory if durable is False else self._file or self._memory
        return self._routes.setdefault(ask.name, fresh)

    def _listed(self) -> dict[str, calls.QueueInfo]:
        found = {}
        for name, desk in sorted(self._routes.items()):
            queue = desk.queues.get(name)  # else it is being made, or could not be
            if queue is not None:
                leases = queue.leases
                found[name] = calls.QueueInfo(queue.durable, leases.terms, leases.counts)
        return found

    # On the queues' thread: turn after turn.

    def _run(self) -> None:
        try:
            while self._turn(gathered(self._inbox, self._wait_s())):
                pass
        finally:
            self._server.close()

    def _wait_s(self) -> float | None:
        """Until a timer is due; None where none is."""
        with self._lock:
            dues = [desk.next_s() for desk in (self._memory, self._file) if desk is not None]
            self._awake_s = min((due_s for due_s in dues if due_s is not None), default=inf)
        return None if self._awake_s == inf else max(0.0, self._awake_s - self._clock.now_s())

    def _turn(self, notes: Sequence[_Note]) -> bool:
        """What is due in memory, and one transaction for the file; false once it is the end."""
        with self._lock:
            self._care(self._memory)
        if self._file is not None:
            self._serve_file(self._file, notes)
        return None not in notes

    def _serve_file(self, file: Desk, notes: Sequence[_Note]) -> None:
        closed = {note for note in notes if isinstance(note, int)}
        file.closed(closed)
        asked = [note for note in notes if isinstance(note, tuple) and _is_owed(note, closed)]
        if asked:
            self._carry_out(file, asked)
        self._care(file)

    def _carry_out(self, desk: Desk, asked: Sequence[_Asked]) -> None:
        turn = Turn(self._clock.now_s())
        try:
            with desk.batch():
                desk.serve(asked, turn)
        except Exception as error:
            desk.undo(turn, 0.0)
            self._isolate(desk, asked, error)
        else:
            self._server.reply_many(desk.settle(turn))

    def _isolate(self, desk: Desk, asked: Sequence[_Asked], error: Exception) -> None:
        """What one call meets must not fail its neighbours: each once more, alone."""
        if len(asked) > 1:
            for one in asked:
                self._carry_out(desk, [one])
            return
        if not isinstance(error, BowerbirdError):
            _log.error("a call failed", exc_info=error, extra={"action": "serve"})
        self._refuse(asked[0][0], error)

    def _care(self, desk: Desk) -> None:
        turn = Turn(self._clock.now_s())
        if not desk.is_to_care(turn.now_s):
            return
        try:
            with desk.batch():
                desk.care(turn)
        except Exception as error:
            _log.warning("leases are taken back later: %s", error, extra={"action": "serve"})
            desk.undo(turn, AGAIN_S)
        else:
            self._server.reply_many(desk.settle(turn))
            desk.cared()

    def _tell(self, call: Call, payload: bytes) -> None:
        self._server.reply_many([(call.connection, Reply(call.request.id, "", payload))])

    def _refuse(self, call: Call, error: Exception) -> None:
        reply = failure(call.request.id, _sayable(error))
        self._server.reply_many([(call.connection, reply)])


def _is_owed(asked: _Asked, closed: set[int]) -> bool:
    """Who has gone waits for nothing; what it put or settled counts."""
    call, ask = asked
    return not (call.connection in closed and isinstance(ask, calls.Get))


def _sayable(error: Exception) -> BowerbirdError:
    """A stranger learns nothing of a defect's whereabouts."""
    if isinstance(error, BowerbirdError) and not isinstance(error, ConnectionLostError):
        return error
    return RemoteCallError("Internal error; the server's log has it.")
