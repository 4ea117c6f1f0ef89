"""Serves a frontier to sessions: one thread, and only it, touches the frontier.

Whatever requests have gathered are carried out in one transaction and answered after its commit, so
that the price of a commit is shared and no answer speaks of what a crash could undo.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, NamedTuple, Protocol, TypeVar, cast

import msgspec

from bowerbird.clock import Clock, SystemClock
from bowerbird.codec import encode
from bowerbird.errors import (
    BowerbirdError,
    ConnectionLostError,
    RemoteCallError,
    SessionGoneError,
    StorageFullError,
)
from bowerbird.frontier.base import Frontier
from bowerbird.frontier.calls import LEASE, METHODS, merged
from bowerbird.frontier.parking import MISSES, Parked, Parking
from bowerbird.model import LeaseReply, Outcome, State, Verb
from bowerbird.queues.messages import Reply, failure
from bowerbird.queues.server import Call, Server

_log = logging.getLogger(__name__)

T = TypeVar("T")

_CLOSED = "The frontier is no longer served."

#: How often sessions are looked after while nobody calls, in seconds.
TEND_S = 1.0
#: A lease is parked for this at most, in seconds, whatever its caller asks for.
WAIT_MOST_S = 60.0
#: How soon the parked leases that were left for later have their turn, in seconds.
LATER_S = 0.02
#: Bytes of the leases of one answer; URLs may be long, and pages hostile.
LEASES_MOST = 8 << 20
#: Calls after which a parked lease may find something.
WAKING = frozenset(("attach", "detach", "add", "finish", "requeue", "pause", "resume", "stop"))

#: A method of the manager's own: the payload of a request to that of its reply.
Extra = Callable[[bytes], bytes]


class Served(Protocol):
    """What the service needs of a frontier of this process beside the contract."""

    def batch(self) -> AbstractContextManager[Any]:
        """One transaction for all calls inside."""
        ...

    def lost(self, session: str) -> None:
        """A session ends without `detach`: a death for each task it holds."""
        ...

    def reap(self) -> None:
        """End the sessions that have been silent for too long."""
        ...


class _Errand(NamedTuple):
    """Something that another thread wants done on the frontier's thread."""

    function: Callable[[], Any]
    future: Future[Any]


class _Closed(NamedTuple):
    """A connection has ended."""

    connection: int


_Job = Call | _Errand | _Closed
_Item = _Job | None  # None: the end


