"""How much may be held in memory, and how fast bytes may come: who waits, who goes on."""

from typing import Protocol


class Waiter(Protocol):
    """A transfer that can be made to go on."""

    def resume(self) -> None:
        """Deliver again; it may at once have to wait again."""
        ...


class Budget:
    """The account of all transfers. Fields are plain, since every chunk of bytes touches them.

    One transfer, the runner, always goes on, so that the others' bytes cannot block for ever.
    """

    __slots__ = ("room", "runner", "spent", "throttled", "waiting")

    def __init__(self, memory: int) -> None:
        self.room = memory  #: bytes; below 0 where the runner went on without room
        self.runner: Waiter | None = None
        self.waiting: dict[Waiter, None] = {}  #: in order of arrival
        self.spent = 0  #: bytes since the rate was last looked at
        self.throttled = False

    def admits(self, one: Waiter, count: int) -> bool:
        """Whether a transfer may take `count` bytes into memory now; if not, it waits."""
        if not self.throttled and (count <= self.room or self._may_run(one)):
            return True
        self.waiting[one] = None
        return False

    def leave(self, one: Waiter) -> None:
        """A transfer needs no more room: it has ended, or writes to disk."""
        self.waiting.pop(one, None)
        if self.runner is one:
            self.runner = None

    def resume(self) -> None:
        """Let go on who may."""
        if self.throttled or not self.waiting or (self.room <= 0 and self.runner):
            return
        waiting = list(self.waiting)
        self.waiting.clear()
        for one in waiting:
            one.resume()

    def _may_run(self, one: Waiter) -> bool:
        if self.runner is None:
            self.runner = one
        return self.runner is one
