"""Serves a frontier to sessions: one thread, and only it, touches the frontier.

Whatever requests have gathered are carried out in one transaction and answered after its commit, so
that the price of a commit is shared and no answer speaks of what a crash could undo.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, NamedTuple, TypeVar

from bowerbird.clock import Clock, SystemClock
from bowerbird.errors import BowerbirdError, ConnectionLostError, RemoteCallError, StorageFullError
from bowerbird.frontier.desk import ANSWERS, Desk, Extra, OldDesk, Served, Turn
from bowerbird.inbox import gathered, waiting
from bowerbird.queues.messages import Reply, failure
from bowerbird.queues.oldstyle.values import OldCall, OldMenu, OldReply, refused
from bowerbird.queues.server import Call, Server

_log = logging.getLogger(__name__)

T = TypeVar("T")

_CLOSED = "The frontier is no longer served."


class _Errand(NamedTuple):
    """Something that another thread wants done on the frontier's thread."""

    function: Callable[[], Any]
    future: Future[Any]


class _Closed(NamedTuple):
    """A connection has ended."""

    connection: int


_Job = Call | OldCall | _Errand | _Closed
_Item = _Job | None  # None: the end


class FrontierService:
    """Answers a server's requests from a frontier, on a thread of its own.

    `extra_methods` are answered on the same thread. The frontier stays its owner's: it is
    closed by him, after `stop`.
    """

    def __init__(
        self,
        frontier: Served,
        server: Server,
        extra_methods: Mapping[str, Extra] | None = None,
        clock: Clock | None = None,
        old: OldDesk | None = None,
    ) -> None:
        """`old` serves old-style clients; without it there is nothing for them here."""
        self._desk = Desk(frontier, extra_methods or {}, old)
        self._menu = old.menu if old else {}
        self._server = server
        self._clock = clock or SystemClock()
        self._inbox: SimpleQueue[_Item] = SimpleQueue()
        self._door = Lock()  # nothing comes in once the end has been put in
        self._stopping = False
        self._turned_s = 0.0  # when the last turn began
        self.refusals = 0  #: how often the disk has refused
        self._thread = Thread(target=self._run, name="frontier", daemon=True)

    def start(self) -> None:
        """Begin to serve; raises UsageError where the server cannot listen."""
        self._server.start(self)
        self._thread.start()

    def stop(self) -> None:
        """Carry out what was asked so far, answer it, then end all connections. Idempotent."""
        self._shut()
        if self._thread.ident is not None:
            self._thread.join()

    def call(self, function: Callable[[], T]) -> Future[T]:
        """Run something on the frontier's thread; done once it is committed.

        Should a neighbour in its batch fail, all is rolled back and it is run once more.
        """
        errand = _Errand(function, Future())
        errand.future.set_running_or_notify_cancel()  # from here on nobody can cancel it
        if not self._enter(errand):
            errand.future.set_exception(ConnectionLostError(_CLOSED))
        return errand.future

    def part(self) -> None:
        """Local sessions that end from now on were ended on purpose. Safe in a signal handler."""
        self._desk.parting = True

    def _enter(self, errand: _Errand) -> bool:
        with self._door:
            if not self._stopping:
                self._inbox.put(errand)
            return not self._stopping

    def _shut(self) -> None:
        with self._door:
            if not self._stopping:
                self._stopping = True
                self._inbox.put(None)

    # Called on the server's thread.

    def asked(self, call: Call) -> None:
        """Queue a request."""
        self._inbox.put(call)

    def old_menu(self) -> OldMenu:
        """What there is for old-style clients."""
        return self._menu

    def asked_old(self, call: OldCall) -> None:
        """Queue a call of an old-style client."""
        self._inbox.put(call)

    def closed(self, connection: int) -> None:
        """Queue the end of a connection."""
        self._inbox.put(_Closed(connection))

    # On the frontier's thread: turn after turn.

    def _run(self) -> None:
        try:
            while self._turn(self._gather()):
                pass
        finally:
            self._shut()
            self._refuse(waiting(self._inbox), ConnectionLostError(_CLOSED))
            self._server.close()

    def _gather(self) -> list[_Item]:
        """All that waits; sleeps until there is something or a timer is due."""
        items = gathered(self._inbox, self._desk.wait_s(self._clock.now_s()))
        early_s = self._turned_s + self._desk.gather_s - self._clock.now_s()
        if items and early_s > 0.0:
            time.sleep(early_s)
            items += waiting(self._inbox)
        return items

    def _turn(self, items: list[_Item]) -> bool:
        """One transaction; false once the end has been asked for."""
        self._carry_out([item for item in items if item is not None])
        return None not in items

    def _carry_out(self, items: Sequence[_Job], *, alone: bool = False) -> None:
        turn = Turn(self._clock.now_s())
        self._turned_s = turn.now_s
        try:
            with self._desk.batch():
                self._do(items, turn)
        except StorageFullError as error:
            parked, took_part = self._desk.give_up(turn)
            self._refuse(parked, error)
            self._spare(items, error, guilty=alone and not took_part)
        except Exception as error:
            self._desk.undo(turn)
            self._isolate(items, error)
        else:
            self._tell(turn)

    def _do(self, items: Sequence[_Job], turn: Turn) -> None:
        calls, old = list[Call](), list[OldCall]()
        self._desk.begin()
        for item in items:
            if isinstance(item, Call):
                calls.append(item)
            elif isinstance(item, OldCall):
                old.append(item)
            elif isinstance(item, _Errand):
                self._run_errand(item, turn)
            else:
                self._desk.end(item.connection, turn)
        self._desk.serve(calls, turn, old)

    def _run_errand(self, errand: _Errand, turn: Turn) -> None:
        self._desk.changed = True  # it may have done anything
        try:
            answer = errand.function()
        except ANSWERS as error:
            turn.results.append(partial(errand.future.set_exception, error))
        else:
            turn.results.append(partial(errand.future.set_result, answer))

    def _tell(self, turn: Turn) -> None:
        self._server.reply_many(turn.replies)
        for settle in turn.results:
            settle()
        self._desk.settle(turn)

    def _spare(self, items: Sequence[_Job], error: Exception, *, guilty: bool) -> None:
        """What needs no room is not to fail with what does: beats, looks. Each once more, alone."""
        self.refusals += 1
        if guilty:
            self._refuse(items, error)
            return
        for item in items:
            self._carry_out((item,), alone=True)

    def _isolate(self, items: Sequence[_Job], error: Exception) -> None:
        """A defect in one call must not fail its neighbours: each once more, alone."""
        if len(items) > 1:
            for item in items:
                self._carry_out((item,))
            return
        if not isinstance(error, BowerbirdError):
            _log.error("a call failed", exc_info=error, extra={"action": "serve"})
        self._refuse(items, error)

    def _refuse(self, items: Sequence[_Item], error: Exception) -> None:
        replies = list[tuple[int, Reply | OldReply]]()
        for item in items:
            if isinstance(item, _Errand):
                item.future.set_exception(error)
            elif isinstance(item, OldCall):
                self._refuse_old(item, error, replies)
            elif isinstance(item, Call):
                replies.append((item.connection, failure(item.request.id, _sayable(error))))
        self._server.reply_many(replies)

    def _refuse_old(
        self, call: OldCall, error: Exception, replies: list[tuple[int, Reply | OldReply]]
    ) -> None:
        if isinstance(error, StorageFullError):
            self._desk.put_off(call, self._clock.now_s())
        else:
            replies.append((call.connection, refused(call, str(_sayable(error)))))


def _sayable(error: Exception) -> BowerbirdError:
    """A stranger learns nothing of a defect's whereabouts."""
    if isinstance(error, BowerbirdError):
        return error
    return RemoteCallError("Internal error; the manager's log has it.")
