"""A contact sheet: many images on one, as photographers lay out a film."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bowerbird.app.access import Access
from bowerbird.app.gallery import Gallery, gallery_of
from bowerbird.catalog.gallery import Item, Query
from bowerbird.catalog.gallery.words import name_of
from bowerbird.errors import UsageError
from bowerbird.manager.export import output
from bowerbird.urls import host_of

#: What Pillow writes, by the end of a file's name.
FORMS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}
#: The longest side that JPEG and WebP can have, in pixels.
LONGEST = {"JPEG": 65_500, "WEBP": 16_383, "PNG": 100_000}
#: Most pixels of a sheet: 600 MB in memory while it is drawn.
MOST_PIXELS = 200_000_000

PAPER, INK, FAINT, FRAME = (24, 25, 28), (226, 226, 224), (142, 143, 148), (38, 40, 45)
Color = tuple[int, int, int]
#: Pixels around the sheet and between cells, and under each for two lines of text.
MARGIN, GAP, CAPTION = 28, 12, 34


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """How a sheet is laid out."""

    columns: int = 8
    cell: int = 180  #: pixels of a cell's side
    captions: bool = True

    @property
    def step(self) -> tuple[int, int]:
        """From one cell to the next, right and down."""
        return self.cell + GAP, self.cell + GAP + (CAPTION if self.captions else 0)

    def size(self, count: int) -> tuple[int, int]:
        """Of a sheet with so many images, in pixels."""
        columns, rows = min(self.columns, max(count, 1)), -(-count // self.columns)
        across, down = self.step
        return 2 * MARGIN - GAP + columns * across, 2 * MARGIN - GAP + rows * down

    def at(self, number: int) -> tuple[int, int]:
        """The upper left corner of a cell."""
        row, column = divmod(number, self.columns)
        return MARGIN + column * self.step[0], MARGIN + row * self.step[1]


def make_contact_sheet(
    where: str, access: Access | None, out: Path, query: Query, most: int, layout: Layout,
    folders: Sequence[Path] = (), tell: Callable[[int, int], None] = lambda *_: None,
) -> int:  # fmt: skip
    """Draw the first images that a query finds on one sheet; answer how many.

    Raises:
        UsageError: nothing was found, or the sheet would be too large for its format.
    """
    form = FORMS.get(out.suffix.lower())
    if form is None:
        raise UsageError(f"{out} has no ending that says how to write it: .jpg, .png or .webp.")
    with gallery_of(where, access, folders) as gallery, output(out) as stream:
        gallery.all_taken()
        items = gallery.items(gallery.view(query).stretch(0, most))
        if not items:
            raise UsageError(f"{where} has no image that fits, so there is nothing to draw.")
        _require_fit(layout.size(len(items)), form)
        sheet = _Sheet(layout, len(items))
        for number, item in enumerate(items):
            sheet.put(number, item, gallery)
            tell(number + 1, len(items))
        stream.write(sheet.encoded(form))
    return len(items)


def _require_fit(size: tuple[int, int], form: str) -> None:
    if max(size) > LONGEST[form] or size[0] * size[1] > MOST_PIXELS:
        raise UsageError(
            f"A sheet of {size[0]} x {size[1]} pixels is too large for {form}: take fewer images "
            "with --most, smaller ones with --cell, or more --columns."
        )


class _Sheet:
    """The sheet while it is drawn."""

    def __init__(self, layout: Layout, count: int) -> None:
        from PIL import Image, ImageDraw, ImageFont

        self._layout = layout
        self._paper: Any = Image.new("RGB", layout.size(count), PAPER)
        self._pen: Any = ImageDraw.Draw(self._paper)
        self._font: Any = ImageFont.load_default(size=12)

    def put(self, number: int, item: Item, gallery: Gallery) -> None:
        """Draw one image, or what it is where it cannot be drawn."""
        thumbnail, corner = gallery.thumbnail(item), self._layout.at(number)
        if thumbnail.body:
            self._picture(thumbnail.body, corner)
        else:
            self._empty(gallery.originals.away(item) or thumbnail.reason, item.type, corner)
        if self._layout.captions:
            self._caption(item, corner)

    def _picture(self, body: bytes, corner: tuple[int, int]) -> None:
        from PIL import Image
        from PIL.WebPImagePlugin import WebPImageFile

        cell = self._layout.cell
        with WebPImageFile(io.BytesIO(body)) as picture:
            small = picture.convert("RGBA")
        small.thumbnail((cell, cell), Image.Resampling.LANCZOS)
        place = (corner[0] + (cell - small.width) // 2, corner[1] + (cell - small.height) // 2)
        self._paper.paste(small, place, small)

    def _empty(self, reason: str, type: str, corner: tuple[int, int]) -> None:
        cell = self._layout.cell
        self._pen.rectangle((*corner, corner[0] + cell - 1, corner[1] + cell - 1), outline=FRAME)
        self._line(type.upper(), (corner[0] + 10, corner[1] + 10), INK, cell - 20)
        self._line(reason, (corner[0] + 10, corner[1] + 28), FAINT, cell - 20)

    def _caption(self, item: Item, corner: tuple[int, int]) -> None:
        below, cell = corner[1] + self._layout.cell + 4, self._layout.cell
        self._line(name_of(item.url) or item.url, (corner[0], below), INK, cell)
        facts = f"{item.width} x {item.height}  {host_of(item.url)}"
        self._line(facts, (corner[0], below + 15), FAINT, cell)

    def _line(self, text: str, at: tuple[int, int], color: Color, width: int) -> None:
        text = "".join(one if one.isprintable() else " " for one in text[:200])
        short = text
        while short and self._pen.textlength(short, self._font) > width:
            short = short.removesuffix("…")[:-1] + "…" if len(short) > 2 else ""
        self._pen.text(at, short, color, self._font)

    def encoded(self, form: str) -> bytes:
        """The sheet as a file's bytes."""
        out = io.BytesIO()
        self._paper.save(out, form, quality=88)
        return out.getvalue()
