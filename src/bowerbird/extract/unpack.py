"""Sitemaps that are gzip files, unpacked within bounds."""

import zlib
from contextlib import suppress

from bowerbird.deflated import MAGIC, Gzip

#: The sitemap protocol's limit, unpacked, in bytes.
MAX_UNPACKED = 50 << 20
#: Most unpacked bytes for one packed, after the first MiB: XML reaches 50, bombs 1,000.
MAX_RATIO = 200
_FREE = 1 << 20


def unpacked(body: bytes, most: int = MAX_UNPACKED) -> tuple[bytes, bool]:
    """The body, unpacked where it is gzip (twice where it is packed twice), up to `most` bytes;
    and whether there would have been more."""
    cut = False
    for _ in range(2):
        if body[:2] != MAGIC:
            break
        limit = min(most, max(_FREE, len(body) * MAX_RATIO))
        body = inflate(body, limit)
        cut |= len(body) == limit
    return body[:most], cut or len(body) > most


def inflate(body: bytes, limit: int) -> bytes:
    """What a gzip file holds, at most `limit` bytes; as far as it goes where it is broken."""
    parts, left = list[bytes](), limit
    with suppress(zlib.error):
        for part in Gzip().feed(body):
            parts.append(part[:left])
            left -= len(part)
            if left <= 0:
                break
    return b"".join(parts)
