"""How much may be held in memory, and how fast bytes may come: who waits, who goes on."""

from typing import Protocol

#: Bytes that may come where there is no limit of the rate.
_BOUNDLESS = 1 << 62
#: Most bytes that libcurl hands on at once. Whoever is let go on with less room would only be
#: made to wait again, and again.
_PIECE = 16 * 1024


class Waiter(Protocol):
    """A transfer that can be made to go on."""

    started_s: float

    def resume(self) -> None:
        """Deliver again; it may at once have to wait again."""
        ...


class Budget:
    """The account of all transfers. Fields are plain, since every chunk of bytes touches them.

    One transfer, the runner, always gets memory, so that the others' bytes cannot block for ever.
    """

    __slots__ = ("_quota", "quota", "room", "runner", "waiting")

    def __init__(self, memory: int) -> None:
        self.room = memory  #: bytes; below 0 where the runner went on without room
        self.quota = self._quota = _BOUNDLESS  #: bytes that may come before the next `refill`
        self.runner: Waiter | None = None
        self.waiting: set[Waiter] = set()

    @property
    def throttled(self) -> bool:
        """Whether the rate is spent for now."""
        return self.quota <= 0

    def admits(self, one: Waiter, count: int) -> bool:
        """Whether a transfer may take `count` bytes into memory now; if not, it waits."""
        if self.quota > 0 and (count <= self.room or self._may_run(one)):
            return True
        self.waiting.add(one)
        return False

    def leave(self, one: Waiter) -> None:
        """A transfer needs no more room: it has ended, or writes to disk."""
        self.waiting.discard(one)
        if self.runner is one:
            self.runner = None

    def refill(self, quota: int) -> int:
        """Allow `quota` bytes from now on; answers how many came since the last time."""
        spent = self._quota - self.quota
        self.quota = self._quota = quota
        return spent

    def resume(self) -> None:
        """Let go on who may, the oldest first: it has the least time left."""
        for one in sorted(self.waiting, key=lambda one: one.started_s):
            if self.quota <= 0 or (self.room < _PIECE and self.runner not in (None, one)):
                break
            self.waiting.discard(one)
            one.resume()

    def _may_run(self, one: Waiter) -> bool:
        if self.runner is None:
            self.runner = one
        return self.runner is one
