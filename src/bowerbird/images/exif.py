"""Orientation and capture date from EXIF (CIPA DC-008). What is broken reads as absent."""

import re
import struct

from bowerbird.images.base import Body, FlawError
from bowerbird.images.ifd import Directory, Tables

_ORIENTATION = 0x0112
_EXIF = 0x8769
#: date tag -> tag of its offset from UTC; taken, then digitised. "Changed" is no capture date.
_DATES = {0x9003: 0x9011, 0x9004: 0x9012}
_DATE = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
_OFFSET = re.compile(r"[+-]\d\d:\d\d")


def read_exif(data: Body, at: int, end: int) -> tuple[int, str]:
    """Orientation (1 to 8) and capture date (ISO 8601 or "") of the EXIF block in data[at:end]."""
    if data[at : at + 6] == b"Exif\0\0":
        at += 6
    try:
        tables = Tables(data, at, end)
        return facts(tables, tables.directory(tables.first)[0])
    except (FlawError, struct.error, IndexError):
        return 1, ""


def facts(tables: Tables, directory: Directory) -> tuple[int, str]:
    """Orientation and capture date of a TIFF directory, which is EXIF's main one."""
    orientation = tables.number(directory, _ORIENTATION, 1)
    return (orientation if 1 <= orientation <= 8 else 1), _date(tables, directory)


def _date(tables: Tables, directory: Directory) -> str:
    try:
        at = tables.number(directory, _EXIF)
        more = tables.directory(at)[0] if at else directory
        dates = (_iso(tables, more, date, offset) for date, offset in _DATES.items())
        return next(filter(None, dates), "")
    except (FlawError, struct.error, IndexError):
        return ""


def _iso(tables: Tables, directory: Directory, tag: int, offset_tag: int) -> str:
    match = _DATE.match(tables.text(directory, tag))
    if not match or match[1] == "0000" or not _possible(*map(int, match.groups())):
        return ""
    offset = _OFFSET.fullmatch(tables.text(directory, offset_tag).strip())
    return "{}-{}-{}T{}:{}:{}".format(*match.groups()) + (offset[0] if offset else "")


def _possible(_: int, month: int, day: int, hour: int, minute: int, second: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61
