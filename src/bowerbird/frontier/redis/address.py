"""Addresses of a crawl in Redis: `redis://user:password@host:6379/0?crawl=name`."""

import re
from urllib.parse import SplitResult, parse_qs, urlencode, urlsplit

import msgspec

from bowerbird.errors import UsageError

#: What a crawl may be called: its name is part of each of its keys.
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: Addresses that are understood.
SENTINEL, CLUSTER = ("redis+sentinel", "rediss+sentinel"), ("redis+cluster", "rediss+cluster")
SCHEMES = ("redis", "rediss", "unix", *SENTINEL, *CLUSTER)
#: Options of an address with Sentinels, as other clients of Redis call them.
SENTINEL_USER, SENTINEL_PASSWORD = "sentinel_username", "sentinel_password"
SENTINEL_PORT, CLUSTER_PORT = 26_379, 6_379
#: Each look at a crawl asks all of its partitions.
MOST_PARTITIONS = 1_024
_FORMS = (
    "redis://HOST:6379/0?crawl=NAME, rediss:// (TLS), unix:///path?crawl=NAME, "
    "redis+sentinel://HOST:26379,HOST:26379/MASTER?crawl=NAME "
    "or redis+cluster://HOST:6379,HOST:6379/?crawl=NAME; both with TLS as rediss+…"
)

Node = tuple[str, int]


class RedisAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a crawl lies. `url` is what `ways` takes, secrets included: it is never shown."""

    url: str
    crawl: str
    partitions: int = 0  #: 0: as many as the deployment has, one where it is new

    def __str__(self) -> str:
        more = f"&partitions={self.partitions}" if self.partitions else ""
        return f"{shown(self.url)}{self._database}crawl={self.crawl}{more}"

    @property
    def _database(self) -> str:
        number = parse_qs(urlsplit(self.url).query).get("db", ["0"])[-1]
        if self.url.startswith(("redis:", "rediss:")):
            return f"/{number}?"
        return f"?db={number}&" if number != "0" else "?"

    def __repr__(self) -> str:
        return f"<RedisAddress {self}>"


def shown(url: str) -> str:
    """An address without user, password and options."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path}"


def parse_redis(text: str) -> RedisAddress:
    """Read an address.

    Raises:
        UsageError: it is none, names no crawl, or an option is unknown.
    """
    parts = _parts(text)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    crawl, partitions = options.pop("crawl", ""), options.pop("partitions", "0")
    plain = parts.scheme in ("redis", "rediss")
    database = _database(parts.path if plain else "", options.pop("db", ""), text)
    kept = {"db": str(database)} if database else {}
    if parts.scheme in SENTINEL:
        names = (SENTINEL_USER, SENTINEL_PASSWORD)
        kept |= {name: options.pop(name) for name in names if name in options}
    if options:
        raise UsageError(f"{shown(text)}: {min(options)} is no option; crawl, db, partitions are.")
    if database and parts.scheme in CLUSTER:
        raise UsageError(f"{shown(text)}: a Cluster has database 0 only.")
    path, query = "" if plain else parts.path.rstrip("/"), f"?{urlencode(kept)}" if kept else ""
    return RedisAddress(
        url=f"{parts.scheme}://{parts.netloc}{path}{query}",
        crawl=_crawl(crawl, text),
        partitions=_partitions(partitions, text),
    )


def nodes_of(place: str, port: int) -> list[Node]:
    """Hosts and ports of `host:port,host,[::1]:port`; raises ValueError where they are none."""
    found = [urlsplit(f"//{one}") for one in place.split(",")]
    if not all(one.hostname and one.port != 0 for one in found):
        raise ValueError("no host, or no port")
    return [(one.hostname or "", one.port or port) for one in found]


def _parts(text: str) -> SplitResult:
    """An address taken to pieces that make sense."""
    try:
        parts = urlsplit(text)
        nodes = nodes_of(parts.netloc.rpartition("@")[2], 1) if parts.scheme != "unix" else []
    except ValueError:
        raise UsageError(f"This is no address of Redis; it looks like {_FORMS}.") from None
    many = parts.scheme in (*SENTINEL, *CLUSTER)
    unnamed = parts.scheme in SENTINEL and not parts.path.strip("/")
    if parts.scheme not in SCHEMES or (len(nodes) > 1 and not many) or unnamed:
        raise UsageError(f"{shown(text)} is no address of Redis; it looks like {_FORMS}.")
    return parts


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
    if number.isdecimal() and len(number) < 6 and int(number) <= MOST_PARTITIONS:
        return int(number)
    raise UsageError(f"{shown(text)}: partitions is a number from 1 to {MOST_PARTITIONS}.")
