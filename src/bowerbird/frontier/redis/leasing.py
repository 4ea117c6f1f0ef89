"""Leasing from several partitions: a worker asks those where it is attached, all in one round trip,
and moves to others when they have nothing for it."""

import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from bowerbird.codec import encode
from bowerbird.errors import ConnectionLostError, StorageFullError
from bowerbird.frontier.base import Give
from bowerbird.frontier.calls import merged
from bowerbird.frontier.redis.line import together
from bowerbird.frontier.redis.looks import Look, all_down, is_quiet, looked, state_of, summed
from bowerbird.frontier.redis.opening import Crawl
from bowerbird.frontier.redis.outbox import Outbox
from bowerbird.frontier.redis.packing import CHUNK
from bowerbird.frontier.redis.partition import Leased
from bowerbird.frontier.redis.seats import LOOK_S, MOST_SEATS, TURN_S, Seat, Seats
from bowerbird.model import Grant, LeaseReply, Outcome, State, Verb

#: With more room than this a limit is not watched call by call.
FAR = 10_000
#: Whoever leases near a limit does so alone, for so long at most, in milliseconds.
ALONE_MS = 5_000
#: What a worker waits before it tries to be alone again, in seconds.
AGAIN_S = 0.005

Gifts = Mapping[int, Give]


