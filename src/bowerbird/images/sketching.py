"""What is said between those who draw thumbnails and those who ask for them. Loads no Pillow."""

import msgspec


class Request(msgspec.Struct, frozen=True, array_like=True):
    """One picture to draw small: in the frame itself, or in a file whose descriptor comes along."""

    side: int  #: pixels of the longer side, at most; 0: its EXIF is wanted
    body: bytes = b""


class Facts(
    msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="result", tag="facts"
):
    """What EXIF says, in words."""

    facts: dict[str, str]


class Sketch(
    msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="result", tag="sketch"
):
    """A thumbnail, in WebP."""

    body: bytes
