"""One picture, many files: the candidates of an `img` or `picture`, by falling size."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from bowerbird.extract.lazy import NAMES, NATIVE, Attributes, candidates_in
from bowerbird.extract.srcset import Candidate, parse_srcset
from bowerbird.model import Place

_LEAST = re.compile(r"(?i)(?:min-(?:device-)?width\s*+:|width\s*+>=?)\s*+([0-9]{1,6})")
_MOST = re.compile(r"(?i)(?:max-(?:device-)?width\s*+:|width\s*+<=?)\s*+([0-9]{1,6})")


class Sized(NamedTuple):
    """A candidate, where it stood, and what it is ranked by."""

    link: str
    place: Place
    rank: int
    size: float  #: pixels of width; densities count as widths of the element's own width
    assumed: bool = False  #: no descriptor says its size, only the element's layout does
    screen: int = 0  #: above 0: for wide screens; below: for narrow ones


def candidates_of(attributes: Attributes, around: float = 1.0) -> list[Sized]:
    """All images that an `img`, or a `source` of a picture, names for its one place.

    `around`: the layout's width where the element names none, in pixels.
    """
    width = _number(attributes.get("width"), around)
    found: list[Sized] = []
    for name, value in attributes.items():
        if not value:
            continue
        if name == "srcset":
            found += _sized(parse_srcset(value), Place.SRCSET, NATIVE, width)
        elif name in NAMES:
            found += _sized(candidates_in(name, value, attributes), Place.LAZY, NAMES[name], width)
    source = attributes.get("src")
    if source and source[:1] != "#":
        # With widths in srcset, browsers leave src out.
        told = any(not each.assumed and each.place is Place.SRCSET for each in found)
        found.append(Sized(source, Place.IMG, NATIVE, 0.0 if told else width, assumed=True))
    return found


def sources_of(sources: Iterable[Attributes], image: Attributes) -> list[Sized]:
    """All images that the sources of a picture name, whose `img` has these attributes."""
    around = _number(image.get("width"))
    return [each for one in sources for each in _on_screens(one, around)]


def _on_screens(source: Attributes, around: float) -> list[Sized]:
    """Those of one source: its media query tells how wide the screen is that they are for."""
    media = source.get("media") or ""
    least, most = _LEAST.search(media), _MOST.search(media)
    screen = bool(least) - bool(most and not least)
    widest = max(around, float(least[1])) if least else around
    return [each._replace(screen=screen) for each in candidates_of(source, widest)]


def by_size(candidates: Iterable[Sized]) -> list[tuple[str, Place]]:
    """The largest that a wide screen shows first; among equals one that says its size, then the
    earlier one.

    A width attribute is the layout's: a `data-src` of any size may stand beside it.
    """
    ordered = sorted(
        candidates, key=lambda each: (-each.rank, -each.screen, -each.size, each.assumed)
    )
    return [(each.link, each.place) for each in ordered]


def _sized(candidates: Iterable[Candidate], place: Place, rank: int, width: float) -> list[Sized]:
    return [
        Sized(
            link, place, rank, candidate_width or (density or 1.0) * width,
            assumed=not (candidate_width or density),
        )
        for link, candidate_width, density in candidates
    ]  # fmt: skip


def _number(text: str | None, otherwise: float = 1.0) -> float:
    digits = (text or "").strip()[:6]
    return float(digits) if digits.isascii() and digits.isdigit() and digits != "0" else otherwise
