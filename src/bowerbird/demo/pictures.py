"""The image files of the gallery: photographs in three sizes, icons, and a torn one."""

import io
from pathlib import Path

from PIL import Image, ImageDraw

from bowerbird.demo.content import Photo
from bowerbird.demo.scenes import draw

LARGE = (1080, 720)
WIDTHS = (1080, 720, 360)

EXIF_IFD, CAPTURED = 0x8769, 0x9003  #: Exif 2.3, tags ExifIFDPointer and DateTimeOriginal


def write_photo(photo: Photo, folder: Path) -> None:
    """The photograph as JPEG in three widths, and as WebP in the middle one."""
    picture = draw(photo.kind, LARGE, photo.seed)
    for width in WIDTHS:
        size = (width, width * 2 // 3)
        resized = picture if size == LARGE else picture.resize(size, Image.Resampling.BILINEAR)
        resized.save(folder / f"{photo.slug}-{width}.jpg", quality=86, exif=_captured(photo))
        if width == 720:
            resized.save(folder / f"{photo.slug}-{width}.webp", quality=80, method=0)


def write_icons(folder: Path) -> None:
    """favicon.ico, a touch icon and the row of feathers of the footer."""
    icon = _bird(256)
    icon.save(folder / "favicon.ico", sizes=[(16, 16), (32, 32), (48, 48)])
    icon.resize((180, 180)).save(folder / "images/touch-icon.png")
    _feathers().save(folder / "images/feathers.png")


def write_poster(source: Path, target: Path) -> None:
    """A film's poster: the middle of a photograph, with a play button."""
    poster = Image.open(source).crop((135, 90, 945, 630))
    pen = ImageDraw.Draw(poster, "RGBA")
    pen.ellipse([345, 210, 465, 330], fill=(255, 255, 255, 170))
    pen.polygon([(388, 242), (388, 298), (435, 270)], fill=(30, 30, 40, 220))
    poster.save(target, quality=86)


def ornament() -> bytes:
    """A small PNG, to travel inside a page."""
    buffer = io.BytesIO()
    _bird(128).save(buffer, "PNG")
    return buffer.getvalue()


def _captured(photo: Photo) -> Image.Exif:
    exif = Image.Exif()
    exif.get_ifd(EXIF_IFD)[CAPTURED] = f"{photo.year}:06:{photo.seed % 28 + 1:02} 18:30:00"
    return exif


def _bird(size: int) -> Image.Image:
    """A satin bowerbird, reduced to what matters: blue, with a bright eye."""
    icon = Image.new("RGBA", (size, size))
    pen = ImageDraw.Draw(icon)
    unit = size / 16
    pen.ellipse([unit, unit, 15 * unit, 15 * unit], fill=(38, 62, 150))
    pen.pieslice([unit, unit, 15 * unit, 15 * unit], 20, 130, fill=(26, 42, 110))
    pen.ellipse([6 * unit, 4.5 * unit, 10 * unit, 8.5 * unit], fill=(240, 236, 226))
    pen.ellipse([7 * unit, 5.5 * unit, 9 * unit, 7.5 * unit], fill=(90, 40, 160))
    pen.polygon(
        [(11 * unit, 6 * unit), (16 * unit, 7.5 * unit), (11 * unit, 9 * unit)], (236, 186, 80)
    )
    return icon


def _feathers() -> Image.Image:
    row = Image.new("RGBA", (336, 56))
    pen = ImageDraw.Draw(row)
    for number, color in enumerate([(47, 85, 200), (143, 176, 255), (236, 186, 80)]):
        pen.ellipse([112 * number + 8, 16, 112 * number + 80, 40], fill=color)
    return row.resize((84, 14), Image.Resampling.LANCZOS)
