"""What a robots.txt says to us (RFC 9309), whoever asks: one reading of it for all engines.

Protego parses and matches. Before that the text is narrowed to the three sorts of groups that
matter here (ours, that for all, anybody else's): as Protego keeps each rule once for each robot
of its group, a hostile 60 KB of names and rules would take it 5 s, 512 KB many minutes.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Generic, TypeVar

#: Rules with wildcards that are read in full: each costs up to 5 us for every URL judged.
MAX_WILD = 10_000

#: Characters of texts whose rules are kept at hand: a thousand usual ones, eight of the largest.
#: Each takes up to 17 bytes when it is parsed.
AT_HAND = 4 << 20

_OURS, _ALL, _OTHERS = "ours", "*", "others"
#: Also without its colon, as Google and Protego read it.
_AGENT = re.compile(r"\s*+user[-\s]*+agent(?:\s*+:|\s)([^#]*+)", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z_-]++")
_COMPATIBLE = re.compile(r"compatible;\s*+([A-Za-z_-]++)", re.IGNORECASE)


class Rules:
    """The rules of one origin that bind us."""

    def __init__(self, text: str, user_agent: str) -> None:
        """`user_agent`: as it is sent; its product token is what groups are found by."""
        from protego import Protego  # only crawls that obey need it

        # Lone surrogates break protego, a byte order mark its first line.
        text = text.encode("utf-8", "replace").decode().removeprefix("\ufeff")
        self._parsed: Any = Protego.parse("\n".join(_narrowed(text, token_of(user_agent))))

    def allows(self, url: str) -> bool:
        """Whether a canonical URL may be fetched."""
        return bool(self._parsed.can_fetch(url, _OURS))

    @property
    def delay_s(self) -> float:
        """The Crawl-delay asked for; 0 where there is none."""
        return float(self._parsed.crawl_delay(_OURS) or 0.0)


K = TypeVar("K", bound=Hashable)


class AtHand(Generic[K]):
    """Rules that were needed lately."""

    def __init__(self, user_agent: str) -> None:
        self._user_agent = user_agent
        self._kept: OrderedDict[K, tuple[Rules, int]] = OrderedDict()
        self._weight = 0

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, which: K) -> Rules | None:
        """The rules of an origin, if they are at hand."""
        if which not in self._kept:
            return None
        self._kept.move_to_end(which)
        return self._kept[which][0]

    def get(self, which: K, text: Callable[[], str]) -> Rules:
        """The rules of an origin, read from its text where they are not at hand."""
        if found := self.find(which):
            return found
        read = text()
        rules, weight = Rules(read, self._user_agent), len(read) + 1_000
        self._kept[which] = rules, weight
        self._weight += weight
        while self._weight > AT_HAND and len(self._kept) > 1:
            self._weight -= self._kept.popitem(last=False)[1][1]
        return rules

    def forget(self, which: K) -> None:
        """They are other ones now."""
        self._weight -= self._kept.pop(which, (None, 0))[1]

    def clear(self) -> None:
        """They may all be other ones now."""
        self._kept.clear()
        self._weight = 0


def token_of(user_agent: str) -> str:
    """The product token of an identification, lower case: `Wren/2.1 (+http://…)` -> `wren`."""
    match = _COMPATIBLE.search(user_agent)
    token = match[1] if match else _first_token(user_agent)
    return token.lower()


def _first_token(text: str) -> str:
    match = _TOKEN.match(text)
    return match[0] if match else ""


def _narrowed(text: str, token: str) -> Iterator[str]:
    wild = 0
    for line in text.splitlines():
        agent = _AGENT.match(line)
        if agent:
            yield _named(agent[1].strip(), token)
            continue
        wild += "*" in line
        if wild <= MAX_WILD or "*" not in line:
            yield line
        elif not line.lstrip()[:5].lower().startswith("allow"):
            yield line.partition("*")[0]  # it forbids more than it says; what allows is left out


def _named(value: str, token: str) -> str:
    """A line of a group, in our words. What follows a product token is no part of it."""
    if value[:1] == "*" and not value[1:2].strip():
        return f"user-agent: {_ALL}"
    ours = bool(token) and _first_token(value).lower() == token
    return f"user-agent: {_OURS if ours else _OTHERS}" if value else "user-agent:"
