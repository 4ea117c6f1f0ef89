"""Which column or key of a list has the URLs, and which the captions. Pure."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from bowerbird.urls import canonical

#: What people call the column of URLs, surest first.
URL_NAMES = (
    "url", "image_url", "imageurl", "img_url", "imgurl", "image_link", "image_src", "photo_url",
    "picture_url", "file_url", "media_url", "download_url", "original_url", "src", "link", "href",
    "uri", "urls", "image", "img", "photo", "picture", "file",
)  # fmt: skip
#: What they call the column of captions.
ALT_NAMES = ("alt", "alt_text", "caption", "text", "title", "description", "label", "name")


_RANKS = {name: rank for rank, name in enumerate(URL_NAMES)}
#: Rank of a text that neither is named like a URL nor begins as one.
_NO_URL = 2 * len(URL_NAMES) + 1
_BEGINNINGS = ("http://", "https://", "HTTP://", "HTTPS://")


@lru_cache(maxsize=1_024)
def plain(name: str) -> str:
    """A column's name as it is compared: `Image URL` -> `image_url`."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def is_url(text: object) -> bool:
    """Whether a cell is a whole http(s) URL."""
    return isinstance(text, str) and canonical(text.strip()) is not None


def named(names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Columns with wanted names, in the order of `wanted`."""
    found = [plain(name) for name in names]
    return [found.index(name) for name in wanted if name in found]


def url_column(rows: Sequence[Sequence[str]]) -> int:
    """The column of URLs, by the first rows: one so named that has any, else the first that has
    any; 0 where no cell is one."""
    names, width = named(rows[0], URL_NAMES), max(len(row) for row in rows)
    for column in chain(names, range(width)):
        if any(column < len(row) and is_url(row[column]) for row in rows):
            return column
    return names[0] if names else 0


def has_header(rows: Sequence[Sequence[str]], column: int) -> bool:
    """Whether the first row names the columns: its cell is a known name, or is no URL where
    the cell below it is one."""
    first = rows[0][column] if column < len(rows[0]) else ""
    if is_url(first):
        return False
    below = rows[1][column] if len(rows) > 1 and column < len(rows[1]) else ""
    return plain(first) in URL_NAMES or (is_url(below) and "." not in first and "/" not in first)


def alt_column(rows: Sequence[Sequence[str]], column: int) -> int | None:
    """The column of captions, by the names in the first row."""
    return next((one for one in named(rows[0], ALT_NAMES) if one != column), None)


def from_object(values: Mapping[str, Any]) -> tuple[str, str] | None:
    """(URL, caption) of one JSON object; None where no value is a text that could be one.

    The surest name whose value begins as a URL does wins, then any such value, then any name.
    """
    texts = [(plain(key), value) for key, value in values.items() if isinstance(value, str)]
    ranked = [(_rank(name, value), value) for name, value in texts]
    rank, url = min(ranked, default=(_NO_URL, ""))
    if rank >= _NO_URL:
        return None
    return url, next((text for name, text in texts if name in ALT_NAMES and text != url), "")


def _rank(name: str, value: str) -> int:
    rank = _RANKS.get(name, len(URL_NAMES))
    return rank if value.lstrip().startswith(_BEGINNINGS) else rank + len(URL_NAMES) + 1
