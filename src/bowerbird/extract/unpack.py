"""Sitemaps that are gzip files, unpacked within bounds."""

import zlib

#: The sitemap protocol's limit, unpacked, in bytes.
MAX_UNPACKED = 50 << 20
#: Most unpacked bytes for one packed, after the first MiB: XML reaches 50, bombs 1,000.
MAX_RATIO = 200
_FREE = 1 << 20
_GZIP = b"\x1f\x8b"


def unpacked(body: bytes, most: int = MAX_UNPACKED) -> tuple[bytes, bool]:
    """The body, unpacked where it is gzip (twice where it is packed twice), up to `most` bytes;
    and whether there would have been more."""
    cut = False
    for _ in range(2):
        if body[:2] != _GZIP:
            break
        limit = min(most, max(_FREE, len(body) * MAX_RATIO))
        body = inflate(body, limit)
        cut |= len(body) == limit
    return body[:most], cut or len(body) > most


def inflate(body: bytes, limit: int) -> bytes:
    """What a gzip file holds, at most `limit` bytes; as far as it goes where it is broken."""
    parts, left = list[bytes](), limit
    while body[:2] == _GZIP and left > 0:  # a file may be several members long
        member = zlib.decompressobj(wbits=31)
        part = _member(member, body, left)
        parts.append(part)
        left -= len(part)
        body = member.unused_data
    return b"".join(parts)


def _member(member: "zlib._Decompress", body: bytes, limit: int) -> bytes:
    """What one member holds. In steps, so that what came before a fault is kept."""
    parts, left = list[bytes](), limit
    try:
        while left > 0 and not member.eof and body:
            part = member.decompress(body, min(left, 1 << 20))
            parts.append(part)
            left -= len(part)
            body = member.unconsumed_tail
    except zlib.error:
        pass
    return b"".join(parts)
