"""Names of keys. What each key holds: `lua/shared/base.lua`."""

from hashlib import blake2b

import msgspec

#: Version of the data below these keys; another version's crawl is not touched.
VERSION = "1"


def fingerprint(url: str, key: bytes) -> str:
    """Keyed 64-bit BLAKE2b (RFC 7693) of a URL, as a signed decimal: a member of an intset.

    The key is the crawl's own, so that nobody can make URLs that hide each other.
    """
    digest = blake2b(url.encode("utf-8", "surrogatepass"), digest_size=8, key=key).digest()
    return str(int.from_bytes(digest, "big", signed=True))


class Keys(msgspec.Struct, frozen=True):
    """The keys of a crawl in one partition that are read without a script."""

    crawl: str
    partition: int = 0

    @property
    def common(self) -> str:
        """What all crawls share begins so."""
        return f"bowerbird:{{{self.partition}}}:"

    def of(self, name: str) -> str:
        """One of the crawl's own."""
        return f"{self.common}c:{self.crawl}:{name}"

    def session(self, session: str, what: str = "") -> str:
        """One of a session's."""
        return f"{self.common}s:{session}{':' if what else ''}{what}"

    def text(self, origin: str) -> str:
        """The text of an origin's robots.txt."""
        return f"{self.common}t:{origin}"
