"""Values under a lease, for programs that block."""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar, overload

from bowerbird.leases import Ticket, Verb
from bowerbird.queues.named.lending import Loan

T = TypeVar("T")


class Settler(Protocol):
    """Who passes on what becomes of leases; answers for how many items it counted."""

    def settle(
        self, tickets: Sequence[Ticket], verb: Verb, in_s: float | None = None, why: str = ""
    ) -> int: ...

    def renew(self, tickets: Sequence[Ticket], lease_s: float | None = None) -> int: ...


class Leased:
    """One or many values. As a context it is done at the end, and fails with an exception.

    Each of its words answers for how many items it counted: 0 where a lease was over and the item
    has been given to another, or something was said of it already.
    """

    __slots__ = ("_settler",)

    def __init__(self, settler: Settler) -> None:
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

    def ack(self) -> int:
        """It is done."""
        return self._say(Verb.DONE)

    def nack(self, why: str = "", in_s: float | None = None) -> int:
        """It failed: to be given again in `in_s` seconds (None: as the queue has it), or dead if
        its attempts are spent."""
        return self._say(Verb.RETRY, in_s, why)

    def release(self, in_s: float | None = None) -> int:
        """It was not tried: to be given to another, with no attempt counted."""
        return self._say(Verb.RELEASED, in_s)

    def bury(self, why: str = "") -> int:
        """It failed for good: to the dead letters."""
        return self._say(Verb.DEAD, None, why)

    def renew(self, lease_s: float | None = None) -> int:
        """Its lease time begins anew."""
        return self._settler.renew([self._renewable()], lease_s)

    def _say(self, verb: Verb, in_s: float | None = None, why: str = "") -> int:
        if self.settled:
            return 0
        return self._settler.settle([self.take_ticket()], verb, in_s, why)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.ack()
        elif isinstance(error, Exception):
            self.nack(f"{type(error).__name__}: {error}"[:1_000])
        else:
            self.release()  # Ctrl-C is no fault of the item


class Item(Leased, Generic[T]):
    """One value under a lease."""

    __slots__ = ("_loan", "_place", "value")

    def __init__(self, settler: Settler, loan: Loan[T], place: int) -> None:
        super().__init__(settler)
        self.value = loan.values[place]
        self._loan = loan
        self._place = place

    def __repr__(self) -> str:
        return f"<Item {self.value!r}, attempt {self.attempts}>"

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


class Batch(Leased, Sequence[Item[T]]):
    """Values that were leased at once. `values` alone is cheaper than items one by one."""

    __slots__ = ("_loan", "_places")

    def __init__(self, settler: Settler, loan: Loan[T]) -> None:
        super().__init__(settler)
        self._loan = loan
        self._places = range(len(loan.values)) if loan.left is None else sorted(loan.left)

    def __repr__(self) -> str:
        return f"<Batch of {len(self)}>"

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
    def __getitem__(self, index: int) -> Item[T]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Item[T]]: ...
    def __getitem__(self, index: int | slice) -> Item[T] | list[Item[T]]:
        if isinstance(index, slice):
            return [Item(self._settler, self._loan, place) for place in self._places[index]]
        return Item(self._settler, self._loan, self._places[index])

    def __iter__(self) -> Iterator[Item[T]]:
        return (Item(self._settler, self._loan, place) for place in self._places)

    @property
    def settled(self) -> bool:
        return self._loan.settled or not self._places

    def take_ticket(self) -> Ticket:
        return self._loan.ticket()

    def _renewable(self) -> Ticket:
        left = self._loan.left
        return Ticket(self._loan.token, None if left is None else tuple(sorted(left)))
