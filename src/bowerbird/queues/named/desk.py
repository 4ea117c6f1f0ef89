"""Carries out calls on the queues of one place: memory, or a file. Pure but for the queues.

What a turn comes to is told and kept only after its commit: `settle`, or `undo`.
"""

from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from heapq import heappop, heappush
from math import inf

from bowerbird.codec import encode
from bowerbird.errors import ProtocolError, RemoteCallError, UsageError
from bowerbird.leases import Terms
from bowerbird.queues.messages import Reply, failure
from bowerbird.queues.named import calls
from bowerbird.queues.named.answers import ANSWER, NOTHING, lent
from bowerbird.queues.named.calls import Ask, Get, Put
from bowerbird.queues.named.parking import Parked, ServedQueue
from bowerbird.queues.named.places import Place
from bowerbird.queues.server import Call

#: Queues of one server; a client's mistake must not make millions.
QUEUES_MOST = 10_000
#: No queue is looked at again sooner, in seconds: a clock may tick in larger steps.
LEAST_S = 0.001

#: Errors that are an answer. Any other means that the whole batch is undone.
ANSWERS = (ProtocolError, RemoteCallError, UsageError)


class Turn:
    """What is to be told or kept once the batch is committed."""

    __slots__ = ("now_s", "opened", "parks", "replies", "touched", "unparks")

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s
        self.replies: list[tuple[int, Reply]] = []
        self.parks: list[tuple[ServedQueue, Parked]] = []
        self.unparks: dict[Parked, ServedQueue] = {}
        self.touched: dict[str, ServedQueue] = {}
        self.opened: list[str] = []


