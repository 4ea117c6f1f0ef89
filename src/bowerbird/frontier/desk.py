"""Carries out requests on a frontier, inside the service's batch; keeps leases that wait.

What a turn comes to is told only after its commit: `settle`, or `undo` where it was rolled back.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, Protocol

import msgspec

from bowerbird.clock import SystemClock
from bowerbird.codec import encode
from bowerbird.errors import ProtocolError, RemoteCallError, SessionGoneError
from bowerbird.frontier.base import Give
from bowerbird.frontier.calls import ATTACH, LEASE, METHODS, merged
from bowerbird.frontier.parking import Parked, Parking
from bowerbird.model import FinishReply, LeaseReply, Outcome, State, Stats, Verb, WorkerInfo
from bowerbird.queues.door import Caller
from bowerbird.queues.messages import Reply, failure
from bowerbird.queues.oldstyle.values import OldCall, OldMenu, OldReply
from bowerbird.queues.server import Call

#: How often sessions are looked after while nobody calls, in seconds.
TEND_S = 1.0
#: Who looks around so much later than it should was stopped, in seconds.
OVERSLEPT_S = 3.0
#: For each caller of the last second beyond the first few, and at most, requests gather before they
#: share the price of a turn, in seconds. Workers hold tasks for much longer.
GATHER_EACH_S, GATHER_MOST_S, FEW = 0.003, 0.02, 2
#: A lease is parked for this at most, in seconds, whatever its caller asks for.
WAIT_MOST_S = 60.0
#: How soon the parked leases that were left for later have their turn, in seconds.
LATER_S = 0.02
#: Bytes of the leases of one answer; URLs may be long, and pages hostile.
LEASES_MOST = 8 << 20
#: Calls after which a parked lease may find something.
WAKING = frozenset(("attach", "detach", "add", "finish", "requeue", "pause", "resume", "stop"))

#: Calls of those who work. Who looks on does not count for how long requests gather.
WORKING = frozenset(("lease", "finish", "beat", "add"))

#: Errors that are an answer. Any other means that the frontier has undone the whole batch.
ANSWERS = (SessionGoneError, ProtocolError, RemoteCallError)

#: A method of the manager's own: the payload of a request, and who asks, to that of its reply.
Extra = Callable[[bytes, Caller], bytes]


class Served(Protocol):
    """A frontier of this process: the contract's calls, found by name, and these."""

    def batch(self) -> AbstractContextManager[Any]:
        """One transaction for all calls inside."""
        ...

    def detach(self, session: str) -> None:
        """See `Frontier.detach`."""
        ...

    def lost(self, session: str) -> None:
        """A session ends without `detach`: a death for each task it holds."""
        ...

    def reap(self) -> None:
        """End the sessions that have been silent for too long."""
        ...

    def overslept(self) -> None:
        """This process was stopped: who is silent for too long by now was not heard, either."""
        ...

    def stats(self) -> Stats:
        """See `Frontier.stats`."""
        ...

    def lease(self, session: str, limit: int, wait_s: float, give: Give | None) -> LeaseReply:
        """See `Frontier.lease`; never blocks."""
        ...

    def finish(self, session: str, outcomes: Sequence[Outcome]) -> FinishReply:
        """See `Frontier.finish`."""
        ...


class OldDesk(Protocol):
    """Where old-style clients are served, inside the same batch (`bowerbird.manager.bridge`)."""

    menu: OldMenu

    @property
    def changed(self) -> bool:
        """Whether others may find something now."""
        ...

    def wait_s(self, now_s: float) -> float | None:
        """How long nothing is due; None: nothing ever, unless a call comes."""
        ...

    def serve(
        self, calls: Sequence[OldCall], now_s: float, *, changed: bool
    ) -> Sequence[tuple[int, OldReply]]:
        """Carry out calls; the answers, also to earlier ones."""
        ...

    def end(self, connection: int) -> None:
        """A connection has closed."""
        ...

    def settle(self) -> None:
        """The batch is committed."""
        ...

    def undo(self) -> bool:
        """The batch was rolled back; whether calls of earlier turns took part."""
        ...

    def put_off(self, call: OldCall, now_s: float) -> None:
        """The disk refuses this call for now."""
        ...


