"""Files of every image type, drawn by Pillow: whole ones, to be damaged by the tests."""

from functools import cache
from io import BytesIO
from typing import Any

from PIL import Image

SIZE = (60, 40)
DATE = "2021:03:04 05:06:07"


def picture(size: tuple[int, int] = SIZE, mode: str = "RGB") -> Image.Image:
    """Something with detail everywhere, the same each time."""
    width, height = size
    noise = bytes(
        (x * x * 7 + y * y * 13 + x * y * 3) % 251 for y in range(height) for x in range(width)
    )
    grey = Image.frombytes("L", size, noise)
    return Image.merge("RGB", [grey, grey.rotate(180), grey.transpose(0)]).convert(mode)


def written(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    """A file of this Pillow format."""
    out = BytesIO()
    (image or picture()).save(out, kind, **options)
    return out.getvalue()


def exif(orientation: int = 6) -> bytes:
    """An EXIF block with orientation, capture date and its offset."""
    block = Image.Exif()
    block[0x0112] = orientation
    details = block.get_ifd(0x8769)
    details[0x9003], details[0x9011] = DATE, "+02:00"
    return block.tobytes()


def animation(kind: str, frames: int = 3) -> bytes:
    """A file of several different frames."""
    more = [picture().rotate(17 * n) for n in range(1, frames)]
    return written(kind, save_all=True, append_images=more)


@cache
def whole() -> dict[str, bytes]:
    """name -> file; the name begins with the type."""
    small = picture((16, 16))
    return {
        "jpeg": written("JPEG", quality=80),
        "jpeg progressive": written("JPEG", progressive=True),
        "jpeg grey": written("JPEG", picture(mode="L")),
        "jpeg cmyk": written("JPEG", picture(mode="CMYK")),
        "jpeg restarts": written("JPEG", restart_marker_blocks=2),
        "jpeg exif": written("JPEG", exif=exif()),
        "png": written("PNG"),
        "png grey": written("PNG", picture(mode="L")),
        "png palette": written("PNG", picture(mode="P")),
        "png alpha": written("PNG", picture(mode="RGBA")),
        "png bits": written("PNG", picture(mode="1")),
        "png deep": written(
            "PNG", picture(mode="I;16") if False else picture(mode="L").convert("I;16")
        ),
        "png exif": written("PNG", exif=exif()),
        "png animated": animation("PNG"),
        "gif": written("GIF"),
        "gif animated": animation("GIF"),
        "gif interlaced": written("GIF", interlace=1),
        "webp": written("WEBP", quality=70),
        "webp lossless": written("WEBP", lossless=True),
        "webp alpha": written("WEBP", picture(mode="RGBA")),
        "webp exif": written("WEBP", exif=exif()),
        "webp animated": animation("WEBP"),
        "avif": written("AVIF", small),
        "avif animated": animation("AVIF", 2),
        "bmp": written("BMP"),
        "bmp palette": written("BMP", picture(mode="P")),
        "bmp bits": written("BMP", picture(mode="1")),
        "tiff": written("TIFF"),
        "tiff lzw": written("TIFF", compression="tiff_lzw"),
        "tiff deflate": written("TIFF", compression="tiff_adobe_deflate"),
        "tiff jpeg": written("TIFF", compression="jpeg"),
        "tiff pages": animation("TIFF"),
        "tiff big": written("TIFF", big_tiff=True),
        "ico": written("ICO", small, sizes=[(16, 16)]),
        "ico bitmap": written("ICO", small, sizes=[(16, 16)], bitmap_format="bmp"),
    }
