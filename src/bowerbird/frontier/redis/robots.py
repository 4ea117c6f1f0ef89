"""Judging tasks by robots.txt (RFC 9309): here, in the client, for Lua matches no rules."""

import zlib
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

from bowerbird.frontier.base import DELAY_CAP_S

#: Parsed rules kept at hand; a site's rules are some kilobytes when parsed.
PARSED = 256


class Judge:
    """Knows the rules of the origins it has met lately."""

    def __init__(self, user_agent: str, text_of: Callable[[str], bytes | None]) -> None:
        """`text_of` gives the kept robots.txt of an origin."""
        self._user_agent, self._text_of = user_agent, text_of
        self._parsed: OrderedDict[tuple[str, float], Any] = OrderedDict()
        self._lock = Lock()

    def allows(self, origin: str, stamp: float, url: str) -> bool:
        """Whether a URL of an origin may be fetched, by the rules of this stamp.

        Rules that have gone meanwhile allow: they were a day old.
        """
        return bool(self._rules(origin, stamp).can_fetch(url, self._user_agent))

    def crawl_delay_s(self, text: str) -> float:
        """The delay that a robots.txt asks for, as far as it is granted."""
        asked = float(_parse(text).crawl_delay(self._user_agent) or 0.0)
        return min(max(asked, 0.0), DELAY_CAP_S)

    def _rules(self, origin: str, stamp: float) -> Any:
        which = origin, stamp
        with self._lock:
            if which in self._parsed:
                self._parsed.move_to_end(which)
                return self._parsed[which]
        packed = self._text_of(origin)
        rules = _parse(zlib.decompress(packed).decode() if packed else "")
        with self._lock:
            self._parsed[which] = rules
            if len(self._parsed) > PARSED:
                self._parsed.popitem(last=False)
        return rules


def _parse(text: str) -> Any:
    from protego import Protego  # only crawls that obey need it

    return Protego.parse(text)
