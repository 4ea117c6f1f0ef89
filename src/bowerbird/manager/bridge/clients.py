"""What is known of old-style clients. Values that never change, in dicts that can be put back."""

from typing import TypeVar

import msgspec

from bowerbird.model import Lease
from bowerbird.queues.oldstyle.values import OldCall

K = TypeVar("K")
V = TypeVar("V")


class Held(msgspec.Struct, frozen=True):
    """A task with a client, or set aside for it."""

    lease: Lease
    session: str  #: whose only lease this is
    connection: int  #: of the client
    host: str
    until_s: float  #: it goes back then

    @property
    def url(self) -> str:
        """What the client is given."""
        return self.lease.task.url


class Client(msgspec.Struct, frozen=True):
    """One connection, as it stands."""

    idle: str = ""  #: a session without a lease: it waits for one, or has just finished its own
    idle_s: float = 0.0  #: when that was last used
    reserved: Held | None = None  #: `empty()` was false for this one
    taken: tuple[str, ...] = ()  #: URLs that were handed out

    def without(self, url: str) -> "Client":
        """The same, a URL being in other hands."""
        return msgspec.structs.replace(self, taken=tuple(one for one in self.taken if one != url))


class Wait(msgspec.Struct, frozen=True, eq=False):
    """A call that has no answer yet."""

    call: OldCall
    until_s: float  #: it is answered then, with or without something

    @property
    def connection(self) -> int:
        """Where it came from."""
        return self.call.connection


class Undoable(dict[K, V]):
    """A dict whose changes since the last `settle` can be taken back.

    Only `put` and `drop` change it. Values must not change by themselves.
    """

    def __init__(self) -> None:
        super().__init__()
        self._before: dict[K, V | None] = {}

    def put(self, key: K, value: V) -> None:
        """Set a value."""
        self._before.setdefault(key, self.get(key))
        self[key] = value

    def drop(self, key: K) -> V | None:
        """Take a value out, if it is there."""
        self._before.setdefault(key, self.get(key))
        return self.pop(key, None)

    def settle(self) -> None:
        """Keep the changes."""
        self._before.clear()

    def undo(self) -> None:
        """Take them back."""
        for key, value in self._before.items():
            if value is None:
                self.pop(key, None)
            else:
                self[key] = value
        self._before.clear()
