"""Ways to the Redis that holds a crawl: one server, the master that Sentinels name, or the node of
a Cluster that serves the crawl's slot."""

from abc import ABC, abstractmethod
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.retry import Retry
from redis.sentinel import Sentinel

from bowerbird.frontier.redis.address import (
    CLUSTER,
    CLUSTER_PORT,
    SENTINEL,
    SENTINEL_PASSWORD,
    SENTINEL_PORT,
    SENTINEL_USER,
    Node,
    nodes_of,
)

#: Time for a connection, and for an answer, in seconds.
REACH_S, ANSWER_S = 5.0, 10.0


class Way(ABC):
    """Whom to ask. Nothing is sent twice by itself: whether a call that got no answer was carried
    out is not known, and its caller has to decide."""

    #: Whether the crawl may be moved to another node in the midst of things.
    moves = False

    @abstractmethod
    def client(self) -> redis.Redis:
        """Connections to whoever holds the crawl, as far as is known."""

    @abstractmethod
    def forget(self) -> None:
        """Whoever was asked last is not the one, or has gone."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the connections."""


def way_to(url: str, key: str) -> Way:
    """The way to the Redis at `url` that holds `key`. Connects at the first call."""
    parts = urlsplit(url)
    if parts.scheme in SENTINEL:
        return _Named(parts)
    return _Slot(parts, key) if parts.scheme in CLUSTER else _Direct(_with_slashes(url))


def _with_slashes(url: str) -> str:
    """`unix:/path`, which urllib makes of unix:///path, as redis-py takes it."""
    return url if "://" in url else url.replace(":", "://", 1)


def _options() -> dict[str, Any]:
    return {
        "protocol": 2, "retry": Retry(NoBackoff(), 0),
        "socket_connect_timeout": REACH_S, "socket_timeout": ANSWER_S, "client_name": "bowerbird",
    }  # fmt: skip


def _account(parts: SplitResult) -> dict[str, Any]:
    """With what a node is told who we are, and how it proves who it is."""
    return {
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        **_tls(parts),
    }


def _tls(parts: SplitResult) -> dict[str, Any]:
    if not parts.scheme.startswith("rediss"):
        return {}
    files = {name: value for name, value in parse_qsl(parts.query) if name.startswith("ssl_")}
    return {"ssl": True, **files}


def _sentinel_access(parts: SplitResult) -> dict[str, Any]:
    """The same for Sentinels, which have users of their own."""
    options = dict(parse_qsl(parts.query))
    return {
        "socket_connect_timeout": REACH_S, "socket_timeout": ANSWER_S,
        "retry": Retry(NoBackoff(), 0),
        "username": options.get(SENTINEL_USER), "password": options.get(SENTINEL_PASSWORD),
        **_tls(parts),
    }  # fmt: skip


class _Sentinels(Sentinel):
    """Sentinels whose troubles are told as those of a Redis."""

    def discover_master(self, service_name: str) -> Node:
        trouble: Exception = redis.exceptions.ConnectionError(f"they know no {service_name}")
        for sentinel in tuple(self.sentinels):
            try:
                masters: Any = sentinel.sentinel_masters()
            except redis.exceptions.AuthenticationError:
                trouble = redis.exceptions.AuthenticationError("SENTINEL")
            except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
                trouble = error
            else:
                state = masters.get(service_name)
                if state and self.check_master_state(state, service_name):  # type: ignore[no-untyped-call]
                    self._ask_first(sentinel)
                    return state["ip"], state["port"]
        raise trouble

    def _ask_first(self, sentinel: redis.Redis) -> None:
        self.sentinels = sorted(self.sentinels, key=lambda one: one is not sentinel)


def _bare(client: redis.Redis) -> redis.Redis:
    client.response_callbacks.clear()  # they lose fields of a stream that come twice
    return client


class _Direct(Way):
    """One server."""

    def __init__(self, url: str) -> None:
        self._client = _bare(redis.Redis.from_url(url, **_options()))

    def client(self) -> redis.Redis:
        return self._client

    def forget(self) -> None:
        """There is no other."""

    def close(self) -> None:
        self._client.close()


class _Named(Way):
    """The master of a name that Sentinels watch: redis+sentinel://host:26379,host/name?db=0."""

    def __init__(self, parts: SplitResult) -> None:
        place, name = parts.netloc.rpartition("@")[2], parts.path.strip("/")
        self._sentinel = _Sentinels(  # type: ignore[no-untyped-call]
            nodes_of(place, SENTINEL_PORT), sentinel_kwargs=_sentinel_access(parts), **_options()
        )
        database = int(dict(parse_qsl(parts.query)).get("db", 0))
        found = self._sentinel.master_for(name, db=database, **_account(parts))  # type: ignore[no-untyped-call]
        self._client = _bare(found)

    def client(self) -> redis.Redis:
        return self._client

    def forget(self) -> None:
        self._client.connection_pool.disconnect(inuse_connections=False)

    def close(self) -> None:
        self._client.close()
        for one in self._sentinel.sentinels:
            one.close()


class _Slot(Way):
    """The node of a Cluster that serves the slot of a key; all keys of a crawl lie in one."""

    moves = True

    def __init__(self, parts: SplitResult, key: str) -> None:
        self._named = nodes_of(parts.netloc.rpartition("@")[2], CLUSTER_PORT)
        self._known: list[Node] = []
        self._slot, self._more = key_slot(key.encode()), {**_options(), **_account(parts)}
        self._client: redis.Redis | None = None

    def client(self) -> redis.Redis:
        if self._client is None:
            host, port = self._find()
            self._client = _bare(redis.Redis(host=host, port=port, **self._more))
        return self._client

    def _find(self) -> Node:
        trouble: Exception = redis.exceptions.ConnectionError("no node was named")
        for node in dict.fromkeys([*self._known, *self._named]):
            try:
                return self._asked(*node)
            except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
                trouble = error
        raise trouble

    def _asked(self, host: str, port: int) -> Node:
        """The node of our slot, as this one sees it."""
        with _bare(redis.Redis(host=host, port=port, **self._more)) as client:
            ranges = client.execute_command("CLUSTER", "SLOTS")
        masters = {(low, high): (one[0].decode() or host, one[1]) for low, high, one, *_ in ranges}
        self._known = [(one[0].decode() or host, one[1]) for row in ranges for one in row[2:]]
        for (low, high), node in masters.items():
            if low <= self._slot <= high:
                return node
        raise redis.exceptions.ConnectionError("no node serves the crawl's slot")

    def forget(self) -> None:
        client, self._client = self._client, None
        if client is not None:  # others may still be reading from it
            client.connection_pool.disconnect(inuse_connections=False)

    def close(self) -> None:
        self.forget()
