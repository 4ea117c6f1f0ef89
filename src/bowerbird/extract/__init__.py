"""From bytes to links: HTML, CSS, sitemaps, feeds. Pure functions, no I/O.

Names are imported when first used: a worker that only downloads a list parses no HTML.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bowerbird.extract.base import DataImage, Extracted, Form, ImageLink

if TYPE_CHECKING:
    from bowerbird.extract.css import extract_css
    from bowerbird.extract.feed import extract_feed
    from bowerbird.extract.forms import form_of
    from bowerbird.extract.html import extract_html
    from bowerbird.extract.sitemap import extract_sitemap

__all__ = [
    "DataImage",
    "Extracted",
    "Form",
    "ImageLink",
    "extract_css",
    "extract_feed",
    "extract_html",
    "extract_sitemap",
    "form_of",
    "robots_sitemaps",
]

_HOMES = {
    "extract_css": "css",
    "extract_feed": "feed",
    "extract_html": "html",
    "extract_sitemap": "sitemap",
    "form_of": "forms",
    "robots_sitemaps": "robots_txt",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value  # the next use finds it without coming here
    return value
