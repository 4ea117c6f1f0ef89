"""The limited child process that draws thumbnails: `python -m bowerbird.images.sketch`.

Spoken to as `child` is. Every picture is looked at as a worker would, and decoded by its type's own
plugin class: no registry, so no other decoder can be reached. SVG is not drawn.
"""

import os
import warnings
from contextlib import suppress
from importlib import import_module
from io import BytesIO
from typing import Any

from PIL import Image, ImageFile, ImageOps

from bowerbird.images.base import Body, Refused
from bowerbird.images.child import load, serve
from bowerbird.images.inspection import look
from bowerbird.images.shown import shown_exif
from bowerbird.images.sketching import Facts, Request, Sketch
from bowerbird.settings import ALL_TYPES, Settings

#: The classes that may open a body, by its true type.
_PLUGINS = {
    "jpeg": "Jpeg", "png": "Png", "gif": "Gif", "webp": "WebP", "avif": "Avif", "bmp": "Bmp",
    "tiff": "Tiff", "ico": "Ico",
}  # fmt: skip
#: How a thumbnail is kept: WebP knows transparency and takes a third less than JPEG.
QUALITY, METHOD = 78, 2
#: How much work of others goes first (nice(2)): people wait for thumbnails, crawls do not.
NICE = 10

_LIMITS = Settings(types=ALL_TYPES, keep_damaged=True)


def _answer(request: Request, data: Body) -> Sketch | Facts | Refused:
    return sketched(data, request.side) if request.side else facts(data)


def sketched(data: Body, side: int) -> Sketch | Refused:
    """The first frame of a picture, upright, with no side longer than `side`."""
    seen = look(data, _LIMITS)
    if isinstance(seen, Refused):
        return seen
    if seen.type not in _PLUGINS:
        return Refused("not-drawn", seen.type)
    try:
        return Sketch(_encoded(_small(_opened(seen.type, data), side)))
    except MemoryError:
        return Refused("out-of-memory", seen.type)
    except Exception as error:  # decoders raise what they like over hostile bytes
        return Refused("corrupt", f"{seen.type}: {error}")


def facts(data: Body) -> Facts | Refused:
    """What a photograph says of itself, as far as people understand it."""
    seen = look(data, _LIMITS)
    if isinstance(seen, Refused) or seen.type not in _PLUGINS:
        return Facts({})
    try:
        return Facts(shown_exif(_opened(seen.type, data).getexif()))
    except Exception:  # broken EXIF is none
        return Facts({})


def _opened(kind: str, data: Body) -> ImageFile.ImageFile:
    name = _PLUGINS[kind]
    module = import_module(f"PIL.{name}ImagePlugin")
    picture: ImageFile.ImageFile = getattr(module, f"{name}ImageFile")(BytesIO(data))
    return picture


def _small(picture: ImageFile.ImageFile, side: int) -> Image.Image:
    with suppress(AttributeError):
        picture.draft("RGB", (side, side))  # JPEG alone can: an eighth of the work
    picture.load()
    shown = _upright(picture)
    shown.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return shown


def _upright(picture: ImageFile.ImageFile) -> Image.Image:
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    try:
        turned = ImageOps.exif_transpose(picture)
    except Exception:  # broken EXIF is no reason to show nothing
        turned = picture
    return _eight_bits(turned).convert(mode)


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Pillow cuts 16 bits off at white; people want to see something."""
    if not picture.mode.startswith(("I", "F")):
        return picture
    low, high = picture.getextrema()
    scale: Any = 255 / max(float(high) - float(low), 1e-9)  # type: ignore[arg-type]
    return picture.convert("F").point(lambda value: value * scale - float(low) * scale).convert("L")  # type: ignore[arg-type]


def _encoded(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.save(out, "WEBP", quality=QUALITY, method=METHOD)
    return out.getvalue()


def main() -> None:
    """Serve the parent until it goes."""
    with suppress(OSError):
        os.nice(NICE)
    ImageFile.LOAD_TRUNCATED_IMAGES = True  # half a picture is more than none
    Image.MAX_IMAGE_PIXELS = None  # the caps were checked against the header
    load("PIL.ImageFilter")
    serve(Request, _answer)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
