"""Judging tasks by robots.txt (RFC 9309): here, in the client, for Lua matches no rules."""

import zlib
from collections.abc import Callable
from threading import Lock

from bowerbird.frontier.base import DELAY_CAP_S
from bowerbird.frontier.robots_rules import AtHand, Rules


class Judge:
    """Knows the rules of the origins it has met lately."""

    def __init__(self, user_agent: str, text_of: Callable[[str], bytes | None]) -> None:
        """`text_of` gives the kept robots.txt of an origin."""
        self._user_agent, self._text_of = user_agent, text_of
        self._at_hand = AtHand[tuple[str, float]](user_agent)
        self._lock = Lock()

    def allows(self, origin: str, stamp: float, url: str) -> bool:
        """Whether a URL of an origin may be fetched, by the rules of this stamp.

        Rules that have gone meanwhile allow: they were a day old.
        """
        return self._rules(origin, stamp).allows(url)

    def crawl_delay_s(self, text: str) -> float:
        """The delay that a robots.txt asks for, as far as it is granted."""
        return min(max(Rules(text, self._user_agent).delay_s, 0.0), DELAY_CAP_S)

    def _rules(self, origin: str, stamp: float) -> Rules:
        which = (origin, stamp)
        with self._lock:
            found = self._at_hand.find(which)
        if found:
            return found
        text = self._text(origin)  # over the network, while others judge
        with self._lock:
            return self._at_hand.get(which, lambda: text)

    def _text(self, origin: str) -> str:
        packed = self._text_of(origin)
        return zlib.decompress(packed).decode() if packed else ""
