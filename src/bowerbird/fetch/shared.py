"""What all transfers of one fetcher share."""

from collections.abc import Callable
from dataclasses import dataclass

from bowerbird.clock import Clock
from bowerbird.fetch.base import FetchLimits, Sink
from bowerbird.fetch.budget import Budget
from bowerbird.fetch.guard import Guard


@dataclass(slots=True, frozen=True)
class Shared:
    """The collaborators of transfers, and the one account of their bytes."""

    limits: FetchLimits
    guard: Guard
    open_spool: Callable[[], Sink]
    budget: Budget
    clock: Clock
    resolve: tuple[str, ...] = ()
