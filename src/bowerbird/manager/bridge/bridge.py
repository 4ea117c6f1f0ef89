"""Answers the calls of old-style clients from a frontier: to them it is two queues.

Lives on the frontier's thread, inside the batch of its service; what it knows follows the batch,
kept (`settle`) or not (`undo`). Time comes from outside.
"""

import logging
from collections.abc import Callable, Sequence

from bowerbird.backoff import retry_in_s
from bowerbird.frontier.base import Frontier
from bowerbird.frontier.desk import LATER_S
from bowerbird.frontier.parking import Parking
from bowerbird.manager.bridge.asked import MENU, TASKS, BadArgumentsError, item_of, patience_s
from bowerbird.manager.bridge.clients import Held, Wait
from bowerbird.manager.bridge.hands import Hands
from bowerbird.manager.bridge.texts import ResultText, read_result
from bowerbird.model import Kind, Lease, Outcome, Record, State, Task, Verb
from bowerbird.queues.oldstyle.values import EMPTY, OldCall, OldMenu, OldReply, raised, returned
from bowerbird.urls import canonical
from bowerbird.words import many

_log = logging.getLogger(__name__)

#: Where the disk refused, a call is tried again after this, in seconds.
NO_ROOM_S = 1.0
#: Why a URL is tried again of which a client says anything but success.
CLIENT_FAILED = "client-failed"
#: When a call is tried again that waits for the end of the crawl, in seconds.
LOOK_S = 1.0

Replies = list[tuple[int, OldReply]]


