"""The values of the image check, and how a format says what is wrong with a file."""

from mmap import mmap
from typing import Protocol

import msgspec

#: What can be looked at: both slice to bytes, `find`, and lend their buffer.
Body = bytes | mmap


class Header(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the header of a file says, before any decode. Sizes in pixels."""

    width: int
    height: int
    frames: int = 1
    frame_pixels: int = 0  #: summed over all frames as coded; 0: each is width * height
    orientation: int = 1
    exif_date: str = ""


class Inspected(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    array_like=True,
    gc=False,
    tag_field="result",
    tag="inspected",
):
    """An image that may be kept. Sizes in pixels, as coded: orientation is not applied."""

    type: str  #: jpeg, png, gif, webp, avif, bmp, tiff, ico, svg
    width: int
    height: int
    frames: int = 1
    orientation: int = 1  #: EXIF, 1 to 8
    exif_date: str = ""  #: capture date, ISO 8601
    damaged: bool = False  #: only its end is missing and the settings keep such files
    cost: int = 0  #: pixels to decode, over all frames


class Refused(
    msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="result", tag="refused"
):
    """A body that is not kept.

    Reasons: not-an-image, html-not-image, type-not-wanted, too-small, too-many-pixels,
    too-many-frames, pixel-bomb, truncated, corrupt, out-of-memory, decode-timeout, decoder-died,
    decoder-busy (not looked at).
    """

    reason: str
    detail: str = ""  #: for people


Result = Inspected | Refused


class FlawError(Exception):
    """Raised inside this package when a file is not whole; never leaves it."""

    reason = "corrupt"

    @property
    def detail(self) -> str:
        return str(self)


class CorruptError(FlawError):
    """Raised when what is there is wrong."""


class TruncatedError(FlawError):
    """Raised when the end is missing and what is there is right."""

    reason = "truncated"


class Format(Protocol):
    """One image format: a module with these functions, over hostile bytes, all bounded.

    Each raises `FlawError`; `struct.error` and `IndexError` mean a read past the end.
    """

    def header(self, data: Body, /) -> Header:
        """What the header says."""
        ...

    def check_end(self, data: Body, /) -> None:
        """Raise where a part that the file announces is not in it. No decode."""
        ...

    def decode(self, data: Body, header: Header, /) -> None:
        """Raise where it does not decode to the last bit."""
        ...
