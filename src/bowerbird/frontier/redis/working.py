"""The frontier in Redis as a worker uses it: it waits for work, and for room for what it brings."""

import threading
import time
from collections.abc import Sequence

from bowerbird.clock import Clock
from bowerbird.errors import ConnectionLostError, StorageFullError
from bowerbird.frontier.base import Give
from bowerbird.frontier.redis.address import RedisAddress
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.redis.epochs import lives
from bowerbird.frontier.redis.register import Register
from bowerbird.model import LeaseReply, Sighting, State, Task

#: A worker without work asks again after this, in seconds; it doubles up to the second.
FIRST_S, LONGEST_S = 0.005, 0.25
#: How often it is looked whether results have piled up, in seconds.
LOOK_EVERY_S = 0.5


class WorkingFrontier(RedisFrontier):
    """A crawl in Redis, for one worker. Where results have piled up beyond what the crawl allows
    it leases nothing, until a manager has taken them away."""

    def __init__(self, address: RedisAddress, clock: Clock | None = None) -> None:
        """Take a crawl up. Raises as `RedisFrontier`, and as `Register.posted`."""
        super().__init__(address, clock=clock)
        self._register = Register(address)
        self._text = self._register.text()
        posted = self._register.read(self._text)
        self._most = posted.backlog if posted else 0
        self._left = threading.Event()
        self._look_s, self._crowded = 0.0, False
        self._state: State | None = None
        self._lives = self._lives_now()

    def lease(
        self, session: str, limit: int, wait_s: float = 0.0, give: Give | None = None
    ) -> LeaseReply:
        """See `Frontier.lease`; answers early when there is any news."""
        until_s, pause_s = time.monotonic() + wait_s, FIRST_S
        reply = self._lease_once(session, limit, give)
        while not self._is_news(reply) and (left_s := until_s - time.monotonic()) > 0:
            self._rest(min(left_s, pause_s))
            pause_s = min(LONGEST_S, 2 * pause_s)
            try:
                reply = self._lease_once(session, limit)
            except StorageFullError:  # but it has kept the first: whoever calls may not repeat that
                break
        return reply

    def _lease_once(self, session: str, limit: int, give: Give | None = None) -> LeaseReply:
        return super().lease(session, 0 if self._is_crowded() else limit, give=give)

    def add(
        self,
        tasks: Sequence[Task],
        sightings: Sequence[Sighting] = (),
        *,
        seeds_complete: bool = False,
    ) -> int:
        """See `Frontier.add`. Links of a page that is not done yet: if Redis may have forgotten
        some, all are to come again before it is."""
        new = super().add(tasks, sightings, seeds_complete=seeds_complete)
        if self._lives_now() != self._lives:
            raise ConnectionLostError("Redis was started anew, and may lack the end: come anew.")
        return new

    def _is_news(self, reply: LeaseReply) -> bool:
        before, self._state = self._state, reply.state
        news = reply.leases or reply.grants or reply.state is State.ENDED
        return bool(news) or reply.state is not before

    def _rest(self, seconds: float) -> None:
        if self._left.wait(seconds):
            raise ConnectionLostError("This way to Redis was closed.")

    def _is_crowded(self) -> bool:
        now_s = time.monotonic()
        if now_s >= self._look_s:
            self._look_s = now_s + LOOK_EVERY_S
            self._look()
        return self._crowded

    def _look(self) -> None:
        if self._register.text() != self._text:
            raise ConnectionLostError("The crawl goes on with other settings: come anew.")
        self._crowded = 0 < self._most < self._register.backlog_guessed()

    def _lives_now(self) -> list[str]:
        return lives([one.line for one in self.partitions])

    def close(self) -> None:
        self._left.set()
        self._register.close()
        super().close()
