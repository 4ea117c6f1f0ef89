"""Values under a lease, as both clients give them to programs."""

from collections.abc import Coroutine, Iterator, Sequence
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar, overload

from bowerbird.leases import Ticket, Verb
from bowerbird.queues.named.lending import Loan

T = TypeVar("T")
#: What a word about a lease answers: a number, or that to be awaited.
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

#: Characters of an exception that become the reason of a failure.
_WHY_MOST = 1_000


class Settler(Protocol[R_co]):
    """Who passes on what becomes of leases; answers for how many items it counted."""

    def settle(
        self, tickets: Sequence[Ticket], verb: Verb, in_s: float | None = None, why: str = ""
    ) -> R_co: ...

    def renew(self, tickets: Sequence[Ticket], lease_s: float | None = None) -> R_co: ...


class Leased(Generic[R]):
    """One or many values.

    Each of its words answers for how many items it counted: 0 where a lease was over and the item
    has been given to another, or something was said of it already.
    """

    __slots__ = ("_settler",)

    def __init__(self, settler: Settler[R]) -> None:
        self._settler = settler

    @property
    def settled(self) -> bool:
        """Whether something was said of all of it."""
        raise NotImplementedError

    def take_ticket(self) -> Ticket:
        """What is not settled yet; it is from now on."""
        raise NotImplementedError

    def _renewable(self) -> Ticket:
        raise NotImplementedError

    def ack(self) -> R:
        """It is done."""
        return self._say(Verb.DONE)

    def nack(self, why: str = "", in_s: float | None = None) -> R:
        """It failed: to be given again in `in_s` seconds (None: as the queue has it), or dead if
        its attempts are spent."""
        return self._say(Verb.RETRY, in_s, why)

    def release(self, in_s: float | None = None) -> R:
        """It was not tried: to be given to another, with no attempt counted."""
        return self._say(Verb.RELEASED, in_s)

    def bury(self, why: str = "") -> R:
        """It failed for good: to the dead letters."""
        return self._say(Verb.DEAD, None, why)

    def renew(self, lease_s: float | None = None) -> R:
        """Its lease time begins anew."""
        return self._settler.renew([self._renewable()], lease_s)

    def _say(self, verb: Verb, in_s: float | None = None, why: str = "") -> R:
        tickets = [] if self.settled else [self.take_ticket()]
        return self._settler.settle(tickets, verb, in_s, why)

    def _end(self, error: BaseException | None) -> R:
        """The end of a `with`."""
        if error is None:
            return self.ack()
        if isinstance(error, Exception):
            return self.nack(f"{type(error).__name__}: {error}"[:_WHY_MOST])
        return self.release()  # Ctrl-C, or a cancelled task, is no fault of the item


class _Context(Leased[int]):
    """Done at the end of a `with`; failed where an exception ends it."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end(error)


class AsyncLeased(Leased[Coroutine[Any, Any, int]]):
    """Done at the end of an `async with`; failed where an exception ends it."""

    __slots__ = ()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._end(error)


class _Item(Leased[R], Generic[T, R]):
    __slots__ = ("_loan", "_place", "value")

    def __init__(self, settler: Settler[R], loan: Loan[T], place: int) -> None:
        super().__init__(settler)
        self.value = loan.values[place]
        self._loan = loan
        self._place = place

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.value!r}, attempt {self.attempts}>"

    @property
    def attempts(self) -> int:
        """How often it has been given, this time included."""
        return self._loan.attempts[self._place] if self._loan.attempts else 1

    @property
    def settled(self) -> bool:
        return self._loan.is_settled(self._place)

    def take_ticket(self) -> Ticket:
        return self._loan.ticket_of(self._place)

    def _renewable(self) -> Ticket:
        return Ticket(self._loan.token, (self._place,))


class Item(_Item[T, int], _Context):
    """One value under a lease. `with item:` says at its end what became of it."""

    __slots__ = ()


class AsyncItem(_Item[T, Coroutine[Any, Any, int]], AsyncLeased):
    """One value under a lease. `async with item:` says at its end what became of it."""

    __slots__ = ()


I = TypeVar("I")  # noqa: E741


class _Batch(Leased[R], Sequence[I], Generic[T, R, I]):
    __slots__ = ("_loan", "_places")

    def __init__(self, settler: Settler[R], loan: Loan[T]) -> None:
        super().__init__(settler)
        self._loan = loan
        self._places = range(len(loan.values)) if loan.left is None else sorted(loan.left)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)}>"

    def _item(self, place: int) -> I:
        raise NotImplementedError

    @property
    def values(self) -> list[T]:
        """All values, in their order."""
        values = self._loan.values
        if len(self._places) == len(values):
            return values
        return [values[place] for place in self._places]

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> I: ...
    @overload
    def __getitem__(self, index: slice) -> list[I]: ...
    def __getitem__(self, index: int | slice) -> I | list[I]:
        if isinstance(index, slice):
            return [self._item(place) for place in self._places[index]]
        return self._item(self._places[index])

    def __iter__(self) -> Iterator[I]:
        return map(self._item, self._places)

    @property
    def settled(self) -> bool:
        return self._loan.settled or not self._places

    def take_ticket(self) -> Ticket:
        return self._loan.ticket()

    def _renewable(self) -> Ticket:
        left = self._loan.left
        return Ticket(self._loan.token, None if left is None else tuple(sorted(left)))


class Batch(_Batch[T, int, Item[T]], _Context):
    """Values that were leased at once. `values` alone is cheaper than items one by one."""

    __slots__ = ()

    def _item(self, place: int) -> Item[T]:
        return Item(self._settler, self._loan, place)


class AsyncBatch(_Batch[T, Coroutine[Any, Any, int], AsyncItem[T]], AsyncLeased):
    """Values that were leased at once. `values` alone is cheaper than items one by one."""

    __slots__ = ()

    def _item(self, place: int) -> AsyncItem[T]:
        return AsyncItem(self._settler, self._loan, place)
