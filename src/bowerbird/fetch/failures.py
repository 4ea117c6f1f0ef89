"""Why transfers fail: the words of docs/reasons.md, and libcurl's codes in those words."""

import errno
from enum import IntEnum

from bowerbird.errors import StorageFullError
from bowerbird.fetch.base import Failure

#: reason -> whether it may pass, so that a retry makes sense
REASONS: dict[str, bool] = {
    "bad-url": False,
    "private-address": False,
    "dns-failed": True,
    "dns-timeout": True,
    "connect-refused": True,
    "connect-failed": True,
    "connect-timeout": True,
    "tls-failed": True,
    "tls-certificate": False,
    "proxy-failed": True,
    "first-byte-timeout": True,
    "idle-timeout": True,
    "too-slow": True,
    "timeout": True,
    "connection-reset": True,
    "empty-reply": True,
    "truncated": True,
    "http2-error": True,
    "bad-response": False,
    "bad-header": False,
    "headers-too-large": False,
    "too-many-headers": False,
    "too-many-interim": False,
    "too-large": False,
    "too-many-chunks": False,
    "bomb": False,
    "too-many-codings": False,
    "bad-encoding": False,
    "disk-full": True,
    "storage-failed": True,
    "fetch-error": True,
}


class Phase(IntEnum):
    """How far a transfer had come."""

    RESOLVING = 0
    CONNECTING = 1
    WAITING = 2  #: the request is sent
    READING = 3  #: a first byte has come


#: libcurl's codes (curl/curl.h); pycurl does not name all of them.
_CODES: dict[int, str] = {
    1: "bad-response",  # unsupported protocol: HTTP/0.9, or a version unknown
    3: "bad-url",
    5: "proxy-failed",
    6: "dns-failed",
    7: "connect-failed",
    8: "bad-response",
    16: "http2-error",
    18: "truncated",
    35: "tls-failed",
    52: "empty-reply",
    53: "tls-failed",
    55: "connection-reset",
    56: "connection-reset",
    58: "tls-failed",
    59: "tls-failed",
    60: "tls-certificate",
    61: "bad-encoding",
    63: "too-large",
    66: "tls-failed",
    77: "tls-certificate",
    80: "connection-reset",
    91: "tls-certificate",
    92: "http2-error",
    95: "http2-error",
    97: "proxy-failed",
    100: "headers-too-large",
}
_TIMEOUTS = {
    Phase.RESOLVING: "dns-timeout",
    Phase.CONNECTING: "connect-timeout",
    Phase.WAITING: "first-byte-timeout",
    Phase.READING: "timeout",
}


def failure(reason: str, detail: str, phase: Phase) -> Failure:
    """A failure by its reason: whether it may pass is the reason's own."""
    return Failure(reason, detail, REASONS[reason], phase is Phase.READING)


def of_curl(code: int, message: str, phase: Phase, *, refused: bool, proxied: bool) -> Failure:
    """A failure from what libcurl says; `refused`: the last connect was."""
    reason = _CODES.get(code, "fetch-error")
    if proxied and phase < Phase.WAITING and code in (7, 56):
        reason = "proxy-failed"
    elif code == 28:
        reason = _TIMEOUTS[phase]
    elif code == 7 and refused:
        reason = "connect-refused"
    elif code == 8:
        reason, phase = _weird(message), Phase.READING
    elif code == 56 and "chunk" in message.lower():
        reason = "bad-response"
    elif code == 1:  # a scheme that is not allowed, or HTTP/0.9
        reason, phase = (reason, Phase.READING) if phase >= Phase.WAITING else ("bad-url", phase)
    return failure(reason, message, phase)


def _weird(message: str) -> str:
    return "bad-header" if "header" in message.lower() else "bad-response"


def of_storage(error: OSError | StorageFullError) -> Failure:
    """A failure of our own disk, in mid-body."""
    full = isinstance(error, StorageFullError) or error.errno in (errno.ENOSPC, errno.EDQUOT)
    return failure("disk-full" if full else "storage-failed", str(error), Phase.READING)
