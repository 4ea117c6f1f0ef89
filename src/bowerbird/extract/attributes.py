"""What attributes name on any element: styles, backgrounds, posters, microdata, lazy images."""

from collections.abc import Callable

from bowerbird.extract.base import words
from bowerbird.extract.choice import Sized
from bowerbird.extract.lazy import NAMES, SEPARATE, candidates_in, is_lazy, is_sure
from bowerbird.extract.links import is_image_path
from bowerbird.extract.metadata import on_property
from bowerbird.extract.page import Page
from bowerbird.model import Place

Attributes = dict[str, str | None]
OnAttribute = Callable[[Page, str, Attributes, str], None]

#: Elements whose lazy attributes are sizes of their own image; `choice` reads them.
_GROUPED = frozenset({"img", "source", "amp-img"})
#: Elements whose `data-src` is a page, a program or a film.
_NO_IMAGES = frozenset({"iframe", "frame", "script", "video", "audio", "embed", "track", "object"})
#: Elements whose images are found without their itemprop.
_SPEAK_FOR_THEMSELVES = _GROUPED | {"meta"}
#: Attributes of SVG that stand for properties of CSS.
_SHOWN_BY_SVG = words(
    "mask filter clip-path cursor fill stroke marker marker-start marker-mid marker-end"
)
#: Elements that HTML has a `background` for; on custom elements it is a colour.
_HAVE_BACKGROUNDS = frozenset(words("body table thead tbody tfoot tr td th layer ilayer"))
#: Attributes of custom elements that are words, or that `choice` reads.
_NO_LINKS = frozenset(
    words(
        """
        alt title aria-label name value content label caption filename download summary id class for
        type text longdesc usemap
        """
    )
)
_CHOSEN = frozenset({"src", "srcset"})
#: Properties of schema.org whose values are images.
_ITEMS = frozenset(
    words(
        """
    image photo logo thumbnail thumbnailurl contenturl primaryimageofpage screenshot
    """
    )
)


def _style(page: Page, _: str, __: Attributes, value: str) -> None:
    page.style(value)


def _poster(page: Page, _: str, __: Attributes, value: str) -> None:
    page.image(value, Place.POSTER)


def _background(page: Page, tag: str, _: Attributes, value: str) -> None:
    if tag in _HAVE_BACKGROUNDS:
        page.image(value, Place.CSS)


def _presentation(page: Page, _: str, __: Attributes, value: str) -> None:
    shown = value.lower()
    if "url(" in shown and "url(#" not in shown:
        page.style(value)


def _item(page: Page, tag: str, attributes: Attributes, value: str) -> None:
    if tag not in _SPEAK_FOR_THEMSELVES and not _ITEMS.isdisjoint(value.lower().split()):
        on_property(page, attributes)


def _known_lazy(name: str) -> OnAttribute:
    def take(page: Page, tag: str, attributes: Attributes, _: str) -> None:
        data_attribute(page, tag, name, attributes)

    return take


def data_attribute(page: Page, tag: str, name: str, attributes: Attributes) -> None:
    """Keep the images in a `data-` attribute, unless its element's own choice has them."""
    value = attributes[name] or ""
    if (tag in _GROUPED and name in NAMES) or not is_lazy(name, value):
        return
    found = candidates_in(name, value, attributes)
    if name not in SEPARATE and (tag in _NO_IMAGES or not is_sure(tag, name, attributes)):
        found = [each for each in found if is_image_path(each.url)]
    sized = [Sized(link, Place.LAZY, 0, width or density) for link, width, density in found]
    if any(each.size for each in sized):
        page.one_of(sorted(sized, key=lambda each: -each.size), attributes.get("alt"))
        return
    for each in sized:
        page.image(each.link, Place.LAZY, attributes.get("alt") or attributes.get("title"))


ATTRIBUTES: dict[str, OnAttribute] = {
    "style": _style,
    "background": _background,
    "poster": _poster,
    "itemprop": _item,
    "property": _item,
    **dict.fromkeys(_SHOWN_BY_SVG, _presentation),
    **{name: _known_lazy(name) for name in NAMES if not name.startswith("data-")},
}
#: The commonest attributes that name no image on any element, or are read with their element.
PLAIN = frozenset(
    words(
        """
        class id href title name rel type content alt src srcset sizes width height lang dir role
        target for value colspan rowspan align valign border summary loading decoding media
        cellpadding cellspacing aria-hidden aria-label tabindex accesskey xmlns xml:lang charset
        http-equiv
        """
    )
)


def read_attributes(page: Page, tag: str, attributes: Attributes) -> None:
    """Keep what an element's attributes name beyond what its tag is read for."""
    may_have_more = "-" in tag or tag in _GROUPED
    for name, value in attributes.items():
        on_attribute = ATTRIBUTES.get(name)
        if value and on_attribute is not None:
            on_attribute(page, tag, attributes, value)
        elif value and (name[:5] == "data-" or (may_have_more and _may_link(tag, name))):
            data_attribute(page, tag, name, attributes)


def _may_link(tag: str, name: str) -> bool:
    if tag in _GROUPED and name in _CHOSEN:
        return False
    return name not in _NO_LINKS and name[:2] != "on"
