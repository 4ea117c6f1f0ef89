"""Addresses of a crawl in Redis: `redis://user:password@host:6379/0?crawl=name`."""

import re
from urllib.parse import parse_qs, urlsplit, urlunsplit

import msgspec

from bowerbird.errors import UsageError

#: What a crawl may be called: its name is part of each of its keys.
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: Addresses that are understood.
SCHEMES = ("redis", "rediss", "unix")
_FORMS = "redis://HOST:6379/0?crawl=NAME, rediss:// (TLS) or unix:///path?crawl=NAME"


class RedisAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a crawl lies. `url` is what redis-py takes, secrets included: it is never shown."""

    url: str
    crawl: str
    partitions: int = 1

    def __str__(self) -> str:
        return f"{shown(self.url)}{self._database}crawl={self.crawl}"

    @property
    def _database(self) -> str:
        number = parse_qs(urlsplit(self.url).query).get("db", ["0"])[-1]
        return f"?db={number}&" if self.url.startswith("unix:") else f"/{number}?"

    def __repr__(self) -> str:
        return f"<RedisAddress {self}>"


def shown(url: str) -> str:
    """An address without user, password and options."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, place, parts.path, "", ""))


def parse_redis(text: str) -> RedisAddress:
    """Read an address.

    Raises:
        UsageError: it is none, names no crawl, or an option is unknown.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UsageError(f"This is no address of Redis; it looks like {_FORMS}.") from None
    if parts.scheme not in SCHEMES or (parts.scheme != "unix" and not parts.hostname):
        raise UsageError(f"{shown(text)} is no address of Redis; it looks like {_FORMS}.")
    if port == 0:
        raise UsageError(f"{shown(text)}: 0 is no port.")
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    crawl, partitions = options.pop("crawl", ""), options.pop("partitions", "1")
    database = _database(parts.path if parts.scheme != "unix" else "", options.pop("db", ""), text)
    if options:
        raise UsageError(f"{shown(text)}: {min(options)} is no option; crawl, db, partitions are.")
    return RedisAddress(
        url=urlunsplit((parts.scheme, parts.netloc, _path(parts.scheme, parts.path),
                        f"db={database}" if database else "", "")),
        crawl=_crawl(crawl, text),
        partitions=_partitions(partitions, text),
    )  # fmt: skip


def _path(scheme: str, path: str) -> str:
    return path if scheme == "unix" else ""


def _database(path: str, option: str, text: str) -> int:
    number = path.strip("/") or option or "0"
    if not number.isdecimal():
        raise UsageError(f"{shown(text)}: the database is a number: …/0.")
    return int(number)


def _crawl(name: str, text: str) -> str:
    if not NAME.fullmatch(name):
        wrong = f"“{name}” is no name of a crawl" if name else "which crawl is missing"
        raise UsageError(
            f"{shown(text)}: {wrong}; add ?crawl=NAME (letters, digits, dot, dash, underscore)."
        )
    return name


def _partitions(number: str, text: str) -> int:
    if number != "1":
        raise UsageError(f"{shown(text)}: only partitions=1 works as yet.")
    return 1
