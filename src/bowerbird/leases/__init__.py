"""Leasing of opaque items: whoever takes one has to settle it, else it goes to the next.

`values` what is said · `leases` the rules · `items` where items lie, with `memory` and `sqlite`.
"""

from bowerbird.leases.items import Items
from bowerbird.leases.leases import Leases
from bowerbird.leases.memory import MemoryItems
from bowerbird.leases.values import Counts, DeadItem, Given, Terms, Ticket, Verb

__all__ = [
    "Counts",
    "DeadItem",
    "Given",
    "Items",
    "Leases",
    "MemoryItems",
    "Terms",
    "Ticket",
    "Verb",
]