class Leasing:
    """How the sessions of one process lease. Any number of threads may call it."""

    def __init__(
        self, crawl: Crawl, outbox: Outbox, has_ended: Callable[[Sequence[Look]], bool]
    ) -> None:
        """`has_ended`: whether a second look agrees with these, by which it has."""
        self._partitions, self._division = crawl.partitions, crawl.division
        self._limited = crawl.limited and len(crawl.partitions) > 1
        self._outbox, self._has_ended = outbox, has_ended
        self._looks: Sequence[Look] = ()

    def __repr__(self) -> str:
        return f"<Leasing from {len(self._partitions)} partitions>"

    def home(self) -> int:
        """A partition that a session is attached to for its life."""
        return secrets.randbelow(len(self._partitions))

    def sessions(self, counted: Sequence[int]) -> int:
        """How many sessions the crawl has; `counted`: in those partitions that were asked."""
        if len(self._partitions) <= MOST_SEATS or not self._looks:
            return sum(counted)
        return max(1, sum(one.counts["sessions"] for one in self._looks))

    # Coming and going.

    def attach(self, seats: Seats, tokens: Sequence[bytes], in_flight: Give | None) -> list[bytes]:
        """Take a worker's first seats: where it holds or held something, then where there is work;
        answers the tokens that stand."""
        held: dict[int, list[bytes]] = {}
        for token in tokens:
            held.setdefault(self._division.of_token(token), []).append(token)
        flying: dict[int, dict[str, int]] = {}
        for host, number in (in_flight or {}).items():
            flying.setdefault(self._division.of(host), {})[host] = number
        numbers = dict.fromkeys([seats.home, *held, *flying, *self._before(seats)])
        asks = [
            self._partitions[number].attach(
                seats.session, seats.worker, held.get(number, ()), seats.kinds, seats.hard_end_s,
                None if in_flight is None else flying.get(number, {}),
                counted=number == seats.home,
            )
            for number in numbers
        ]  # fmt: skip
        answers = together(asks)
        for number, (standing, alone) in zip(numbers, answers, strict=True):
            leases = {token: token in alone for token in standing}
            seats.at[number] = Seat(leases=leases, slots=dict(flying.get(number, {})))
        seats.alone = next(iter(seats.suspects()), None)
        if len(self._partitions) > MOST_SEATS:
            self._move(seats, self._look())
        return [token for standing, _ in answers for token in standing]

    def _before(self, seats: Seats) -> list[int]:
        """Where the worker has been in an earlier session, which has to end; with few partitions,
        all."""
        everywhere = range(len(self._partitions))
        if len(everywhere) <= MOST_SEATS:
            return list(everywhere)
        name = f"worker:{seats.worker.name}"
        known = together([one.command("EXISTS", name) for one in self._partitions])
        return [number for number in everywhere if known[number]]

    def _join(self, seats: Seats, looks: Sequence[Look]) -> bool:
        """Take seats that are free; whether there were any to take."""
        numbers = seats.to_join(looks)
        worker = msgspec.structs.replace(seats.worker, clock_s=0.0)  # that was another moment
        asks = [
            self._partitions[number].attach(
                seats.session, worker, (), seats.kinds, seats.hard_end_s, None, counted=False
            )
            for number in numbers
        ]
        together(asks)
        for number in numbers:
            seats.at[number] = Seat()
        return bool(numbers)

    def _move(self, seats: Seats, looks: Sequence[Look]) -> bool:
        """Leave what gives nothing and go where there is work; whether there is some."""
        seats.see(looks)
        together([self._partitions[one].detach(seats.session) for one in seats.to_leave()])
        return self._join(seats, looks)

    def _look(self) -> Sequence[Look]:
        self._looks = looks = looked(self._partitions)
        return looks

    # Leasing.

    def lease(self, seats: Seats, limit: int, gifts: Gifts) -> LeaseReply:
        """Tasks of any partition.

        Raises:
            SessionGoneError: the session has ended.
            StorageFullError: Redis is full, and has kept nothing of the call.
            ConnectionLostError: or it has, and what it gave is lost: the worker is to come again
                and name what it holds.
        """
        seats.answered = False
        try:
            return self._lease(seats, limit, gifts)
        except StorageFullError as error:
            if not seats.answered:
                raise
            raise ConnectionLostError(str(error)) from None

    def _lease(self, seats: Seats, limit: int, gifts: Gifts) -> LeaseReply:
        waited = seats.alone is not None
        reply = self._leased(seats, limit, gifts)
        if waited and seats.alone is None and not reply.leases:
            reply = _joined([reply, self._leased(seats, limit, {})])
        if len(self._partitions) == 1:
            return reply
        if reply.leases:
            self._give_others_a_turn(seats)
            return reply
        return self._further(seats, limit, reply)

    def _leased(self, seats: Seats, limit: int, gifts: Gifts) -> LeaseReply:
        if not self._limited or limit == 0:
            return self._round(seats, limit, gifts)
        looks = self._look()
        if _room(looks) > FAR:
            return self._round(seats, limit, gifts, looks)
        with self._alone() as alone:
            if not alone:
                return self._round(seats, 0, gifts)
            return self._one_by_one(seats, limit, gifts)

    def _round(
        self, seats: Seats, limit: int, gifts: Gifts, looks: Sequence[Look] = (),
        *, give_up: bool = False,
    ) -> LeaseReply:  # fmt: skip
        """Ask each for its share, then those that may have more for the rest."""
        asked = seats.asked()
        replies: list[LeaseReply] = []
        limits = {number: 0 for number in (*gifts, *(() if limit else asked)) if number in seats.at}
        while limits or (limit > 0 and asked):
            shares = _shares(limit, asked)
            limits |= {number: share for number, share in shares.items() if share}
            found = self._ask(seats, limits, gifts, looks, give_up=give_up)
            replies += found.values()
            limit -= sum(len(one.leases) for one in found.values())
            asked = [
                one for one in asked if not shares[one] or len(found[one].leases) >= shares[one]
            ]
            if seats.alone is not None:
                asked = [one for one in asked if one == seats.alone]
            limits, gifts = {}, {}
        return _joined(replies)

    def _one_by_one(self, seats: Seats, limit: int, gifts: Gifts) -> LeaseReply:
        """Near a limit: each is told what all others have just now."""
        asked = seats.asked()
        replies: list[LeaseReply] = []
        rest = {number: 0 for number in gifts if number in seats.at and number not in asked}
        if rest:
            replies += self._ask(seats, rest, gifts, ()).values()
        for done, number in enumerate(asked):
            share = min(CHUNK, -(-limit // (len(asked) - done)))
            found = self._ask(seats, {number: share}, gifts, self._look())
            limit -= len(found[number].leases)
            replies += found.values()
        return _joined(replies)

    def _ask(
        self, seats: Seats, limits: Mapping[int, int], gifts: Gifts, looks: Sequence[Look],
        *, give_up: bool = False,
    ) -> dict[int, LeaseReply]:  # fmt: skip
        """Ask some partitions for so many each."""
        calls = {number: self._division.call(number, os.urandom(8)) for number in limits}
        asks = [
            self._partitions[number].lease(
                seats.session, limit, gifts.get(number), calls[number],
                self._others(seats, number, looks, give_up=give_up),
            )
            for number, limit in limits.items()
        ]  # fmt: skip
        found: dict[int, Leased] = {}
        seats.answered = seats.answered or len(asks) > 1  # where one refuses, others may not
        answers = together(asks)
        seats.answered = True
        for number, answer in zip(limits, answers, strict=True):
            one = self._partitions[number].leased(seats.session, calls[number], answer)
            found[number] = one
            seats.give(number, gifts.get(number, {}))
            seats.take(number, one.reply, asked=limits[number] > 0)
        self._see_to_suspects(seats, found)
        return {number: self._numbered(one.reply) for number, one in found.items()}

    def _others(self, seats: Seats, number: int, looks: Sequence[Look], *, give_up: bool) -> bytes:
        """What a partition has to be told of others, see `lua/lease.lua`."""
        if len(self._partitions) == 1:
            return b""
        rest = summed([one for one in looks if one.partition != number]) if looks else None
        numbers = (
            (rest.get("records"), rest.get("leased:image"), rest.pages_read(),
             rest.get("leased:page"))
            if rest else (0, 0, 0, 0)
        )  # fmt: skip
        return encode((seats.held_elsewhere(number), *numbers, give_up))

    def _numbered(self, reply: LeaseReply) -> LeaseReply:
        if len(self._partitions) == 1:
            return reply
        return msgspec.structs.replace(reply, grants=numbered(reply.grants, reply.seq))

    def _see_to_suspects(self, seats: Seats, found: dict[int, Leased]) -> None:
        """A suspect is with its worker alone, in all partitions: what came with it goes back."""
        if len(self._partitions) == 1:
            return
        chosen = [number for number, one in found.items() if one.chosen]
        seats.alone = holder = next(iter((*seats.suspects(), *chosen)), None)
        for number, one in found.items() if holder is not None else ():
            if number != holder and one.reply.leases:
                self._release(seats, number, one)
                found[number] = Leased(msgspec.structs.replace(one.reply, leases=()), False)

    def _release(self, seats: Seats, number: int, leased: Leased) -> None:
        back = [Outcome(token=one.token, verb=Verb.RELEASED) for one in leased.reply.leases]
        asks = self._partitions[number].finish(seats.session, back, None)
        together([ask for ask, _ in asks])
        seats.finish(number, [one.token for one in back])

    # Where there is nothing.

    def _further(self, seats: Seats, limit: int, reply: LeaseReply) -> LeaseReply:
        """Look around: it may have ended, or there is work elsewhere."""
        few = len(self._partitions) <= MOST_SEATS
        if not (few or seats.is_time_to_look()):
            return reply
        looks = self._look()
        if is_quiet(looks) and self._has_ended(looks):
            return msgspec.structs.replace(reply, state=State.ENDED)
        self._outbox.sweep(one.partition for one in looks if one.outbox)
        if not limit or reply.state is not State.RUNNING:
            return reply
        if all_down(looks):
            return _joined([reply, self._round(seats, limit, {}, looks, give_up=True)])
        if not few and self._move(seats, looks):
            return _joined([reply, self._leased(seats, limit, {})])
        return reply

    def _give_others_a_turn(self, seats: Seats) -> None:
        """A worker with work enough sees from time to time who waits in vain."""
        now_s, seats.pause_s = time.monotonic(), LOOK_S[0]
        if len(self._partitions) > MOST_SEATS and now_s - seats.looked_s >= TURN_S:
            seats.looked_s = now_s
            looks = self._look()
            seats.make_way(looks)
            self._move(seats, looks)

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Nobody else leases near a limit meanwhile; False: it was not to be had."""
        first, mine, until_s = self._partitions[0], os.urandom(8), time.monotonic() + ALONE_MS / 1e3
        take = first.command("SET", "near", mine, "NX", "PX", ALONE_MS)
        while not (taken := take.alone()) and time.monotonic() < until_s:
            time.sleep(AGAIN_S)
        try:
            yield bool(taken)
        finally:
            if taken:
                first.line.run("release", first.keys.of("near"), mine)


def _shares(limit: int, asked: Sequence[int]) -> dict[int, int]:
    """How many of so many tasks are asked for where; none in some, where there are too few."""
    each, more = divmod(max(limit, 0), len(asked) or 1)
    return {number: min(CHUNK, each + (i < more)) for i, number in enumerate(asked)}


def _room(looks: Sequence[Look]) -> int:
    """How much is left of the limits."""
    counts, rooms = summed(looks), [FAR + 1]
    if most := counts.get("max_images"):
        rooms.append(most - counts.get("records") - counts.get("leased:image"))
    if most := counts.get("max_pages"):
        rooms.append(most - counts.pages_read() - counts.get("leased:page"))
    return min(rooms)


def numbered(grants: Sequence[Grant], seq: int) -> tuple[Grant, ...]:
    """Grants that say by themselves to which answer of their partition they belong."""
    return tuple(msgspec.structs.replace(one, seq=seq) for one in grants)


def _joined(replies: Sequence[LeaseReply]) -> LeaseReply:
    """Answers of several partitions, or calls, as one."""
    if len(replies) == 1:
        return replies[0]
    grants: tuple[Grant, ...] = ()
    for one in replies:
        grants = merged(grants, one.grants)
    leases = tuple(lease for one in replies for lease in one.leases)
    state = replies[-1].state
    return LeaseReply(
        state=state if state is State.ENDED else state_of([one.state for one in replies]),
        leases=leases,
        grants=grants,
        next_in_s=0.0 if leases else min(one.next_in_s for one in replies),
        seq=max(one.seq for one in replies),
    )
