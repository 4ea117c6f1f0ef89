"""A worker's place in a crawl: the session it has now, and how it comes by the next one.

A local worker has one session and ends with it. A far one outlives its manager: it attaches again
over a new connection, with the tokens of all it still holds.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from bowerbird.clock import Clock
from bowerbird.frontier.base import SESSION_DEADLINE_S, Frontier
from bowerbird.model import Kind, WorkerInfo


class Claim(NamedTuple):
    """What a worker holds at one moment, named to its next session."""

    tokens: tuple[bytes, ...]  #: at hand, running, or finished and not handed in yet
    in_flight: Mapping[str, int]  #: host -> requests under way


class Place(NamedTuple):
    """A session, and the frontier by which it is reached."""

    frontier: Frontier
    session: str
    number: int  #: of the worker's sessions, from 1

    def __repr__(self) -> str:
        return f"<Place {self.number}: session {self.session}>"


class Member:
    """Who a worker is, to the frontier."""

    def __init__(
        self, connect: Callable[[], Frontier], info: WorkerInfo, hard_end_s: float, clock: Clock,
        *, returns: bool, kinds: Sequence[Kind] = (),
    ) -> None:  # fmt: skip
        """Attach for the first time; raises what `connect` and `Frontier.attach` raise.

        Args:
            connect: opens a way to the frontier; called again for each further session.
            returns: attaches again when its session or the connection is lost.
            kinds: what it takes (empty: all).
        """
        self.returns = returns
        self._connect = connect
        self._info = info
        self._hard_end_s = hard_end_s
        self._kinds = tuple(kinds)
        self._clock = clock
        self._alive_until_s = 0.0
        self.place, _ = self.attach(None)

    def __repr__(self) -> str:
        return f"<Member {self._info.name} at {self.place}>"

    def alive(self, now_s: float) -> bool:
        """Whether the session can still stand: its deadline counts from before its last beat."""
        return now_s < self._alive_until_s

    def beaten(self, place: Place, before_s: float) -> None:
        """A beat that was sent at `before_s` has been answered."""
        if place is self.place:
            self._alive_until_s = before_s + SESSION_DEADLINE_S

    def attach(self, claim: Claim | None) -> tuple[Place, frozenset[bytes]]:
        """A new session, to be entered, and which of the tokens claimed stand in it."""
        frontier = self._connect()
        tokens, in_flight = claim or ((), None)
        before_s = self._clock.now_s()
        try:
            attached = frontier.attach(
                self._info_now(), tokens, self._kinds, self._hard_end_s, in_flight
            )
        except BaseException:
            if self.returns:
                frontier.close()
            raise
        self._alive_until_s = before_s + SESSION_DEADLINE_S
        number = self.place.number + 1 if claim else 1
        return Place(frontier, attached.session, number), frozenset(attached.standing)

    def _info_now(self) -> WorkerInfo:
        if not self.returns:
            return self._info
        return msgspec.structs.replace(self._info, clock_s=self._clock.wall_s())

    def enter(self, place: Place) -> None:
        """The session to be spoken of from now on; calls by the way to the last one end."""
        last, self.place = self.place, place
        last.frontier.close()

    def leave(self) -> None:
        """Give the session up: what is being asked by its way ends at once."""
        self.place.frontier.close()
