"""Calls to named queues as they travel: one msgpack array each, items as raw msgpack inside it."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import msgspec

from bowerbird.codec import decode, encode
from bowerbird.errors import ProtocolError, UsageError
from bowerbird.leases import Counts, Terms, Ticket, Verb

#: Characters of a queue's name.
NAME_MOST = 200
#: Items of one call; what is put beyond goes in further calls.
ITEMS_MOST = 1_000
#: Bytes of one item: with what travels beside it, it fits into a frame.
ITEM_MOST = 15 << 20
#: Characters of the reason of a failure.
WHY_MOST = 10_000
#: A call waits at the server for this at most, in seconds, and is then made again, so that a
#: server that has gone is noticed.
WAIT_MOST_S = 20.0
#: Longest lease and delay, in seconds: ten years.
SECONDS_MOST = 315_360_000.0
#: Priorities lie between this and its negative.
PRIORITY_MOST = 100

_Priority = Annotated[int, msgspec.Meta(ge=-PRIORITY_MOST, le=PRIORITY_MOST)]
_Seconds = Annotated[float, msgspec.Meta(ge=0.0, le=SECONDS_MOST)]
_Number = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_MOST)]
_NOTHING = msgspec.Raw(b"\xc0")


class Wish(msgspec.Struct, frozen=True, array_like=True):
    """How a queue is wished; None: as it is, or as new ones are."""

    durable: bool | None = None
    lease_s: _Seconds | None = None
    attempts: _Number | None = None
    retry_s: _Seconds | None = None
    maxsize: _Number | None = None

    def over(self, terms: Terms) -> Terms:
        """The terms with what is wished put in place."""
        wished = {name: getattr(self, name) for name in Terms.__struct_fields__}
        return msgspec.structs.replace(
            terms, **{name: value for name, value in wished.items() if value is not None}
        )


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """What every call says. `wish`: a `Wish` as bytes, for a queue that is not there yet: so a
    queue in memory is made again by whoever comes first after a restart."""

    name: _Name
    wish: msgspec.Raw = _NOTHING


def wish_of(ask: Ask) -> Wish:
    """What a call wishes its queue to be."""
    return decode(memoryview(ask.wish), Wish | None) or Wish()  # type: ignore[arg-type]


class Open(Ask, frozen=True, array_like=True):
    """Make a queue, or change its terms -> nothing."""


class Put(Ask, frozen=True, array_like=True):
    """Put items -> how many found room."""

    items: list[msgspec.Raw] = []
    priority: _Priority = 0
    in_s: _Seconds = 0.0
    wait_s: _Seconds = 0.0


class Get(Ask, frozen=True, array_like=True):
    """Lease items, after having finished others -> `Lent`; empty when the wait is over."""

    limit: _Number = 1
    wait_s: _Seconds = 0.0
    lease_s: _Seconds | None = None
    done: list[Ticket] = []


class Settle(Ask, frozen=True, array_like=True):
    """Say what became of items -> for how many it counted."""

    tickets: list[Ticket] = []
    verb: Verb = Verb.DONE
    in_s: _Seconds | None = None
    why: Annotated[str, msgspec.Meta(max_length=WHY_MOST)] = ""


class Renew(Ask, frozen=True, array_like=True):
    """Let lease times begin anew -> how many items are still leased."""

    tickets: list[Ticket] = []
    lease_s: _Seconds | None = None


class Count(Ask, frozen=True, array_like=True):
    """-> `Counts`."""


class ListDead(Ask, frozen=True, array_like=True):
    """Look at dead items -> list of `Buried`."""

    after: _Number = 0
    limit: _Number = 100


class Requeue(Ask, frozen=True, array_like=True):
    """Let dead items be given again -> how many."""

    ids: list[_Number] | None = None


class Forget(Ask, frozen=True, array_like=True):
    """Forget dead items -> how many."""

    ids: list[_Number] | None = None


class Lent(msgspec.Struct, frozen=True, array_like=True):
    """Items under a lease."""

    token: bytes = b""
    attempts: list[int] = []  #: of each item; empty: the first of each
    items: msgspec.Raw = msgspec.Raw(b"\x90")  #: one msgpack array


class Buried(msgspec.Struct, frozen=True, array_like=True):
    """A dead item."""

    id: int
    item: msgspec.Raw
    attempts: int
    why: str
    died_at: float


class QueueInfo(msgspec.Struct, frozen=True, array_like=True):
    """What a server tells of one of its queues."""

    durable: bool
    terms: Terms
    counts: Counts


#: Method on the wire -> its arguments. `queue.list` has none and answers name -> `QueueInfo`.
ASKS: dict[str, type[Ask]] = {
    "queue.open": Open,
    "queue.put": Put,
    "queue.get": Get,
    "queue.settle": Settle,
    "queue.renew": Renew,
    "queue.count": Count,
    "queue.dead": ListDead,
    "queue.requeue": Requeue,
    "queue.forget": Forget,
}
LIST = "queue.list"
_NAMES = {ask: name for name, ask in ASKS.items()}

A = TypeVar("A", bound=Ask)


def method_of(ask: Ask) -> str:
    """Its name on the wire."""
    return _NAMES[type(ask)]


def read_ask(method: str, payload: bytes) -> Ask:
    """Raises ProtocolError where it is none of ours, or its arguments are of other types."""
    shape = ASKS.get(method)
    if shape is None:
        raise ProtocolError(f"There is no method {method[:40]!r}.")
    return decode(payload, shape)


def packed(items: Sequence[bytes]) -> msgspec.Raw:
    """Items that are msgpack each, as one array of them."""
    return msgspec.Raw(b"\xdd" + len(items).to_bytes(4, "big") + b"".join(items))


def plain(value: Any) -> bytes:
    """A value as msgpack.

    Raises:
        UsageError: it is not made of what msgpack holds.
    """
    try:
        item = encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise UsageError(
            f"A value of {type(value).__name__!r} cannot travel: {error}. Plain values can: None, "
            "bool, int, float, str, bytes, list, dict, dates, dataclasses, msgspec.Struct."
        ) from None
    if len(item) > ITEM_MOST:
        raise UsageError(f"A value of {len(item)} bytes; at most {ITEM_MOST} travel at once.")
    return item