class Turn:
    """What is to be told or kept once the batch is committed."""

    __slots__ = ("closed", "now_s", "parks", "replies", "results", "tried")

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s
        self.replies: list[tuple[int, Reply | OldReply]] = []
        self.results: list[Callable[[], None]] = []  # settle the futures of errands
        self.parks: list[tuple[Parked, float]] = []  # with the seconds to their next try
        self.tried: list[Parked] = []  # taken from the parking
        self.closed: list[int] = []


_Serve = Callable[[Call, Turn], bytes | None]


class Desk:
    """The frontier's side of the service. `changed`: parked leases may find something."""

    def __init__(
        self, frontier: Served, extra_methods: Mapping[str, Extra], old: OldDesk | None = None
    ) -> None:
        self.changed = False
        self.parting = False  #: who vanishes now was sent away, and leaves no deaths
        self._frontier = frontier
        self._extra = dict(extra_methods)
        self._old = old
        self._parking: Parking[Parked] = Parking()
        self._callers: set[int] = set()  # connections that have called in this second
        self._busy: set[int] = set()  # those that had called in the last one, and are open
        self._local: dict[int, set[str]] = {}  # connection -> local sessions attached by it
        self._tend_at_s: float | None = 0.0  # None: no session to look after
        self._own_clock = SystemClock()
        self._begun_s = self._own_clock.now_s()  # when the last turn began

    def batch(self) -> AbstractContextManager[Any]:
        """The frontier's transaction."""
        return self._frontier.batch()

    @property
    def gather_s(self) -> float:
        """Least time from turn to turn."""
        return min(GATHER_MOST_S, GATHER_EACH_S * max(0, len(self._busy) - FEW))

    def wait_s(self, now_s: float) -> float | None:
        """How long nothing is due; None: nothing ever, unless a request comes."""
        if self._parking.behind:
            return LATER_S
        due = [due_s for due_s in (self._parking.next_s(), self._tend_at_s) if due_s is not None]
        waits = [max(0.0, due_s - now_s) for due_s in due]
        old_s = self._old.wait_s(now_s) if self._old else None
        return min(waits if old_s is None else [*waits, old_s], default=None)

    # Inside the batch.

    def begin(self) -> None:
        """Before anything else: whether time has passed without us. By the clock of this process:
        with sessions to look after, there is a turn each second."""
        before_s, self._begun_s = self._begun_s, self._own_clock.now_s()
        if self._tend_at_s and self._begun_s - before_s > OVERSLEPT_S:
            self._frontier.overslept()
            self._frontier.reap()

    def serve(self, calls: Sequence[Call], turn: Turn, old: Sequence[OldCall] = ()) -> None:
        """Carry out requests. Leases come last: what the others bring can be given at once."""
        leases = []
        for call in calls:
            if call.request.method in WORKING:
                self._callers.add(call.connection)
            if call.request.method == LEASE.name:
                leases.append(call)
            else:
                self._answer(call, turn, self._run)
        self._tend(turn)
        self._serve_old(old, turn)
        self._try_parked(turn)
        for call in leases:
            self._answer(call, turn, self._lease)

    def end(self, connection: int, turn: Turn) -> None:
        """A connection has closed: the local sessions that came by it are dead."""
        for session in self._local.get(connection, ()):
            with suppress(SessionGoneError):
                (self._frontier.detach if self.parting else self._frontier.lost)(session)
            self.changed = True
        if self._old:
            self._old.end(connection)
        turn.closed.append(connection)

    # After it.

    def settle(self, turn: Turn) -> None:
        """The batch is committed."""
        for parked, next_in_s in turn.parks:
            self._parking.park(parked, turn.now_s, next_in_s)
        for connection in turn.closed:
            self._local.pop(connection, None)
            self._callers.discard(connection)
            self._busy.discard(connection)
            self._parking.drop(connection)
        if self._old:
            self._old.settle()

    def give_up(self, turn: Turn) -> tuple[list[Call], bool]:
        """The disk refused the batch: the parked leases that were tried, to be refused too, and
        whether any parked call took part. Whoever asks again does so when it may have room; parked,
        they would fail every other call."""
        refused, turn.tried = [parked.call for parked in turn.tried], []
        old = self.undo(turn)
        return refused, old or bool(refused)

    def undo(self, turn: Turn) -> bool:
        """The batch was rolled back: nobody was given anything. Whether old-style calls of earlier
        turns took part."""
        self.changed = True
        for parked in turn.tried:
            self._parking.park(parked, turn.now_s, LATER_S)
        for connection in turn.closed:  # its sessions end by their deadline
            self._parking.drop(connection)
        return self._old.undo() if self._old else False

    def put_off(self, call: OldCall, now_s: float) -> None:
        """The disk refuses an old-style call: it waits, unlike ours, whose clients ask again."""
        assert self._old is not None
        self._old.put_off(call, now_s)

    # Inside.

    def _serve_old(self, calls: Sequence[OldCall], turn: Turn) -> None:
        if self._old:
            turn.replies += self._old.serve(calls, turn.now_s, changed=self.changed)
            self.changed |= self._old.changed

    def _answer(self, call: Call, turn: Turn, serve: _Serve) -> None:
        try:
            payload = serve(call, turn)
        except ANSWERS as error:
            turn.replies.append((call.connection, failure(call.request.id, error)))
        else:
            if payload is not None:
                turn.replies.append((call.connection, Reply(call.request.id, "", payload)))

    def _run(self, call: Call, turn: Turn) -> bytes:
        request = call.request
        extra = self._extra.get(request.method)
        if extra is not None:
            return extra(request.payload, call.caller)
        method = METHODS.get(request.method)
        if method is None:
            raise RemoteCallError(f"There is no method {request.method[:40]!r}.")
        arguments = method.read(request.payload)
        if method is ATTACH:
            arguments = (_as_seen(arguments[0], call.caller), *arguments[1:])
        answer = method.run(self._frontier, arguments)
        self._note(call.connection, request.method, arguments, answer, turn.now_s)
        return encode(answer)

    def _note(
        self, connection: int, name: str, arguments: Sequence[Any], answer: Any, now_s: float
    ) -> None:
        """Remember whose connection it is, and whether others may find something now."""
        self.changed |= name in WAKING or (name == "beat" and bool(arguments[1]))
        if name == "attach":
            self._tend_at_s = now_s + TEND_S
            if arguments[0].local:
                self._local.setdefault(connection, set()).add(answer.session)
        elif name == "detach":
            self._local.get(connection, set()).discard(arguments[0])

    def _tend(self, turn: Turn) -> None:
        """Let the frontier notice sessions that fell silent, also when nobody calls."""
        if self._tend_at_s is None or self._tend_at_s > turn.now_s:
            return
        # Set first: where the disk refuses to end a session, other calls must not fail with it.
        self._tend_at_s = turn.now_s + TEND_S
        before = self._frontier.stats().sessions
        self._frontier.reap()
        after = self._frontier.stats().sessions
        self.changed |= after != before
        self._busy, self._callers = self._callers, set()
        self._tend_at_s = turn.now_s + TEND_S if after else None

    def _lease(self, call: Call, turn: Turn) -> bytes | None:
        session, limit, wait_s, give = LEASE.read(call.request.payload)
        reply = self._frontier.lease(session, limit, 0.0, give)
        self.changed |= bool(give)
        # Who asks for none brings gifts, and would wait in vain where it wants to ask for more.
        if wait_s > 0 and limit > 0 and reply.state is not State.ENDED:
            until_s = turn.now_s + min(wait_s, WAIT_MOST_S)
            parked = Parked(call, session, limit, until_s, reply.state)
            return self._given(parked, reply, turn)
        return self._fitted(session, reply)

    def _try_parked(self, turn: Turn) -> None:
        changed, self.changed = self.changed, False
        self._parking.try_all(turn.now_s, changed, lambda parked: self._try(parked, turn))

    def _try(self, parked: Parked, turn: Turn) -> bool:
        """Whether there was something for it."""
        turn.tried.append(parked)
        before = len(turn.parks)
        self._answer(parked.call, turn, lambda *_: self._lease_again(parked, turn))
        return len(turn.parks) == before

    def _lease_again(self, parked: Parked, turn: Turn) -> bytes | None:
        reply = self._frontier.lease(parked.session, parked.limit, 0.0, None)
        return self._given(parked, reply, turn)

    def _given(self, parked: Parked, reply: LeaseReply, turn: Turn) -> bytes | None:
        """The answer, or None: there is none yet, and it is parked."""
        if parked.content_with(reply, turn.now_s):
            return self._fitted(parked.session, reply)
        turn.parks.append((parked, reply.next_in_s))
        return None

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


def _as_seen(worker: WorkerInfo, caller: Caller) -> WorkerInfo:
    """A worker as we see it: where it is, and whether it is ours, is not its own to say."""
    local = worker.local and not caller.peer
    return msgspec.structs.replace(worker, address=caller.peer, local=local)
