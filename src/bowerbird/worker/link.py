"""The worker's line to the frontier: three threads, so that no call ever stops a transfer.

One asks for leases and carries gifts, one hands in outcomes, one keeps the session: it beats, and
attaches again when the loop says what to claim. What they bring goes into `inbox`; the loop is
woken to read it. Each call takes whatever has gathered meanwhile.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import NamedTuple, TypeVar

import msgspec

from bowerbird.clock import Clock
from bowerbird.errors import (
    BowerbirdError,
    ConnectionLostError,
    SessionGoneError,
    StorageFullError,
)
from bowerbird.frontier.base import ADD_LIMIT, BEAT_EVERY_S
from bowerbird.model import (
    DISK_FULL,
    REFUSED_THERE,
    BeatReply,
    FinishReply,
    LeaseReply,
    Outcome,
    Verb,
)
from bowerbird.worker.links import Known
from bowerbird.worker.member import Claim, Member, Place

#: Longest time a `lease` waits at the other end, in seconds; gifts wait for it.
LEASE_WAIT_S = 1.0
#: Most outcomes of one `finish`.
FINISH_BATCH = 256
#: Outcomes that nobody waits for gather for so long, in seconds: each call costs the frontier a
#: transaction.
FINISH_EVERY_S = 0.2
#: Outcomes that wait to be handed in; with more nothing new is begun. A page's may be 100 KB.
MOST_OWED = 2_048
#: A loop that has not stopped so long after its session ended is wedged, in seconds.
WEDGED_S = 15.0
#: Who wakes so much later than asked was stopped, as its loop was, in seconds.
FROZEN_S = 1.0
#: After a disk has refused, ours or the frontier's, nothing is tried for so long, in seconds.
NO_ROOM_S = 1.0
#: A beat or `finish` whose answer was lost is tried again after this, in seconds.
AGAIN_S = 0.25

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Leased(NamedTuple):
    """The answer to an `ask`."""

    reply: LeaseReply
    asked_s: float


class NotLeased(NamedTuple):
    """An `ask` failed: what its answer may have held is unknown."""

    error: BowerbirdError


class Joined(NamedTuple):
    """A new session is entered."""

    standing: frozenset[bytes]  #: of the tokens claimed
    claim: Claim


class NotJoined(NamedTuple):
    """There is no new session."""

    error: BowerbirdError


News = Leased | NotLeased | Joined | NotJoined | FinishReply | BeatReply | BowerbirdError


class Tally(msgspec.Struct):
    """What the frontier has accepted of this worker."""

    images: int = 0
    bytes: int = 0
    pages: int = 0
    failed: int = 0
    refused: int = 0  #: outcomes that came too late
    no_room: int = 0  #: tasks given back since our disk was full


class Link:
    """The calls of a worker's sessions, off the loop's thread."""

    def __init__(
        self,
        member: Member,
        clock: Clock,
        wake: Callable[[], None],
        durable: Callable[[list[Outcome]], list[Outcome]],
    ) -> None:
        """`durable` syncs what outcomes speak of, and answers those to hand in."""
        self.inbox: SimpleQueue[tuple[int, News]] = SimpleQueue()  #: with the number of the place
        self.known = Known()
        self.tally = Tally()
        self.asking = False  #: a `lease` is under way
        self._member = member
        self._clock = clock
        self._wake = wake
        self._durable = durable
        self._asks: SimpleQueue[tuple[int, dict[str, int]] | None] = SimpleQueue()
        self._said: list[Outcome] = []
        self._pressing = False  # something waits for one of them
        self._flushed_s = 0.0
        self._owed: dict[bytes, None] = {}  # tokens of outcomes that wait for their answer
        self._outcomes: SimpleQueue[list[Outcome] | None] = SimpleQueue()
        self._claims: SimpleQueue[Claim | None] = SimpleQueue()
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=target, name=name, daemon=True)
            for name, target in (
                ("lease", self._lease), ("finish", self._finish), ("session", self._keep)
            )
        ]  # fmt: skip

    @property
    def returns(self) -> bool:
        """Whether a lost session is followed by another."""
        return self._member.returns

    @property
    def number(self) -> int:
        """Of the session entered."""
        return self._member.place.number

    def start(self) -> None:
        """Begin to beat."""
        for thread in self._threads:
            thread.start()

    def alive(self, now_s: float) -> bool:
        """Whether the session can still stand."""
        return self._member.alive(now_s)

    def ask(self, limit: int, gifts: dict[str, int]) -> None:
        """Ask for leases; the answer comes to the inbox."""
        self.asking = True
        self._asks.put((limit, gifts))

    def say(self, outcome: Outcome) -> None:
        """Hand in an outcome, with a `flush` to come."""
        self._owed[outcome.token] = None
        self._said.append(outcome)
        self._pressing = self._pressing or _is_pressing(outcome)

    def flush(self, now_s: float, *, at_once: bool) -> None:
        """Let the outcomes said go their way, once a turn: at once, or when it is time."""
        if self._said and (at_once or self._pressing or now_s >= self._due_s):
            self._outcomes.put(self._said)
            self._said, self._pressing, self._flushed_s = [], False, now_s

    def flush_s(self) -> float | None:
        """When outcomes that gather are due; None where there are none."""
        return self._due_s if self._said else None

    @property
    def _due_s(self) -> float:
        return self._flushed_s + FINISH_EVERY_S

    def owed(self) -> list[bytes]:
        """Tokens of outcomes that were said and wait for their answer."""
        return list(self._owed)

    @property
    def crowded(self) -> bool:
        """Whether so many outcomes wait that it is better to add none."""
        return len(self._owed) > MOST_OWED

    def rejoin(self, claim: Claim) -> None:
        """Attach again; `Joined` or `NotJoined` comes to the inbox."""
        self._claims.put(claim)

    def give_up(self) -> None:
        """End what is being asked: the session is over, whatever the answers."""
        self._member.leave()

    def close(self, timeout_s: float) -> None:
        """Hand in what is left, then end the session."""
        self.flush(self._clock.now_s(), at_once=True)
        self._asks.put(None)
        self._outcomes.put(None)
        self._threads[1].join(timeout_s)
        self._stopped.set()
        self._claims.put(None)
        if self.alive(self._clock.now_s()):
            with suppress(BowerbirdError):  # it is gone already, and with it all it held
                place = self._member.place
                place.frontier.detach(place.session)

    # The threads.

    def _news(self, place: Place, news: News) -> None:
        self.inbox.put((place.number, news))
        self._wake()

    def _lease(self) -> None:
        while (ask := self._asks.get()) is not None:
            place, asked_s = self._member.place, self._clock.now_s()
            try:
                reply = self._with_room(partial(self._take_leases, place, *ask))
            except Exception as error:
                self._news(place, NotLeased(_told(error)))
                if not self.returns:
                    return
            else:
                self._news(place, Leased(reply, asked_s))

    def _take_leases(self, place: Place, limit: int, gifts: dict[str, int]) -> LeaseReply:
        return place.frontier.lease(place.session, limit, LEASE_WAIT_S, gifts)

    # Outcomes.

    def _finish(self) -> None:
        while (batch := self._gather()) is not None:
            try:
                for start in range(0, len(batch), FINISH_BATCH):
                    self._hand_in(batch[start : start + FINISH_BATCH])
            except Exception as error:
                self._news(self._member.place, _told(error))
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

    def _hand_in(self, batch: list[Outcome]) -> None:
        """Hand in a batch. Its tokens make it safe to do so twice, so a lost answer is asked for
        until there is one: what is done is kept while the manager is away."""
        batch = self._durable(batch)
        if self.returns:
            batch = [_of_own_disk(one) for one in batch]
        while True:
            place = self._member.place
            try:
                reply = self._with_room(partial(self._send, place, batch))
            except ConnectionLostError:
                if not self.returns or self._stopped.wait(AGAIN_S):
                    raise
            else:
                self._handed_in(place, batch, reply)
                return

    def _handed_in(self, place: Place, batch: list[Outcome], reply: FinishReply) -> None:
        for outcome, accepted in zip(batch, reply.accepted, strict=True):
            self._owed.pop(outcome.token, None)
            count(self.tally, outcome, accepted=accepted)
            if accepted and outcome.found and place is self._member.place:
                self.known.add(outcome.found)
        self._news(place, reply)

    def _send(self, place: Place, batch: list[Outcome]) -> FinishReply:
        outcomes = [self._send_ahead(place, one) for one in batch]
        return place.frontier.finish(place.session, outcomes)

    def _with_room(self, call: Callable[[], T]) -> T:
        """Make a call, again and again while the frontier's disk is full: it has kept nothing."""
        while True:
            try:
                return call()
            except StorageFullError:
                if self._stopped.wait(NO_ROOM_S):
                    raise

    def _send_ahead(self, place: Place, outcome: Outcome) -> Outcome:
        """Of a page with very many links all but the last chunk goes in before it is done."""
        found, sightings = outcome.found, outcome.sightings
        most = max(len(found), len(sightings))
        if most <= ADD_LIMIT:
            return outcome
        last = (most - 1) // ADD_LIMIT * ADD_LIMIT
        for at in range(0, last, ADD_LIMIT):
            place.frontier.add(found[at : at + ADD_LIMIT], sightings[at : at + ADD_LIMIT])
        return msgspec.structs.replace(outcome, found=found[last:], sightings=sightings[last:])

    # The session.

    def _keep(self) -> None:
        wait_s = BEAT_EVERY_S
        while not self._stopped.is_set():
            before_s = self._clock.now_s()
            try:
                claim = self._claims.get(timeout=wait_s)
            except Empty:
                if wait_s < WEDGED_S:
                    wait_s = self._beat()
                elif self._clock.now_s() < before_s + wait_s + FROZEN_S:
                    os._exit(3)  # told that its session is gone, the loop has done nothing
            else:
                wait_s = self._attach(claim) if claim else wait_s

    def _beat(self) -> float:
        """Beat; answers how long to wait for a claim before the next one."""
        place, before_s = self._member.place, self._clock.now_s()
        try:
            reply = place.frontier.beat(place.session)
        except SessionGoneError as error:
            self._news(place, error)
            return WEDGED_S
        except ConnectionLostError as error:
            if self.returns:
                return AGAIN_S  # the deadline decides, or the answer of a manager started anew
            self._news(place, error)
            return WEDGED_S
        except BowerbirdError:
            return BEAT_EVERY_S  # the deadline decides
        self._member.beaten(place, before_s)
        self._news(place, reply)
        return BEAT_EVERY_S

    def _attach(self, claim: Claim) -> float:
        try:
            place, standing = self._member.attach(claim)
        except BowerbirdError as error:
            self._news(self._member.place, NotJoined(error))
            return WEDGED_S
        if self._stopped.is_set():  # this life has ended meanwhile: nobody would leave the session
            self._abandon(place)
            return WEDGED_S
        # In this order: no answer of the new session may overtake the news of it.
        self._news(place, Joined(standing, claim))
        self._member.enter(place)
        return BEAT_EVERY_S

    def _abandon(self, place: Place) -> None:
        with suppress(BowerbirdError):
            place.frontier.detach(place.session)
        place.frontier.close()