class FrontierService:
    """Answers a server's requests from a frontier, on a thread of its own.

    `extra_methods` are answered on the same thread. The frontier stays its owner's: it is
    closed by him, after `stop`.
    """

    def __init__(
        self,
        frontier: Frontier,
        server: Server,
        extra_methods: Mapping[str, Extra] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._frontier = frontier
        self._served = cast(Served, frontier)
        self._server = server
        self._extra = dict(extra_methods or {})
        self._clock = clock or SystemClock()
        self._inbox: SimpleQueue[_Item] = SimpleQueue()
        self._parking = Parking()
        self._local: dict[int, set[str]] = {}  # connection -> local sessions attached by it
        self._now_s = 0.0  # of this turn
        self._tend_at_s: float | None = 0.0  # None: no session to look after
        self._changed = False  # parked leases may find something
        self._door = Lock()  # nothing comes in once the end has been put in
        self._stopping = False
        self._thread = Thread(target=self._run, name="frontier", daemon=True)

    def start(self) -> None:
        """Begin to serve; raises UsageError where the server cannot listen."""
        self._server.start(self)
        self._thread.start()

    def stop(self) -> None:
        """Carry out what was asked so far, answer all, then end all connections. Idempotent."""
        self._shut()
        if self._thread.ident is not None:
            self._thread.join()

    def call(self, function: Callable[[], T]) -> Future[T]:
        """Run something on the frontier's thread; done once it is committed."""
        errand = _Errand(function, Future())
        errand.future.set_running_or_notify_cancel()  # from here on nobody can cancel it
        if not self._enter(errand):
            errand.future.set_exception(ConnectionLostError(_CLOSED))
        return errand.future

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
            self._refuse(self._waiting_now(), ConnectionLostError(_CLOSED))
            self._server.close()

    def _gather(self) -> list[_Item]:
        """All that waits; sleeps until there is something or a timer is due."""
        wait_s = self._wait_s()
        try:
            first = self._inbox.get(wait_s != 0.0, wait_s)
        except Empty:
            return []
        return [first, *self._waiting_now()]

    def _waiting_now(self) -> list[_Item]:
        items: list[_Item] = []
        try:
            while True:
                items.append(self._inbox.get_nowait())
        except Empty:
            return items

    def _wait_s(self) -> float | None:
        """How long nothing is due; None: nothing ever, unless something comes in."""
        now_s = self._clock.now_s()
        if self._parking.behind:
            return LATER_S
        due = [due_s for due_s in (self._parking.next_s(), self._tend_at_s) if due_s is not None]
        return max(0.0, min(due) - now_s) if due else None

    def _turn(self, items: list[_Item]) -> bool:
        """One transaction; false once the end has been asked for."""
        self._now_s = self._clock.now_s()
        self._carry_out([item for item in items if item is not None])
        return None not in items

    def _carry_out(self, items: Sequence[_Job]) -> None:
        turn = _Turn()
        try:
            with self._served.batch():
                self._do_all(items, turn)
        except StorageFullError as error:
            self._undo(items, turn, error)
        except Exception as error:
            self._isolate(items, turn, error)
        else:
            self._settle(turn)

    def _isolate(self, items: Sequence[_Job], turn: "_Turn", error: Exception) -> None:
        """A defect in one call must not fail its neighbours: each once more, alone."""
        if len(items) > 1:
            self._undo((), turn, error)
            for item in items:
                self._carry_out((item,))
            return
        _log.error("a call failed", exc_info=error, extra={"action": "serve"})
        self._undo(items, turn, RemoteCallError("Internal error; the manager's log has it."))

    # What a turn comes to.

    def _settle(self, turn: "_Turn") -> None:
        """The batch is committed: now it may be told."""
        self._server.reply_many(turn.replies)
        for tell in turn.results:
            tell()
        for parked, next_in_s in turn.parks:
            self._parking.park(parked, self._now_s, next_in_s)
        for connection in turn.closed:
            self._local.pop(connection, None)
            self._parking.drop(connection)

    def _undo(self, items: Sequence[_Job], turn: "_Turn", error: Exception) -> None:
        """The batch was rolled back: nobody was given anything."""
        self._changed = True
        for parked in turn.tried:
            self._parking.park(parked, self._now_s, LATER_S)
        self._refuse(items, error)

    def _refuse(self, items: Sequence[_Item], error: Exception) -> None:
        replies = []
        for item in items:
            if isinstance(item, _Errand):
                item.future.set_exception(error)
            elif isinstance(item, Call):
                replies.append((item.connection, failure(item.request.id, error)))
        self._server.reply_many(replies)

    # Inside the batch.

    def _do_all(self, items: Sequence[_Job], turn: "_Turn") -> None:
        """Leases come last: what the others bring can be given at once."""
        leases = []
        for item in items:
            if isinstance(item, Call):
                if item.request.method == LEASE.name:
                    leases.append(item)
                else:
                    self._answer(item, turn, self._serve)
            elif isinstance(item, _Errand):
                self._run_errand(item, turn)
            else:
                self._end(item.connection, turn)
        self._tend()
        self._try_parked(turn)
        for call in leases:
            self._answer(call, turn, self._lease)

    def _answer(self, call: Call, turn: "_Turn", serve: "_Serve") -> None:
        try:
            payload = serve(call, turn)
        except StorageFullError:
            raise
        except BowerbirdError as error:
            turn.replies.append((call.connection, failure(call.request.id, error)))
        else:
            if payload is not None:
                turn.replies.append((call.connection, Reply(call.request.id, "", payload)))

    def _serve(self, call: Call, _turn: "_Turn") -> bytes:
        request = call.request
        extra = self._extra.get(request.method)
        if extra is not None:
            return extra(request.payload)
        method = METHODS.get(request.method)
        if method is None:
            raise RemoteCallError(f"There is no method {request.method[:40]!r}.")
        arguments = method.read(request.payload)
        answer = method.run(self._frontier, arguments)
        self._note(call.connection, request.method, arguments, answer)
        return encode(answer)

    def _note(self, connection: int, name: str, arguments: Sequence[Any], answer: Any) -> None:
        """Remember whose connection it is, and whether others may find something now."""
        self._changed |= name in WAKING or (name == "beat" and bool(arguments[1]))
        if name == "attach":
            self._tend_at_s = self._now_s + TEND_S
            if arguments[0].local:
                self._local.setdefault(connection, set()).add(answer.session)
        elif name == "detach":
            self._local.get(connection, set()).discard(arguments[0])

    def _run_errand(self, errand: _Errand, turn: "_Turn") -> None:
        self._changed = True  # it may have done anything
        try:
            answer = errand.function()
        except StorageFullError:
            raise
        except Exception as error:
            turn.results.append(partial(errand.future.set_exception, error))
        else:
            turn.results.append(partial(errand.future.set_result, answer))

    def _end(self, connection: int, turn: "_Turn") -> None:
        for session in self._local.get(connection, ()):
            with suppress(SessionGoneError):
                self._served.lost(session)
            self._changed = True
        turn.closed.append(connection)

    def _tend(self) -> None:
        """Let the frontier notice sessions that fell silent, also when nobody calls."""
        if self._tend_at_s is None or self._tend_at_s > self._now_s:
            return
        before = self._frontier.stats().sessions
        self._served.reap()
        after = self._frontier.stats().sessions
        self._changed |= after != before
        self._tend_at_s = self._now_s + TEND_S if after else None

    # Leases.

    def _lease(self, call: Call, turn: "_Turn") -> bytes | None:
        session, limit, wait_s, give = LEASE.read(call.request.payload)
        reply = self._frontier.lease(session, limit, 0.0, give)
        self._changed |= bool(give)
        if wait_s > 0 and reply.state is not State.ENDED:
            until_s = self._now_s + min(wait_s, WAIT_MOST_S)
            parked = Parked(call, session, limit, until_s, reply.state)
            if not parked.content_with(reply, self._now_s):
                turn.parks.append((parked, reply.next_in_s))
                return None
        return self._fitted(session, reply)

    def _fitted(self, session: str, reply: LeaseReply) -> bytes:
        """The answer as bytes; what does not fit into a frame goes back."""
        payload = encode(reply)
        while len(payload) > LEASES_MOST and len(reply.leases) > 1:
            half = len(reply.leases) // 2
            back = [Outcome(token=lease.token, verb=Verb.RELEASED) for lease in reply.leases[half:]]
            news = self._frontier.finish(session, back)
            reply = msgspec.structs.replace(
                reply,
                leases=reply.leases[:half],
                grants=merged(reply.grants, news.grants),
                seq=max(reply.seq, news.seq),
            )
            payload = encode(reply)
        return payload

    def _try_parked(self, turn: "_Turn") -> None:
        for parked in self._parking.due(self._now_s):
            self._try(parked, turn)
        if self._changed:
            self._parking.change()
            self._changed = False
        misses = 0
        for parked in self._parking.untried():
            misses += not self._try(parked, turn)
            if misses >= MISSES:
                break

    def _try(self, parked: Parked, turn: "_Turn") -> bool:
        """Whether there was something for it."""
        turn.tried.append(parked)
        before = len(turn.parks)
        self._answer(parked.call, turn, lambda *_: self._lease_again(parked, turn))
        return len(turn.parks) == before

    def _lease_again(self, parked: Parked, turn: "_Turn") -> bytes | None:
        reply = self._frontier.lease(parked.session, parked.limit, 0.0, None)
        if not parked.content_with(reply, self._now_s):
            turn.parks.append((parked, reply.next_in_s))
            return None
        return self._fitted(parked.session, reply)


_Serve = Callable[[Call, "_Turn"], bytes | None]


class _Turn:
    """What is to be told or kept once the batch of a turn is committed."""

    __slots__ = ("closed", "parks", "replies", "results", "tried")

    def __init__(self) -> None:
        self.replies: list[tuple[int, Reply]] = []
        self.results: list[Callable[[], None]] = []  # to settle the futures of errands
        self.parks: list[tuple[Parked, float]] = []  # with the seconds to their next try
        self.tried: list[Parked] = []  # taken from the parking
        self.closed: list[int] = []
