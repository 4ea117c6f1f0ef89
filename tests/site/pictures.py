"""Images that lie, burst or break off."""

import struct
import zlib
from collections.abc import Callable
from functools import cache

from tests.image_fixtures import exif, written
from tests.site.resources import Call, resource
from tests.web import png

_HUGE = 65_000  #: pixels a side: 4.2 billion in all
FRAMES = 100_000
_TYPES = {"jpg": "jpeg", "ico": "x-icon", "tif": "tiff"}


@resource
async def image(call: Call) -> None:
    """A named image; `/images` shows all of them."""
    name = call.arguments[0] if call.arguments else "whole.png"
    end = name.rpartition(".")[2]
    await call.body(drawn(name), f"Content-Type: image/{_TYPES.get(end, end)}")


@resource
async def images(call: Call) -> None:
    """A page that shows every named image."""
    await call.page("".join(f'<img src="/image/{name}">' for name in IMAGES))


@resource
async def cut(call: Call) -> None:
    """A small image of a type (png), cut after N bytes."""
    whole = _small(call.arguments[0] if call.arguments else "png")
    await call.body(whole[: call.number(1, 1)], "Content-Type: image/png")


@resource
async def cuts(call: Call) -> None:
    """A page that shows an image of a type (png) cut after each of its bytes."""
    kind = call.arguments[0] if call.arguments else "png"
    sizes = range(1, len(_small(kind)))
    await call.page("".join(f'<img src="/cut/{kind}/{size}">' for size in sizes))


@cache
def _small(kind: str) -> bytes:
    return png(3, 1, 1) if kind == "png" else _tiny_gif(1)


@cache
def drawn(name: str) -> bytes:
    """A named image."""
    return IMAGES[name]()


# Bombs: a header that promises billions of pixels, and next to nothing behind it.


def _png_bomb() -> bytes:
    header = struct.pack(">IIBBBBB", _HUGE, _HUGE, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(bytes(99)))
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _jpeg_bomb() -> bytes:
    """The size of an honest file, overwritten in its SOF segment."""
    data = bytearray(written("JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", _HUGE, _HUGE)
    return bytes(data)


def _tiny_gif(frames: int, width: int = 1, height: int = 1) -> bytes:
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0)
    return b"GIF89a" + screen + bytes(6) + frame * frames + b"\x3b"


def _webp_bomb() -> bytes:
    size = (16_383).to_bytes(3, "little") * 2
    chunk = b"VP8X" + struct.pack("<I", 10) + bytes(4) + size
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def _bmp_bomb() -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, _HUGE, _HUGE, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info


def _tiff_bomb() -> bytes:
    tags = ((256, 4, _HUGE), (257, 4, _HUGE), (258, 3, 8), (259, 3, 1), (262, 3, 1),
            (273, 4, 8), (277, 3, 1), (278, 4, _HUGE), (279, 4, 1))  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def _ico_bomb() -> bytes:
    inner = _png_bomb()
    return (
        struct.pack("<HHH", 0, 1, 1)
        + struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(inner), 22)
        + inner
    )


def _avif_bomb() -> bytes:
    """The size of an honest file, overwritten in its `ispe` box."""
    from PIL import Image

    data = bytearray(written("AVIF", Image.new("RGB", (16, 16))))
    at = data.index(b"ispe") + 8
    data[at : at + 8] = struct.pack(">II", _HUGE, _HUGE)
    return bytes(data)


def _svg_bomb() -> bytes:
    lines = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
    return (
        f'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY l0 "lol">{lines}]><svg>&l9;</svg>'.encode()
    )


def _apng_frames() -> bytes:
    """100,000 frames by its acTL chunk; in truth, one."""
    whole = png(5)
    return whole[:33] + _chunk(b"acTL", struct.pack(">II", FRAMES, 0)) + whole[33:]


# Lies.


def _bad_exif() -> bytes:
    """An EXIF block whose directories point at each other, and beyond its end."""
    block = bytearray(exif())
    block[-40:] = b"\xff" * 40
    loop = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0"
    return written("JPEG", exif=loop + bytes(block[6:]))


def _page_in_comment() -> bytes:
    """A picture that is a page to whoever believes its text."""
    return png(2)[:33] + _chunk(b"tEXt", b"C\0<script>1</script>") + png(2)[33:]


IMAGES: dict[str, Callable[[], bytes]] = {
    "whole.png": lambda: png(1),
    "bomb.png": _png_bomb,
    "bomb.jpg": _jpeg_bomb,
    "bomb.gif": lambda: _tiny_gif(1, 65_535, 65_535),
    "bomb.webp": _webp_bomb,
    "bomb.bmp": _bmp_bomb,
    "bomb.tif": _tiff_bomb,
    "bomb.ico": _ico_bomb,
    "bomb.avif": _avif_bomb,
    "bomb.svg": _svg_bomb,
    "frames.gif": lambda: _tiny_gif(FRAMES),
    "frames.png": _apng_frames,
    "page.jpg": lambda: b"<!doctype html><title>no picture</title>",
    "text.jpg": lambda: b"This is no picture either.",
    "jpeg.png": lambda: written("JPEG"),
    "script.gif": lambda: b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)",
    "archive.jpg": lambda: written("JPEG") + b"PK\x05\x06" + bytes(18),
    "page-in-comment.png": lambda: (
        png(2)[:33] + _chunk(b"tEXt", b"C\0<script>1</script>") + png(2)[33:]
    ),
    "bad-exif.jpg": _bad_exif,
    "empty.png": lambda: b"",
}
