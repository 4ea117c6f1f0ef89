"""Whether a body is an image that is wanted and whole. Pure.

Cheapest first, each step only after the last: type, size and caps from the header, the end,
and, if asked for, a decode of everything.
"""

import struct
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import cast

from bowerbird.images.base import Body, FlawError, Format, Header, Inspected, Refused, Result
from bowerbird.settings import Check, Settings
from bowerbird.signatures import HEAD, is_html, true_type

#: A picture above this many pixels must have some bytes for them...
BOMB_PIXELS = 16_000_000
#: ... namely one for this many: blank scans reach 1,000, bombs of every format 10,000.
PIXELS_PER_BYTE = 4_000

_MISREAD = (struct.error, IndexError, ValueError, OverflowError)


def inspect(body: Body | memoryview, settings: Settings) -> Result:
    """Look at a body as closely as the settings ask; decodes here and now."""
    data = as_body(body)
    seen = look(data, settings)
    if isinstance(seen, Refused) or settings.check is Check.HEADER:
        return seen
    return decode(data, seen)


def as_body(body: Body | memoryview) -> Body:
    """A body that slices to bytes."""
    return bytes(body) if isinstance(body, memoryview) else body


@cache
def format_of(kind: str) -> Format:
    """The module of an image type, loaded when first needed."""
    return cast(Format, import_module(f"bowerbird.images.formats.{kind}"))


def look(data: Body, settings: Settings) -> Result:
    """All checks but the decode."""
    head = data[:HEAD]
    kind = true_type(head)
    if not kind:
        return _no_image(head)
    if kind not in settings.types:
        return Refused("type-not-wanted", kind)
    try:
        return _look(kind, data, settings)
    except FlawError as flaw:
        return Refused(flaw.reason, f"{kind}: {flaw.detail}")
    except _MISREAD:
        return Refused("truncated", f"{kind}: ends inside its header")


def _no_image(head: bytes) -> Refused:
    return Refused("html-not-image") if is_html(head) else Refused("not-an-image", _hex(head))


def _hex(head: bytes) -> str:
    return f"begins with {head[:8].hex(' ')}" if head else "empty"


def _look(kind: str, data: Body, settings: Settings) -> Result:
    parser = format_of(kind)
    header = parser.header(data)
    refused = next(_objections(header, len(data), settings), None)
    if refused:
        return refused
    try:
        parser.check_end(data)
    except FlawError as flaw:
        if flaw.reason != "truncated" or not settings.keep_damaged:
            raise
        return _inspected(kind, header, damaged=True)
    return _inspected(kind, header, damaged=False)


def _inspected(kind: str, header: Header, *, damaged: bool) -> Inspected:
    return Inspected(
        type=kind,
        width=header.width,
        height=header.height,
        frames=header.frames,
        orientation=header.orientation,
        exif_date=header.exif_date,
        damaged=damaged,
        cost=_cost(header),
    )


def _cost(header: Header) -> int:
    """Pixels that a decoder may have to fill."""
    return max(header.frame_pixels, header.width * header.height * header.frames)


def _objections(header: Header, size: int, settings: Settings) -> Iterator[Refused]:
    width, height, frames = header.width, header.height, header.frames
    pixels = width * height
    if not pixels:
        yield Refused("corrupt", "no pixels")
    if width < settings.min_width or height < settings.min_height:
        yield Refused("too-small", f"{width} x {height}")
    if pixels > settings.max_pixels:
        yield Refused("too-many-pixels", f"{width} x {height}")
    if frames > settings.max_frames:
        yield Refused("too-many-frames", f"{frames} frames")
    coded = header.frame_pixels or pixels * frames
    if coded > settings.max_frame_pixels:
        yield Refused("too-many-pixels", f"{coded} in {frames} frames")
    if _cost(header) > max(BOMB_PIXELS, size * PIXELS_PER_BYTE):
        yield Refused("pixel-bomb", f"{_cost(header)} pixels in {size} bytes")


def decode(data: Body, seen: Inspected) -> Result:
    """Decode all of an image that `look` has let pass; a damaged one is let be."""
    if seen.damaged:
        return seen
    parser = format_of(seen.type)
    try:
        parser.decode(data, parser.header(data))
    except FlawError as flaw:
        return Refused(flaw.reason, f"{seen.type}: {flaw.detail}")
    except MemoryError:
        return Refused("out-of-memory", f"{seen.type}: {seen.width} x {seen.height}")
    except ImportError:  # no verdict on the file: a sealed child lacks a part that it did not load
        raise
    except Exception as error:  # whatever a decoder raises is a verdict on the file
        return Refused("corrupt", f"{seen.type}: {type(error).__name__}: {error}"[:200])
    return seen
