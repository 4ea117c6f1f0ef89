"""The number a URL is known by in the catalog."""

from hashlib import blake2b


def url_id(url: str) -> int:
    """First 8 bytes of the URL's BLAKE2b (RFC 7693) as a signed integer, as SQLite's are."""
    digest = blake2b(url.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


class Urls(dict[str, int]):
    """Ids of the URLs of one batch, each worked out once."""

    def __missing__(self, url: str) -> int:
        number = self[url] = url_id(url)
        return number
