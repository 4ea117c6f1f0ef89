"""One picture, many files: the candidates of an `img` or `picture`, by falling size."""

from collections.abc import Iterable
from typing import NamedTuple

from bowerbird.extract.lazy import NAMES, NATIVE, Attributes, candidates_in
from bowerbird.extract.srcset import Candidate, parse_srcset
from bowerbird.model import Place


class Sized(NamedTuple):
    """A candidate, where it stood, and what it is ranked by."""

    link: str
    place: Place
    rank: int
    size: float  #: pixels of width; densities count as widths of the element's own width
    assumed: bool = False  #: no descriptor says its size, only the element's layout does


def candidates_of(attributes: Attributes) -> list[Sized]:
    """All images that an `img`, or a `source` of a picture, names for its one place."""
    width = _number(attributes.get("width"))
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
        found.append(Sized(source, Place.IMG, NATIVE, width, assumed=True))
    return found


def by_size(candidates: Iterable[Sized]) -> list[tuple[str, Place]]:
    """The largest first; among equals one that says its size, then the earlier one.

    A width attribute is the layout's: a `data-src` of any size may stand beside it.
    """
    ordered = sorted(candidates, key=lambda each: (-each.rank, -each.size, each.assumed))
    return [(each.link, each.place) for each in ordered]


def _sized(candidates: Iterable[Candidate], place: Place, rank: int, width: float) -> list[Sized]:
    return [
        Sized(
            link, place, rank, candidate_width or (density or 1.0) * width,
            assumed=not (candidate_width or density),
        )
        for link, candidate_width, density in candidates
    ]  # fmt: skip


def _number(text: str | None) -> float:
    digits = (text or "").strip()[:6]
    return float(digits) if digits.isascii() and digits.isdigit() and digits != "0" else 1.0
