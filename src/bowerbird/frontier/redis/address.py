"""Addresses of a crawl in Redis: `redis://user:password@host:6379/0?crawl=name`."""

import re
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

import msgspec

from bowerbird.errors import UsageError

#: What a crawl may be called: its name is part of each of its keys.
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: Addresses that are understood.
SENTINEL, CLUSTER = ("redis+sentinel", "rediss+sentinel"), ("redis+cluster", "rediss+cluster")
_PLAIN = ("redis:", "rediss:")
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
    crawl: str  #: "": none is meant
    partitions: int = 0  #: 0: as many as the deployment has, one where it is new

    def __str__(self) -> str:
        number = dict(parse_qsl(split(self.url).query)).get("db", "0")
        in_path = self.url.startswith(_PLAIN)
        options = {
            "db": "" if in_path or number == "0" else number, "crawl": self.crawl,
            "partitions": str(self.partitions or ""),
        }  # fmt: skip
        query = "&".join(f"{name}={value}" for name, value in options.items() if value)
        return f"{shown(self.url)}{f'/{number}' if in_path else ''}{f'?{query}' if query else ''}"

    def __repr__(self) -> str:
        return f"<RedisAddress {self}>"


def split(url: str) -> SplitResult:
    """`urlsplit` for addresses of several hosts: that of newer Pythons, and of Debian's, takes
    `[::1]` as the only one (CVE-2025-0938). Raises ValueError as that does."""
    scheme, slashes, rest = url.partition("://")
    place = re.split(r"[/?#]", rest, maxsplit=1)[0]
    hosts = place.rpartition("@")[2]
    if hosts.count("[") != hosts.count("]"):
        raise ValueError("a bracket is open")
    return urlsplit(f"{scheme}{slashes}{rest[len(place) :]}")._replace(netloc=place)


def shown(url: str) -> str:
    """An address without user, password and options."""
    try:
        parts = split(url)
    except ValueError:
        return f"{url.partition('://')[0]}://…"
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path}"


def parse_redis(text: str) -> RedisAddress:
    """Read an address.

    Raises:
        UsageError: it is none, names no crawl, or an option is unknown or given twice.
    """
    parts = _parts(text)
    options = _options(parts, text)
    crawl, partitions = options.pop("crawl", ""), options.pop("partitions", None)
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
        partitions=0 if partitions is None else _partitions(partitions, text),
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
        parts = split(text)
        place = parts.netloc.rpartition("@")[2]
        _require_slashes(parts, place)
        _require_ports(place, text)
        nodes = nodes_of(place, 1) if parts.scheme != "unix" else []
    except ValueError:
        raise UsageError(f"This is no address of Redis; it looks like {_FORMS}.") from None
    many = parts.scheme in (*SENTINEL, *CLUSTER)
    unnamed = parts.scheme in SENTINEL and not parts.path.strip("/")
    if parts.scheme not in SCHEMES or (len(nodes) > 1 and not many) or unnamed:
        raise UsageError(f"{shown(text)} is no address of Redis; it looks like {_FORMS}.")
    return parts


def _require_slashes(parts: SplitResult, place: str) -> None:
    if parts.scheme == "unix" and place:
        path = f"{place}{parts.path}"
        raise UsageError(
            f"unix://{path} names no absolute path: three slashes are needed, "
            f"unix:///{path}?crawl=NAME."
        )


def _require_ports(place: str, text: str) -> None:
    """A port that is none is named, unless it may be the beginning of a password with a slash."""
    ports = [one.rpartition("]")[2].partition(":")[2] for one in place.split(",")]
    wrong = next((port for port in ports if port and not _is_port(port)), "")
    if wrong and "@" not in text.partition(place)[2]:
        raise UsageError(
            f"{shown(text)}: “{wrong}” is no port (1 to 65535); an address of Redis looks like "
            f"{_FORMS}."
        )


def _is_port(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{1,5}", text)) and 0 < int(text) < 1 << 16


def _options(parts: SplitResult, text: str) -> dict[str, str]:
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"{shown(text)}: {twice} is given twice; give it once.")
    return options


def _database(path: str, option: str, text: str) -> int:
    numbers = {number for number in (path.strip("/"), option) if number}
    if not all(map(str.isdecimal, numbers)):
        raise UsageError(f"{shown(text)}: the database is a number: …/0.")
    if len(set(map(int, numbers))) > 1:
        raise UsageError(
            f"{shown(text)} names a database in its path, and db={option}; leave one out."
        )
    return int(numbers.pop()) if numbers else 0


def _crawl(name: str, text: str) -> str:
    if not NAME.fullmatch(name):
        wrong = f"“{name}” is no name of a crawl" if name else "which crawl is missing"
        raise UsageError(
            f"{shown(text)}: {wrong}; add ?crawl=NAME (letters, digits, dot, dash, underscore)."
        )
    return name


def _partitions(number: str, text: str) -> int:
    if number.isdecimal() and len(number) < 6 and 1 <= int(number) <= MOST_PARTITIONS:
        return int(number)
    raise UsageError(f"{shown(text)}: partitions is a number from 1 to {MOST_PARTITIONS}.")
