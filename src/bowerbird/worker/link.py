"""The worker's line to the frontier: three threads, so that no call ever stops a transfer.

One asks for leases and carries gifts, one hands in outcomes, one beats. What they bring goes into
`inbox`; the loop is woken to read it. Each call takes whatever has gathered meanwhile.
"""

import os
import threading
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from typing import TypeVar

import msgspec

from bowerbird.clock import Clock
from bowerbird.errors import (
    BowerbirdError,
    ConnectionLostError,
    SessionGoneError,
    StorageFullError,
)
from bowerbird.frontier.base import ADD_LIMIT, BEAT_EVERY_S, SESSION_DEADLINE_S, Frontier
from bowerbird.model import BeatReply, FinishReply, LeaseReply, Outcome
from bowerbird.worker.links import Known

#: Longest time a `lease` waits at the other end, in seconds; gifts wait for it.
LEASE_WAIT_S = 1.0
#: Most outcomes of one `finish`.
FINISH_BATCH = 256
#: A loop that has not stopped so long after its session ended is wedged, in seconds.
WEDGED_S = 15.0
#: After a disk has refused, ours or the frontier's, nothing is tried for so long, in seconds.
NO_ROOM_S = 1.0

T = TypeVar("T")
News = tuple[LeaseReply, float] | FinishReply | BeatReply | BowerbirdError


class Link:
    """The calls of one session, off the loop's thread."""

    def __init__(
        self,
        frontier: Frontier,
        session: str,
        clock: Clock,
        wake: Callable[[], None],
        durable: Callable[[list[Outcome]], list[Outcome]],
    ) -> None:
        """`durable` syncs what outcomes speak of, and answers those to hand in."""
        self.inbox: SimpleQueue[News] = SimpleQueue()
        self.known = Known()
        self.asking = False  #: a `lease` is under way
        self._frontier = frontier
        self._session = session
        self._clock = clock
        self._wake = wake
        self._durable = durable
        self._asks: SimpleQueue[tuple[int, dict[str, int]] | None] = SimpleQueue()
        self._said: list[Outcome] = []
        self._outcomes: SimpleQueue[list[Outcome] | None] = SimpleQueue()
        self._stopped = threading.Event()
        self._alive_until_s = clock.now_s() + SESSION_DEADLINE_S
        self._threads = [
            threading.Thread(target=target, name=name, daemon=True)
            for name, target in (
                ("lease", self._lease), ("finish", self._finish), ("beat", self._beat)
            )
        ]  # fmt: skip

    def start(self) -> None:
        """Begin to beat."""
        for thread in self._threads:
            thread.start()

    def alive(self, now_s: float) -> bool:
        """Whether the session can still stand: its deadline counts from before its last beat."""
        return now_s < self._alive_until_s

    def ask(self, limit: int, gifts: dict[str, int]) -> None:
        """Ask for leases; the answer comes to the inbox."""
        self.asking = True
        self._asks.put((limit, gifts))

    def say(self, outcome: Outcome) -> None:
        """Hand in an outcome, with the next `flush`."""
        self._said.append(outcome)

    def flush(self) -> None:
        """Let the outcomes said go their way: once a turn, since each wakes a thread."""
        if self._said:
            self._outcomes.put(self._said)
            self._said = []

    def close(self, timeout_s: float) -> None:
        """Hand in what is left, then end the session."""
        self.flush()
        self._asks.put(None)
        self._outcomes.put(None)
        self._threads[1].join(timeout_s)
        self._stopped.set()
        try:
            self._frontier.detach(self._session)
        except BowerbirdError:
            return  # it is gone already, and with it all it held

    # The threads.

    def _news(self, news: News) -> None:
        self.inbox.put(news)
        self._wake()

    def _lease(self) -> None:
        while (ask := self._asks.get()) is not None:
            asked_s = self._clock.now_s()
            try:
                reply = self._with_room(partial(self._take_leases, *ask))
            except BowerbirdError as error:
                self._news(error)
                return
            self._news((reply, asked_s))

    def _take_leases(self, limit: int, gifts: dict[str, int]) -> LeaseReply:
        return self._frontier.lease(self._session, limit, LEASE_WAIT_S, gifts)

    def _finish(self) -> None:
        while (batch := self._gather()) is not None:
            try:
                for start in range(0, len(batch), FINISH_BATCH):
                    self._news(self._hand_in(batch[start : start + FINISH_BATCH]))
            except BowerbirdError as error:
                self._news(error)
                return

    def _gather(self) -> list[Outcome] | None:
        """All outcomes that wait; None when there will be no more."""
        batch = self._outcomes.get()
        if batch is None:
            return None
        try:
            while (more := self._outcomes.get_nowait()) is not None:
                batch.extend(more)
            self._outcomes.put(None)  # the end was among them: it is met again
        except Empty:
            pass
        return batch

    def _hand_in(self, batch: list[Outcome]) -> FinishReply:
        batch = self._durable(batch)
        reply = self._with_room(partial(self._send, batch))
        for outcome, accepted in zip(batch, reply.accepted, strict=True):
            if accepted and outcome.found:
                self.known.add(outcome.found)
        return reply

    def _send(self, batch: list[Outcome]) -> FinishReply:
        return self._frontier.finish(self._session, [self._send_ahead(one) for one in batch])

    def _with_room(self, call: Callable[[], T]) -> T:
        """Make a call, again and again while the frontier's disk is full: it has kept nothing."""
        while True:
            try:
                return call()
            except StorageFullError:
                if self._stopped.wait(NO_ROOM_S):
                    raise

    def _send_ahead(self, outcome: Outcome) -> Outcome:
        """Of a page with very many links all but the last chunk goes in before it is done."""
        while len(outcome.found) > ADD_LIMIT or len(outcome.sightings) > ADD_LIMIT:
            self._frontier.add(outcome.found[:ADD_LIMIT], outcome.sightings[:ADD_LIMIT])
            outcome = msgspec.structs.replace(
                outcome,
                found=outcome.found[ADD_LIMIT:],
                sightings=outcome.sightings[ADD_LIMIT:],
            )
        return outcome

    def _beat(self) -> None:
        while not self._stopped.wait(BEAT_EVERY_S):
            before_s = self._clock.now_s()
            try:
                self._news(self._frontier.beat(self._session))
                self._alive_until_s = before_s + SESSION_DEADLINE_S
            except (SessionGoneError, ConnectionLostError) as error:
                self._news(error)
                if not self._stopped.wait(WEDGED_S):
                    os._exit(3)
                return
            except BowerbirdError:
                continue  # the deadline decides
