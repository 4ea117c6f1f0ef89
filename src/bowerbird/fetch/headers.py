"""Headers: those of a response, read late, and those that a request carries."""

from functools import cache

from bowerbird.model import Kind
from bowerbird.urls import without_login

#: What browsers send for each kind; servers that negotiate give images by it.
_PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,image/*;q=0.8,*/*;q=0.7"
ACCEPT: dict[Kind, str] = {
    Kind.PAGE: _PAGE,
    Kind.IMAGE: "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
    Kind.STYLESHEET: "text/css,*/*;q=0.1",
    Kind.ROBOTS: "text/plain,*/*;q=0.5",
    Kind.SITEMAP: "application/xml,text/xml,text/plain;q=0.9,*/*;q=0.5",
    Kind.FEED: "application/rss+xml,application/atom+xml,application/xml;q=0.9,*/*;q=0.5",
}


class Headers:
    """The header block of one response, as it came; each header is looked for when it is asked.

    Names are matched without case. Text is latin-1, as RFC 9110 section 5.5 has it for what is
    not ASCII. Few of a dozen lines are ever asked for, so the block is not parsed as a whole.
    """

    def __init__(self, block: bytes = b"") -> None:
        self._block = b"\n" + block
        self._lower = self._block.lower()

    def get(self, name: str, default: str = "") -> str:
        """All values of a header, joined by ", " (RFC 9110 section 5.3)."""
        values = self.all(name)
        return ", ".join(values) if values else default

    def all(self, name: str) -> list[str]:
        """The values of a header, one for each of its lines."""
        key, values, at = _key_of(name), [], -1
        while (at := self._lower.find(key, at + 1)) >= 0:
            start = at + len(key)
            end = self._block.find(b"\n", start)
            value = self._block[start : end if end >= 0 else None]
            values.append(value.decode("latin-1").strip())
        return values

    def items(self) -> list[tuple[str, str]]:
        """Name (lower case) and value of each line, in their order."""
        lines = (line.partition(":") for line in self._block.decode("latin-1").split("\n"))
        return [(name.strip().lower(), value.strip()) for name, colon, value in lines if colon]

    @property
    def in_text(self) -> bool:
        """Whether they came with HTTP/1: later versions have frames, which end."""
        return self._lower.startswith(b"\nhttp/1")

    def __len__(self) -> int:
        return len(self.items())

    def __repr__(self) -> str:
        return f"<Headers {len(self)}>"


@cache
def _key_of(name: str) -> bytes:
    return b"\n" + name.lower().encode("latin-1") + b":"


def referer_for(referrer: str, url: str) -> str:
    """The Referer to send for a URL found on `referrer`, "" for none: never from https to http,
    never with credentials or a fragment (RFC 9110 section 10.1.3)."""
    if not referrer.startswith(("http://", "https://")):
        return ""
    if referrer.startswith("https:") and not url.startswith("https:"):
        return ""
    return without_login(referrer.partition("#")[0])


def is_header(text: str) -> bool:
    """Whether a "Name: value" of a user's can be sent: a token, a colon, and no control bytes."""
    name, colon, value = text.partition(":")
    token = name.replace("-", "").replace("_", "")
    return bool(colon) and token.isascii() and token.isalnum() and value.isprintable()
