"""Bowerbird collects the images of the web, with as many processes and machines as you give it.

    import bowerbird

    report = bowerbird.crawl("https://example.org/", out="images")
    for record in bowerbird.watch("https://example.org/", out="images"):
        print(record.url, record.width, record.height)

Nothing is imported before it is used.
"""

from importlib import import_module

from bowerbird._version import __version__

# Not from typing, whose 8 ms come before `__main__` can answer to a Ctrl-C.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bowerbird.app.api import awatch, crawl, download, watch
    from bowerbird.app.listen import Listen
    from bowerbird.errors import BowerbirdError
    from bowerbird.manager.report import Report
    from bowerbird.model import Record, Sighting
    from bowerbird.settings import Secrets, Settings

__all__ = [  # noqa: RUF022 - in the order in which a reader wants them
    # Crawling
    "crawl",
    "download",
    # Watching records as they come
    "awatch",
    "watch",
    # Values
    "Listen",
    "Record",
    "Report",
    "Secrets",
    "Settings",
    "Sighting",
    # Errors
    "BowerbirdError",
    # About
    "__version__",
]

_HOMES = {
    "awatch": "app.api",
    "crawl": "app.api",
    "download": "app.api",
    "watch": "app.api",
    "Listen": "app.listen",
    "BowerbirdError": "errors",
    "Report": "manager.report",
    "Record": "model",
    "Secrets": "settings",
    "Sighting": "model",
    "Settings": "settings",
}


def __dir__() -> list[str]:
    """What `bowerbird.<Tab>` shows: not which of our modules happen to be loaded."""
    return __all__


def __getattr__(name: str) -> "Any":
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
