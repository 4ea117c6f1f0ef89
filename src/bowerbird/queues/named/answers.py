"""What is answered at once, from the leases alone."""

from collections.abc import Callable
from typing import Any

import msgspec

from bowerbird.codec import encode
from bowerbird.leases import Given, Leases
from bowerbird.leases.leases import BYTES_MOST
from bowerbird.queues.named import calls

#: The answer to a `Get` whose wait is over.
NOTHING = encode(calls.Lent())


def lent(given: Given) -> bytes:
    """Items under a lease."""
    told = given.attempts if max(given.attempts) > 1 else []
    return encode(calls.Lent(given.token, told, calls.packed(given.items)))


def _settle(leases: Leases, ask: calls.Settle) -> int:
    return leases.settle(ask.tickets, ask.verb, in_s=ask.in_s, why=ask.why)


def _dead(leases: Leases, ask: calls.ListDead) -> list[calls.Buried]:
    found: list[calls.Buried] = []
    size = 0
    for one in leases.dead(ask.after, min(ask.limit, calls.ITEMS_MOST)):
        size += len(one.item) + len(one.why)
        if found and size > BYTES_MOST:
            break
        item = msgspec.Raw(one.item)
        found.append(calls.Buried(one.id, item, one.attempts, one.why, one.died_at))
    return found


#: Calls that neither wait nor need to know who asks.
ANSWER: dict[type[calls.Ask], Callable[[Leases, Any], Any]] = {
    calls.Open: lambda _leases, _ask: None,
    calls.Settle: _settle,
    calls.Renew: lambda leases, ask: leases.renew(ask.tickets, ask.lease_s),
    calls.Count: lambda leases, _ask: leases.counts,
    calls.ListDead: _dead,
    calls.Requeue: lambda leases, ask: leases.requeue(ask.ids),
    calls.Forget: lambda leases, ask: leases.forget(ask.ids),
}
