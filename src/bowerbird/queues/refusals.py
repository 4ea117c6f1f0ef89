"""Who came with a wrong key: told to the operator, without letting strangers fill the disk."""

import logging
from time import monotonic

_log = logging.getLogger(__name__)

#: The first refusal is told at once, then how many there were, once in so many seconds.
TELL_S = 60.0


class Refusals:
    """Counts them for one door."""

    def __init__(self, door: str) -> None:
        """`door`: the address that strangers came to, for people."""
        self._door = door
        self._told_s = -TELL_S
        self._untold = 0

    def note(self, peer: str, why: str) -> None:
        """Somebody was refused."""
        now_s = monotonic()
        if now_s - self._told_s < TELL_S:
            self._untold += 1
            _log.debug("%s refused: %s", peer, why, extra={"action": "refuse"})
            return
        more = f" ({self._untold} more since the last such line)" if self._untold else ""
        self._told_s, self._untold = now_s, 0
        _log.warning(
            "%s was refused at %s%s: %s If it is one of yours, give it the key of this one "
            "(--authkey-file or BOWERBIRD_AUTHKEY); if not, keep it out by a firewall.",
            peer or "a process of this machine", self._door, more, why, extra={"action": "refuse"},
        )  # fmt: skip