def _told(error: Exception) -> BowerbirdError:
    """An error as the loop takes it: one that a thread dies of in silence would let it wait for
    ever."""
    if isinstance(error, BowerbirdError):
        return error
    _log.error("a thread has ended", exc_info=error, extra={"action": "defect"})
    return BowerbirdError(f"A defect: {type(error).__name__}: {error}")


def _is_pressing(outcome: Outcome) -> bool:
    """Whether it brings tasks or tells of a host: others work by that."""
    brings = outcome.found or outcome.moved or outcome.robots
    tells = outcome.hold_s or outcome.delay_s is not None or outcome.answered is False
    return bool(brings or tells) or outcome.verb in (Verb.RETRY, Verb.RELEASED)


def together(tallies: Iterable[Tally]) -> Tally:
    """Tallies as one."""
    return Tally(*map(sum, zip(*map(msgspec.structs.astuple, (Tally(), *tallies)), strict=True)))


def count(tally: Tally, outcome: Outcome, *, accepted: bool) -> None:
    """Add what came of an outcome."""
    if not accepted:
        tally.refused += outcome.verb is not Verb.RELEASED
        return
    tally.images += len(outcome.records)
    tally.bytes += sum(record.bytes for record in outcome.records)
    tally.pages += outcome.counts.get("pages", 0)
    tally.failed += outcome.verb is Verb.DEAD
    tally.no_room += REFUSED_THERE in outcome.counts


def _of_own_disk(outcome: Outcome) -> Outcome:
    """A far worker's full disk is no reason to pause the crawl."""
    if DISK_FULL not in outcome.counts:
        return outcome
    return msgspec.structs.replace(outcome, counts={REFUSED_THERE: 1})
