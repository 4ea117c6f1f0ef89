"""Attributes in which scripts keep images until they are scrolled to.

The names are those of lazysizes, lozad, vanilla-lazyload, jQuery Lazy, Unveil, WordPress plugins,
WooCommerce, Shopify, Squarespace, lightboxes and wikis. What has another name but `data-` before it
is taken where its value ends as image files do.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec

from bowerbird.extract.base import words
from bowerbird.extract.css import scan_css
from bowerbird.extract.links import IMAGE_ENDS, SPACE, is_image_path
from bowerbird.extract.srcset import Candidate, parse_srcset
from bowerbird.urls import MAX_URL

Attributes = Mapping[str, str | None]

#: How a value ranks against `src` and `srcset` of the same element.
PREVIEW, NATIVE, LAZY, FULL = range(4)

#: Attributes with a URL, or several, and their rank.
NAMES: dict[str, int] = {
    **dict.fromkeys(
        words(
            """
    data-src data-srcset data-lazy data-lazy-src data-lazy-srcset data-lazysrc data-lazyload
    data-lazy-original data-ll-src data-ll-srcset data-original data-original-set data-echo
    data-url data-img data-image data-image-src data-img-src data-img-url data-image-url
    data-imgsrc data-srcurl data-source data-sources data-load-src data-defer-src data-deferred
    data-delayed-url data-async-src data-cfsrc data-pagespeed-lazy-src data-wpfc-original-src
    data-wpfc-original-srcset data-flickity-lazyload data-flickity-lazyload-src
    data-flickity-lazyload-srcset data-splide-lazy data-splide-lazy-srcset data-swiper-lazy
    data-aspect-src data-interchange data-responsive data-rimg data-iesrc data-gazette-src
    data-runner-src data-src-webp data-webp data-srcset-webp data-sizes-src data-tf-src
    data-tf-srcset data-ezsrc data-ezsrcset data-nitro-lazy-src data-nitro-lazy-srcset
    data-brsrcset data-brazy-src data-breeze data-orig-src data-orig-srcset data-opt-src
    data-perfmatters-src data-sp-src data-spai-src data-spsrc data-lsrc data-mfp-src data-cp-src
    data-lazy-load data-lazy-image data-lazy-img data-hidden-src data-actualsrc data-real-src
    lazy-src lazysrc lazyload-src v-lazy nitro-lazy-src nitro-lazy-srcset ng-src ix-src ci-src
    x-src src2 _src real_src original file
    """
        ),
        LAZY,
    ),
    **dict.fromkeys(
        words(
            """
    data-full data-full-src data-full-url data-fullsrc data-full-image data-full-size
    data-fullsize data-large data-large-file data-large-src data-large_image data-large-image
    data-largeimg data-orig-file data-orig data-original-src data-original-url data-hi-res-src
    data-highres data-high-res data-high-res-src data-hires data-hq data-zoom data-zoom-image
    data-zoom-src data-zoomsrc data-magnify-src data-max-src data-xlarge data-big data-bigimg
    data-retina data-2x data-src-2x data-src-retina data-at2x data-rjs-src data-src-full
    data-src-large data-raw-src data-file-url data-original-image data-image-large
    data-image-full data-master zoomfile
    """
        ),
        FULL,
    ),
    **dict.fromkeys(
        words(
            """
    data-thumb data-thumbnail data-thumb-src data-exthumbimage data-preview data-preview-src
    data-small data-low-src data-lowsrc data-lqip data-placeholder data-placeholder-src
    data-src-small data-src-medium data-medium-file data-small-src data-tiny lowsrc
    """
        ),
        PREVIEW,
    ),
}
#: Attributes of backgrounds and posters: images of their own, never a size of the element's.
SEPARATE = frozenset(
    words(
        """
    data-bg data-bgset data-bg-src data-bg-url data-bg-image data-bg-img data-bg-hidpi
    data-bg-multi data-bg-multi-hidpi data-bg-set data-bg-webp data-bg-mobile data-bg-desktop
    data-background data-background-image data-background-url data-background-src
    data-backgroundset data-background-hidpi data-lazy-bg data-lazy-background data-ll-bg
    data-back data-poster data-lazy-poster data-parallax-image data-image-background data-setbg
    data-cover data-cover-image data-video-poster data-vbg data-was-background
    data-fallback-image data-slide-bg data-flickity-bg-lazyload data-swiper-background
    data-hover-src data-hover-image data-alt-src data-secondary-src data-rollover data-src-hover
    data-bgimage data-bgimg data-css-background data-bg-lazy data-tf-bg
    """
    )
)

#: Names that elsewhere than on images are used for other things, or are given to any element: there
#: the value has to end as image files do.
_AMBIGUOUS = frozenset(
    words(
        """
    data-url data-source data-sources data-preview data-placeholder data-full data-back
    data-master data-file-url data-original-url data-full-url ng-src x-src src2 _src
    real_src original file zoomfile
    """
    )
)
#: What lightboxes say of links that are no images.
_OTHER_TYPES = frozenset(("ajax", "iframe", "inline", "video", "html", "pdf", "map"))

_MENTIONS_IMAGE = re.compile(
    r"(?i)\.(?:jpe?g|png|gif|webp|avif|svg|bmp|ico|tiff?|jfif|apng|heic|jxl)(?![a-z0-9])|url\("
)
_SRCSET = re.compile(r"[ \t\n\f\r][0-9]++(?:\.[0-9]++)?[wx](?:[ \t\n\f\r,]|\Z)")
#: Ends of paths that are something else.
_OTHER_FILE = re.compile(
    r"(?i)\.(?:mp4|webm|m3u8|mp3|js|json|css|x?html?|xml|pdf|zip|txt)(?:[?#]|\Z)"
)
_BLANK = re.compile(r"\s")
_PLAUSIBLE = re.compile(r"/|\.[A-Za-z]{2,5}(?![A-Za-z])")
#: Templates that a script fills in, and values of other uses.
_PLACEHOLDER = re.compile(r"\{\{|\$\{|<%|\[\[|^[#{]|[<>]|(?:^|/)\*\.|^\.[^./]|\{(?!width\})\w*+\}")
#: How a link begins that words cannot be taken for.
_BEGINS = re.compile(r"(?i)\.{0,2}/|[a-z][a-z0-9+.-]*+:")
#: Links in lists of home-made form: `[/a.jpg, small], [/b.jpg, large]`.
_LINK = re.compile(r"""[^\s,|\[\]"'<>{}]++""")
#: What stands between the links of a list; URLs and file names hold each of these, too.
_BETWEEN = (re.compile(r"\s*+\|[|\s]*+"), re.compile(r",\s++"), re.compile(r"[,\s]++"),
            re.compile(r"\s*+;\s*+"))  # fmt: skip
