"""Fetching: many HTTP transfers at once through libcurl, each within its limits and the guard.

Names are imported when first used: the manager asks for the guard alone, and loads no libcurl.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bowerbird.fetch.base import (
        Failure,
        FetchLimits,
        Proxy,
        Request,
        Response,
        Sink,
        limits_of,
    )
    from bowerbird.fetch.fetcher import Fetcher
    from bowerbird.fetch.guard import Guard
    from bowerbird.fetch.headers import ACCEPT, Headers, is_header, referer_for

__all__ = [
    "ACCEPT",
    "Failure",
    "FetchLimits",
    "Fetcher",
    "Guard",
    "Headers",
    "Proxy",
    "Request",
    "Response",
    "Sink",
    "is_header",
    "limits_of",
    "referer_for",
]

_HOMES = {
    "Fetcher": "fetcher",
    "Guard": "guard",
    "ACCEPT": "headers",
    "Headers": "headers",
    "is_header": "headers",
    "referer_for": "headers",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'base')}"), name)
    globals()[name] = value  # the next use finds it without coming here
    return value