class Bridge:
    """All old-style clients of a crawl, each a connection."""

    menu: OldMenu = MENU

    def __init__(self, frontier: Frontier, wall_s: Callable[[], float]) -> None:
        """`wall_s`: the date for records, in seconds since 1970."""
        self.ignored = 0  #: what was put into a queue and means nothing here
        self.fetched = 0  #: images that clients have
        self._frontier = frontier
        self._wall_s = wall_s
        self._hands = Hands(frontier)
        self._parking: Parking[Wait] = Parking()
        self._put_off: list[OldCall] = []
        self._put_off_until_s: float | None = None
        self._closed: set[int] = set()  # connections, until that is committed
        self._now_s = 0.0
        self._begin(0.0)

    def __repr__(self) -> str:
        return f"<Bridge {self._hands}>"

    # For the manager.

    def clients(self) -> int:
        """How many have asked for tasks and are here."""
        return len(self._hands)

    def lacks_readers(self) -> bool:
        """Whether there are pages and the like, and nobody but these clients, who take images."""
        stats = self._frontier.stats()
        others = stats.sessions - self._hands.sessions()
        read = sum(stats.waiting.values()) - stats.waiting.get(Kind.IMAGE, 0)
        return self.clients() > 0 and others == 0 and read > 0

    def notes(self) -> list[str]:
        """What a person should know at the end."""
        said = []
        if self.fetched:
            said.append(
                f"{many(self.fetched, 'image')} with clients of the standard library's managers: "
                "recorded as elsewhere, without a file here."
            )
        if self.ignored:
            things = many(self.ignored, "thing")
            said.append(f"{things} that they put into a queue meant nothing here.")
        return said

    # For the service: inside the batch.

    @property
    def changed(self) -> bool:
        """Whether others may find something now."""
        return self._added or self._hands.changed

    def wait_s(self, now_s: float) -> float | None:
        """How long nothing is due; None: nothing ever, unless a call comes."""
        if self._parking.behind:
            return LATER_S
        due = (self._parking.next_s(), self._hands.tend_at_s, self._put_off_until_s)
        times = [due_s for due_s in due if due_s is not None]
        return max(0.0, min(times) - now_s) if times else None

    def end(self, connection: int) -> None:
        """A client has gone."""
        self._closed.add(connection)
        self._hands.part(connection)

    def serve(self, calls: Sequence[OldCall], now_s: float, *, changed: bool) -> Replies:
        """Carry out calls; the answers, also to earlier ones. `changed`: there may be new tasks."""
        self._begin(now_s)
        for connection in self._closed:
            self._hands.part(connection)  # again, if that was rolled back
        self._hands.tend(now_s)
        for call in (*self._once_more(), *calls):
            if call.connection not in self._closed:
                self._ask(call)
        self._parking.try_all(now_s, changed or self.changed, self._try)
        return self._replies

    # For the service: after the batch.

    def settle(self) -> None:
        """The batch is committed."""
        for wait, next_in_s in self._parks:
            self._parking.park(wait, self._now_s, next_in_s)
        for connection in self._closed:
            self._parking.drop(connection)
        self._closed.clear()
        self._hands.settle()
        self._begin(self._now_s)

    def undo(self) -> bool:
        """The batch was rolled back; whether calls of earlier turns took part."""
        self._hands.undo()
        for wait in self._tried:
            self.put_off(wait.call, self._now_s)
        took_part = bool(self._tried)
        self._begin(self._now_s)
        return took_part

    def put_off(self, call: OldCall, now_s: float) -> None:
        """It cannot be carried out now. A client of the standard library would not ask again."""
        self._put_off.append(call)
        self._put_off_until_s = now_s + NO_ROOM_S

    def _begin(self, now_s: float) -> None:
        self._now_s, self._added = now_s, False
        self._replies: Replies = []
        self._parks: list[tuple[Wait, float]] = []
        self._tried: list[Wait] = []  # calls of earlier turns

    # Calls.

    def _once_more(self) -> list[OldCall]:
        until_s = self._put_off_until_s
        if until_s is None or until_s > self._now_s:
            return []
        calls, self._put_off, self._put_off_until_s = self._put_off, [], None
        self._tried += [Wait(call, 0.0) for call in calls]
        return calls

    def _ask(self, call: OldCall) -> None:
        try:
            self._attempt(Wait(call, self._now_s + patience_s(call)))
        except BadArgumentsError as error:
            self._reply(raised(call, error.error), call)

    def _try(self, wait: Wait) -> bool:
        if wait.connection in self._closed:
            return True
        self._tried.append(wait)
        return self._attempt(wait)

    def _attempt(self, wait: Wait) -> bool:
        """Answer a call, or park it; whether there was an answer."""
        of_tasks = wait.call.typeid in TASKS
        found = self._of_tasks(wait) if of_tasks else self._of_results(wait)
        if isinstance(found, OldReply):
            self._reply(found, wait.call)
            return True
        self._parks.append((wait, found))
        return False

    def _reply(self, reply: OldReply, call: OldCall) -> None:
        self._replies.append((call.connection, reply))

    def _is_over(self) -> bool:
        return self._frontier.stats().state is State.ENDED

    # The task queue. Answers are replies, or the seconds until another try is worth it.

    def _of_tasks(self, wait: Wait) -> OldReply | float:
        call = wait.call
        match call.method:
            case "get" | "get_nowait" | "empty":
                return self._take(wait)
            case "put" | "put_nowait":
                self._add(item_of(call))
            case "qsize":
                return returned(call, self._size(call.connection))
            case "full":
                return returned(call, False)
            case "join" if not self._is_over():
                return LOOK_S
        return returned(call)  # `task_done` too: the result says more

    def _take(self, wait: Wait) -> OldReply | float:
        call = wait.call
        peer = call.caller.peer if call.caller else ""
        found = self._hands.reserve(call.connection, peer, self._now_s)
        if isinstance(found, Held):
            empty = call.method == "empty"
            return returned(call, False if empty else self._hands.take(found, self._now_s))
        if found.state is not State.ENDED and self._now_s < wait.until_s:
            return found.next_in_s
        return returned(call, True) if call.method == "empty" else raised(call, EMPTY)

    def _size(self, connection: int) -> int:
        waiting = self._frontier.stats().waiting.get(Kind.IMAGE, 0)
        return waiting + (self._hands.reserved(connection) is not None)

    def _add(self, item: object) -> None:
        """Whoever has the key may add to the crawl, as a worker of ours may."""
        url = canonical(item) if isinstance(item, str) else None
        if url is None:
            self._ignore(item)
            return
        self._frontier.add([Task(url=url, kind=Kind.IMAGE)])
        self._added = True

    # The result queue: what is put there is taken at once, so there is never anything in it.

    def _of_results(self, wait: Wait) -> OldReply | float:
        call = wait.call
        match call.method:
            case "put" | "put_nowait":
                self._heed(item_of(call))
            case "get" | "get_nowait":
                late = self._now_s >= wait.until_s or self._is_over()
                return raised(call, EMPTY) if late else LOOK_S
            case "empty" | "full":
                return returned(call, call.method == "empty")
            case "qsize":
                return returned(call, 0)
        return returned(call)

    def _heed(self, item: object) -> None:
        said = read_result(item)
        held = self._hands.find(said.url) if said else None
        if said is None or held is None:
            self._ignore(item)
        elif self._hands.finish(held, self._outcome(held.lease, said), self._now_s):
            self.fetched += said.good
        else:
            _log.info("a result came too late: %.200s", said.url, extra={"action": "refuse"})

    def _outcome(self, lease: Lease, said: ResultText) -> Outcome:
        if said.good:
            record = self._record(lease.task)
            return Outcome(token=lease.token, verb=Verb.DONE, records=(record,), answered=True)
        return Outcome(
            token=lease.token, verb=Verb.RETRY, reason=CLIENT_FAILED, detail=said.word,
            in_s=retry_in_s(lease.attempts),
        )  # fmt: skip

    def _record(self, task: Task) -> Record:
        """An image of which only its client knows more."""
        return Record(
            url=task.first, final_url=task.url, status=0, type="", width=0, height=0, bytes=0,
            sha256="", fetched_at=self._wall_s(), state="elsewhere",
        )  # fmt: skip

    def _ignore(self, item: object) -> None:
        self.ignored += 1
        _log.info("ignored in a queue: %.200r", item, extra={"action": "ignore"})
