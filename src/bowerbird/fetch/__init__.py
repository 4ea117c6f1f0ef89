"""Fetching: many HTTP transfers at once through libcurl, each within its limits and the guard."""

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
