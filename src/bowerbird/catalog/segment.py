"""A segment: a stretch of what a crawl brought, as it lies in a store for ever. Pure."""

import zlib

import msgspec

from bowerbird.codec import decode, encode
from bowerbird.errors import ProtocolError
from bowerbird.model import Results

#: A newer form is not read. 2: records may be forgotten, and held elsewhere.
FORM = 2


class Segment(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What came behind one cursor, up to another, which is `results.cursor`."""

    form: int = FORM
    crawl: str  #: its name
    number: int  #: from 1, without gaps
    after: str  #: the cursor behind the segment before
    results: Results

    def packed(self) -> bytes:
        """As bytes: zlib (RFC 1950) around msgpack."""
        return zlib.compress(encode(self), 6)


def unpacked(data: bytes) -> Segment:
    """A segment from its bytes.

    Raises:
        ProtocolError: they are none, or of a newer version.
    """
    try:
        segment = decode(zlib.decompress(data), Segment)
    except zlib.error as error:
        raise ProtocolError(f"bytes that are no segment: {error}") from None
    if segment.form > FORM:
        raise ProtocolError("a segment of a newer version of Bowerbird; update this one")
    return segment
