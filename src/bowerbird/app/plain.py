"""A worker at a manager of the standard library: a download whose list is its task queue."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bowerbird.app.crawl import Order, carry_out
from bowerbird.app.folder import Folder
from bowerbird.manager.plain.carrier import Carrier
from bowerbird.manager.plain.ledger import Ledger
from bowerbird.manager.plain.pair import Pair
from bowerbird.manager.progress import Progress
from bowerbird.manager.report import Report
from bowerbird.manager.run import Run
from bowerbird.queues import ClientTls, parse_address
from bowerbird.queues.oldstyle.client import PlainManager
from bowerbird.settings import Mode, Secrets

if TYPE_CHECKING:
    from bowerbird.app.crawl import AnyEngine

#: Tasks at hand for each worker process at most: enough to keep several hosts busy, and few enough
#: that other machines get theirs.
AHEAD = 16


@dataclass(slots=True)
class PlainOrder:
    """What a person asks for."""

    address: str
    authkey: bytes
    out: str
    tls: ClientTls | None = None
    options: Mapping[str, Any] = field(default_factory=dict)  #: a plain manager has no settings
    secrets: Secrets = field(default_factory=Secrets)
    stay: bool = False  #: an empty queue is not the end
    said: Callable[[str], None] = lambda _: None  #: a line for people
    tell: Callable[[Progress], None] = lambda _: None
    signals: bool = False  #: Ctrl-C is taken as a wish to stop in order


def work_for_plain(order: PlainOrder) -> Report:
    """Download what a stock manager's task queue has, and answer in its result queue.

    Raises:
        UsageError: the manager has no such queues; the folder or an option cannot be used.
        BowerbirdError: the manager cannot be reached, or the download cannot go on.
    """
    pair = Pair(PlainManager(parse_address(order.address), order.authkey, tls=order.tls))
    try:
        pair.open()
        order.said(f"A plain manager answers at {order.address}: working from its two queues.")
        return carry_out(_download(order, pair))
    finally:
        pair.close()


def _download(order: PlainOrder, pair: Pair) -> Order:
    ahead = AHEAD * (order.options.get("workers") or os.cpu_count() or 1)
    carrier = Carrier(pair, ahead, order.said, stay=order.stay)

    def opened(engine: "AnyEngine", _: Run) -> None:
        ledger = Folder(order.out).private / "taken.jsonl"
        carrier.start(engine, Ledger(ledger, order.address))

    return Order(
        mode=Mode.DOWNLOAD, out=order.out, feed=carrier.tasks, options=order.options,
        secrets=order.secrets, notes=lambda: tuple(carrier.end()), said=order.said, tell=order.tell,
        opened=opened, signals=order.signals,
    )  # fmt: skip
