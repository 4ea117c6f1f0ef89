"""Serves named queues: one thread, and only it, touches them.

Whatever calls have gathered are carried out in one transaction and answered after its commit, so
that the price of a commit is shared and no answer speaks of what a crash could undo.
"""

import logging
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from bowerbird.clock import Clock
from bowerbird.codec import encode
from bowerbird.errors import BowerbirdError, ConnectionLostError, RemoteCallError, UsageError
from bowerbird.queues.messages import Reply, failure
from bowerbird.queues.named import calls
from bowerbird.queues.named.calls import Ask
from bowerbird.queues.named.desk import ANSWERS, Desk, Turn
from bowerbird.queues.server import Call, Server

_log = logging.getLogger(__name__)

#: How soon what the disk has refused is tried again, in seconds.
AGAIN_S = 1.0

_Asked = tuple[Call, Ask]


class QueueService:
    """Answers a server's requests from desks, on a thread of its own.

    `file`: where durable queues are; None: there can be none.
    """

    def __init__(self, server: Server, memory: Desk, file: Desk | None, clock: Clock) -> None:
        self._server = server
        self._memory, self._file = memory, file
        self._desks = (memory,) if file is None else (memory, file)
        self._clock = clock
        self._inbox: SimpleQueue[Call | int | None] = SimpleQueue()  # int: a connection's end
        self._door = Lock()
        self._stopping = False
        self._thread = Thread(target=self._run, name="queues", daemon=True)

    def start(self) -> None:
        """Begin to serve; raises UsageError where the server cannot listen."""
        self._server.start(self)
        self._thread.start()

    def stop(self) -> None:
        """Carry out what was asked so far, answer it, then end all connections. Idempotent."""
        with self._door:
            if not self._stopping:
                self._stopping = True
                self._inbox.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    # Called on the server's thread.

    def asked(self, call: Call) -> None:
        """Queue a request."""
        self._inbox.put(call)

    def closed(self, connection: int) -> None:
        """Queue the end of a connection."""
        self._inbox.put(connection)

    # On the queues' thread: turn after turn.

    def _run(self) -> None:
        try:
            while self._turn(self._gather()):
                pass
        finally:
            self._server.close()

    def _gather(self) -> list[Call | int | None]:
        """All that waits; sleeps until there is something or a timer is due."""
        found: list[Call | int | None] = []
        try:
            found.append(self._inbox.get(timeout=self._wait_s()))
            while True:
                found.append(self._inbox.get_nowait())
        except Empty:
            return found

    def _wait_s(self) -> float | None:
        dues = [due_s for due_s in (desk.next_s() for desk in self._desks) if due_s is not None]
        return max(0.0, min(dues) - self._clock.now_s()) if dues else None

    def _turn(self, items: Sequence[Call | int | None]) -> bool:
        """One transaction for each place; false once the end has been asked for."""
        closed = {item for item in items if isinstance(item, int)}
        asked = self._read([item for item in items if isinstance(item, Call)], closed)
        for desk in self._desks:
            if closed:
                desk.closed(closed)
            if mine := asked.get(desk):
                self._carry_out(desk, mine)
            if desk.is_to_care(self._clock.now_s()):
                self._care(desk)
        return None not in items

    def _read(self, requests: Sequence[Call], closed: set[int]) -> dict[Desk, list[_Asked]]:
        """The calls by desk. Who has gone waits for nothing; what it put or settled counts."""
        asked: dict[Desk, list[_Asked]] = {}
        for call in requests:
            try:
                if call.request.method == calls.LIST:
                    self._tell(call, encode(self._listed()))
                    continue
                ask = calls.read_ask(call.request.method, call.request.payload)
                if not (call.connection in closed and isinstance(ask, calls.Get)):
                    asked.setdefault(self._desk_of(ask), []).append((call, ask))
            except ANSWERS as error:
                self._refuse(call, error)
        return asked

    def _desk_of(self, ask: Ask) -> Desk:
        found = next((desk for desk in self._desks if ask.name in desk.queues), None)
        if found is not None and not isinstance(ask, calls.Open):
            return found
        durable = calls.wish_of(ask).durable
        if durable and self._file is None:
            raise UsageError(
                f"The queue {ask.name!r} cannot be durable: its server was given no folder."
            )
        if found is not None and durable is not None and durable is not (found is self._file):
            kept = "in a file" if found is self._file else "in memory"
            raise UsageError(f"The queue {ask.name!r} is there already, {kept}.")
        return found or (self._memory if durable is False else self._file) or self._memory

    def _listed(self) -> dict[str, calls.QueueInfo]:
        queues = {name: queue for desk in self._desks for name, queue in desk.queues.items()}
        return {
            name: calls.QueueInfo(queues[name].durable, leases.terms, leases.counts)
            for name in sorted(queues)
            for leases in (queues[name].leases,)
        }

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


def _sayable(error: Exception) -> BowerbirdError:
    """A stranger learns nothing of a defect's whereabouts."""
    if isinstance(error, BowerbirdError) and not isinstance(error, ConnectionLostError):
        return error
    return RemoteCallError("Internal error; the server's log has it.")