_SIZE = re.compile(r"\s++[0-9]++\Z")
#: The condition of a part of lazysizes' data-bgset.
_CONDITION = re.compile(r"\[[^\]|]*+\]")
#: Names of attributes of words, not of links, that may be the name of a file.
_WORDS = ("-name", "-key", "-title", "-alt", "-caption", "-filename", "-download", "-label")
#: Sizes of one image that are kept.
MAX_WIDENED = 1_000
#: Keys of JSON under which there are words, be it a file's name, and under which there are links.
_KEY_OF_WORDS = re.compile(r"(?i)\A(?:title|alt|caption|name|filename|description|label|text)\Z")
_KEY_OF_LINKS = re.compile(r"(?i)src|url|href|image|img|pic|photo|thumb|large|full|file|background")
#: Strings of one JSON value that are looked at.
_MAX_STRINGS = 10_000


def is_lazy(name: str, value: str) -> bool:
    """Whether an attribute may hold an image."""
    if name in NAMES or name in SEPARATE:
        return True
    return _MENTIONS_IMAGE.search(value) is not None and not name.endswith(_WORDS)


def candidates_in(name: str, value: str, attributes: Attributes) -> list[Candidate]:
    """The images in a lazy attribute, whatever form its value has."""
    value = value.strip(SPACE)
    if value[:1] in ("[", "{"):
        found = _in_json(value)
        return _named(_LINK.findall(value)) if found is None else found
    if "url(" in value.lower():
        return [Candidate(link) for link in scan_css(value).images]
    if _SRCSET.search(value):
        parts = _CONDITION.sub("", value).split("|") if "|" in value else [value]
        return _widened([each for part in parts for each in parse_srcset(part)], attributes)
    if found := _listed(_CONDITION.sub("", value)):
        return found
    if is_plausible(value, known=name in NAMES or name in SEPARATE):
        return _widened([Candidate(value)], attributes)
    return []