class Desk:
    """The queues of one place."""

    def __init__(self, place: Place) -> None:
        self.queues: dict[str, ServedQueue] = {}
        self._place = place
        self._dues: list[tuple[float, str]] = []  # a heap; a queue's own moment holds
        self._gone: set[int] = set()  # connections that have closed and may still hold leases
        with place.batch():
            for name, terms in place.saved().items():
                self.queues[name] = self._served(name, terms)
                self._mark(self.queues[name], 0.0)

    def _served(self, name: str, terms: Terms) -> ServedQueue:
        return ServedQueue(name, self._place.open(name, terms), self._place.durable)

    def batch(self) -> AbstractContextManager[None]:
        """The place's transaction."""
        return self._place.batch()

    def next_s(self) -> float | None:
        """When `care` has something to do; None: not before somebody calls."""
        return self._dues[0][0] if self._dues else None

    def closed(self, connections: Collection[int]) -> None:
        """These have closed: nothing that they wait for is given, what they hold comes back with
        the next `care`."""
        for queue in self.queues.values():
            queue.drop(connections)
        self._gone.update(connections)

    # Inside the batch.

    def serve(self, asked: Iterable[tuple[Call, Ask]], turn: Turn) -> None:
        """Carry out calls. Those that take items come last: what others bring is there then."""
        gets = []
        for call, ask in asked:
            if isinstance(ask, Get):
                gets.append((call, ask))
            else:
                self._answer(call, ask, turn)
        self._serve_parked(turn)
        for call, ask in gets:
            self._answer(call, ask, turn)
        self._serve_parked(turn)

    def is_to_care(self, now_s: float) -> bool:
        """Whether `care` has something to do."""
        return bool(self._gone) or bool(self._dues and self._dues[0][0] <= now_s)

    def care(self, turn: Turn) -> None:
        """Take back what closed connections held, and look at the queues whose moment has come.
        In a batch of its own: where the disk refuses this, calls must not fail with it."""
        for connection in self._gone:
            for queue in self.queues.values():
                if queue.leases.lost(connection):
                    turn.touched[queue.name] = queue
        while self._dues and self._dues[0][0] <= turn.now_s:
            due_s, name = heappop(self._dues)
            queue = self.queues[name]
            if queue.due_s == due_s:
                queue.due_s = inf
                queue.leases.tend()
                turn.touched[name] = queue
        self._serve_parked(turn)

    # After it.

    def settle(self, turn: Turn) -> list[tuple[int, Reply]]:
        """The batch is committed: what is to be said."""
        for parked, queue in turn.unparks.items():
            queue.unpark(parked)
        for queue, parked in turn.parks:
            queue.park(parked)
        for queue in turn.touched.values():
            turn.replies += [_nothing_for(parked) for parked in queue.overdue(turn.now_s)]
            self._mark(queue, turn.now_s)
        return turn.replies

    def cared(self) -> None:
        """What `care` did is committed."""
        self._gone.clear()

    def undo(self, turn: Turn, again_in_s: float) -> None:
        """The batch was rolled back; what it was to care for is tried again in a while."""
        for name in turn.opened:
            del self.queues[name]
        self._dues = [(due_s, name) for due_s, name in self._dues if name in self.queues]
        self._restore()
        for queue in self.queues.values():
            queue.due_s = inf
            self._mark(queue, turn.now_s + again_in_s)

    def _restore(self) -> None:
        if self._place.durable:  # memory cannot be rolled back, and does not fail
            saved = self._place.saved()
            for name, queue in self.queues.items():
                queue.leases.terms = saved[name]
                queue.leases.reload()

    def _mark(self, queue: ServedQueue, now_s: float) -> None:
        """See to it that the queue is looked at in time."""
        next_s = max(queue.next_s(now_s), now_s + LEAST_S)
        if next_s < queue.due_s:
            queue.due_s = next_s
            heappush(self._dues, (next_s, queue.name))

    # Calls.

    def _answer(self, call: Call, ask: Ask, turn: Turn) -> None:
        try:
            queue = self._find(ask, turn)
            payload = self._serve(queue, ask, call, turn)
        except ANSWERS as error:
            turn.replies.append((call.connection, failure(call.request.id, error)))
        else:
            if payload is not None:
                turn.replies.append((call.connection, Reply(call.request.id, "", payload)))

    def _serve(self, queue: ServedQueue, ask: Ask, call: Call, turn: Turn) -> bytes | None:
        """The answer; None: there is none yet, and the call is parked."""
        if isinstance(ask, Get):
            return self._get(queue, ask, call, turn)
        if isinstance(ask, Put):
            return self._put(queue, ask, call, turn)
        return encode(ANSWER[type(ask)](queue.leases, ask))

    def _find(self, ask: Ask, turn: Turn) -> ServedQueue:
        queue = self.queues.get(ask.name)
        if queue is None or isinstance(ask, calls.Open):
            queue = self._open(ask, queue, turn)
        turn.touched[ask.name] = queue
        return queue

    def _open(self, ask: Ask, queue: ServedQueue | None, turn: Turn) -> ServedQueue:
        terms = calls.wish_of(ask).over(queue.leases.terms if queue else Terms())
        if queue is not None:
            self._change(queue, terms)
            return queue
        if len(self.queues) >= QUEUES_MOST:
            raise RemoteCallError(f"There are {QUEUES_MOST} queues already; no more are made.")
        turn.opened.append(ask.name)
        queue = self.queues[ask.name] = self._served(ask.name, terms)
        return queue

    def _change(self, queue: ServedQueue, terms: Terms) -> None:
        if terms != queue.leases.terms:
            self._place.keep(queue.name, terms)
            queue.leases.terms = terms

    def _put(self, queue: ServedQueue, ask: Put, call: Call, turn: Turn) -> bytes | None:
        number = 0 if queue.puts else self._take_in(queue, ask)
        if number or not ask.items or ask.wait_s <= 0:
            return encode(number)
        self._park(queue, ask, call, turn)
        return None

    def _take_in(self, queue: ServedQueue, ask: Put) -> int:
        items = [bytes(item) for item in ask.items]  # a view would keep the whole frame
        if len(items) == 1 and len(items[0]) > calls.ITEM_MOST:
            raise ProtocolError("an item that is too large to be given.")
        return queue.leases.put(items, priority=ask.priority, in_s=ask.in_s)

    def _get(self, queue: ServedQueue, ask: Get, call: Call, turn: Turn) -> bytes | None:
        if ask.done:
            queue.leases.settle(ask.done)
        given = self._lend(queue, ask, call)
        if given is not None or ask.wait_s <= 0:
            return given or NOTHING
        self._park(queue, ask, call, turn)
        return None

    def _lend(self, queue: ServedQueue, ask: Get, call: Call) -> bytes | None:
        limit = min(ask.limit, calls.ITEMS_MOST)
        given = queue.leases.take(limit, ask.lease_s, call.connection)
        return None if given is None else lent(given)

    def _park(self, queue: ServedQueue, ask: Get | Put, call: Call, turn: Turn) -> None:
        until_s = turn.now_s + min(ask.wait_s, calls.WAIT_MOST_S)
        turn.parks.append((queue, Parked(call, ask, until_s)))

    # What waits.

    def _serve_parked(self, turn: Turn) -> None:
        for queue in turn.touched.values():
            while self._let_in(queue, turn) | self._hand_out(queue, turn):
                pass  # what was taken made room, what was put can be taken

    def _let_in(self, queue: ServedQueue, turn: Turn) -> bool:
        went = False
        for parked in queue.puts:
            if queue.leases.room == 0:
                break
            if parked not in turn.unparks and isinstance(parked.ask, Put):
                self._unpark(queue, parked, encode(self._take_in(queue, parked.ask)), turn)
                went = True
        return went

    def _hand_out(self, queue: ServedQueue, turn: Turn) -> bool:
        went = False
        for parked in queue.gets:
            if not queue.leases.counts.waiting:
                break
            if parked not in turn.unparks and isinstance(parked.ask, Get):
                given = self._lend(queue, parked.ask, parked.call)
                self._unpark(queue, parked, given or NOTHING, turn)
                went = True
        return went

    def _unpark(self, queue: ServedQueue, parked: Parked, payload: bytes, turn: Turn) -> None:
        turn.unparks[parked] = queue
        reply = Reply(parked.call.request.id, "", payload)
        turn.replies.append((parked.call.connection, reply))


def _nothing_for(parked: Parked) -> tuple[int, Reply]:
    payload = NOTHING if isinstance(parked.ask, Get) else encode(0)
    return parked.call.connection, Reply(parked.call.request.id, "", payload)
