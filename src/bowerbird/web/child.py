"""The dashboard of `crawl --dashboard`: a process of its own, so that nothing that happens to it,
and no load on it, reaches the crawl. It is told on standard input what to show, and ends with that.
"""

import gc
import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from bowerbird.errors import BowerbirdError
from bowerbird.web.errand import Errand, Told

if TYPE_CHECKING:
    from bowerbird.web.serve import Dashboard

#: It yields to the crawl: what people look at may be a moment late.
NICE = 10
#: The end of the crawl is waited for so long at most, in seconds.
LAST_LOOK_S = 1.0


def main() -> int:
    """Serve until standard input ends."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    errand = msgspec.json.decode(sys.stdin.buffer.readline(), type=Errand)
    try:
        dashboard = _made(errand)
    except BowerbirdError as error:
        _tell(Told(trouble=str(error)))
        return 1
    _tell(Told(address=dashboard.address, way_in=dashboard.way_in, file=dashboard.token_file))
    serving = threading.Thread(target=dashboard.run, name="dashboard", daemon=True)
    serving.start()
    with suppress(OSError):
        sys.stdin.buffer.read()
    dashboard.last_look(LAST_LOOK_S)  # so that pages stay as the crawl has ended
    dashboard.end()
    serving.join(5.0)
    os._exit(0)  # all is closed; to take the modules apart would cost the crawl's end 60 ms


def _made(errand: Errand) -> "Dashboard":
    gc.disable()  # modules are no garbage: 15 ms
    try:
        from bowerbird.web.serve import Dashboard

        return Dashboard(errand.where, errand.access, errand.place)
    finally:
        gc.freeze()
        gc.enable()


def _tell(told: Told) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
    sys.stdout.buffer.flush()