def _listed(value: str) -> list[Candidate]:
    """The links of a list: at least two, each of which names an image file. Else it is one link,
    with commas as image services have them, or with the blanks of a file's name."""
    for between in _BETWEEN:
        pieces = [_SIZE.sub("", each) for each in between.split(value) if each]
        if len(pieces) > 1 and len(found := _named(pieces)) == len(pieces):
            return found
    return []


def _named(links: Iterable[str]) -> list[Candidate]:
    return [Candidate(link) for link in links if is_plausible(link, known=False)]


def is_plausible(link: str, *, known: bool) -> bool:
    """Whether a value can be the URL of an image: `dark`, `true` and `#gallery` cannot."""
    if link[:5].lower() == "data:":
        return True
    if not link or len(link) > MAX_URL or _PLACEHOLDER.search(link):
        return False
    if _OTHER_FILE.search(link.partition("?")[0]):
        return False
    if _BLANK.search(link):  # a file's name with blanks, or words that end in one
        return (known or _BEGINS.match(link) is not None) and _names_image(link)
    return _PLAUSIBLE.search(link) is not None if known else _names_image(link)


def _names_image(link: str) -> bool:
    return is_image_path(link.partition("#")[0])


def _widened(found: list[Candidate], attributes: Attributes) -> list[Candidate]:
    """Fill in `{width}` with lazysizes' (Shopify's) data-widths."""
    if not any("{width}" in link for link, _, _ in found):
        return found
    widths = [int(each) for each in re.findall(r"[0-9]{1,6}", attributes.get("data-widths") or "")]
    wide = (
        Candidate(link.replace("{width}", str(width)), width)
        for link, _, _ in found
        for width in widths[:100]
    )
    return list(islice(wide, MAX_WIDENED))


def is_sure(tag: str, name: str, attributes: Attributes) -> bool:
    """Whether a known name says that the value is an image, however that ends."""
    if (attributes.get("data-type") or "").lower() in _OTHER_TYPES:
        return False
    return tag in ("img", "source") or name not in _AMBIGUOUS


def _in_json(text: str) -> list[Candidate] | None:
    """The images that JSON names; None for what is none."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return [each for key, text in _strings(value) for each in _of_string(key, text)]


def _of_string(key: str, text: str) -> list[Candidate]:
    """The images that a string of JSON names; `key` is the last one above it."""
    if text[:11].lower() == "data:image/":
        return [Candidate(text)]
    if _SRCSET.search(text):
        return [each for each in parse_srcset(text) if is_image_path(each.url)]
    if _KEY_OF_WORDS.search(key) or _PLACEHOLDER.search(text):
        return []
    if "/" not in text and key and not _KEY_OF_LINKS.search(key):
        return []
    return [Candidate(text)] if is_image_path(text) or text.lower().endswith(IMAGE_ENDS) else []


def _strings(value: Any) -> Iterator[tuple[str, str]]:
    stack, seen = [("", value)], 0
    while stack and seen < _MAX_STRINGS:
        key, each = stack.pop()
        seen += 1
        if isinstance(each, str):
            yield key, each
        elif isinstance(each, list):
            stack.extend((key, one) for one in reversed(each))
        elif isinstance(each, dict):
            stack.extend((str(name), one) for name, one in reversed(each.items()))
            # Interchange and bgset keep URLs as keys too: {"/a.jpg": 400}.
            stack.extend(("", name) for name in reversed(each))
