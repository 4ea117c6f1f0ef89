"""Ways to the Redis that holds a crawl: one server, the master that Sentinels name, or the nodes of
a Cluster that serve the slots of its partitions."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote

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
    split,
)

#: Time for a connection, and for an answer, in seconds.
REACH_S, ANSWER_S = 5.0, 10.0


class Way(ABC):
    """Whom to ask. Nothing is sent twice by itself: whether a call that got no answer was carried
    out is not known, and its caller has to decide."""

    #: Whether keys may be moved to another node in the midst of things.
    moves = False

    @abstractmethod
    def client(self, key: str) -> redis.Redis:
        """Connections to whoever holds a key, as far as is known."""

    @abstractmethod
    def forget(self, key: str) -> None:
        """Whoever was asked for a key last is not the one, or has gone."""

    def clients(self) -> Sequence[redis.Redis]:
        """Connections to all who hold keys."""
        return [self.client("")]

    def holder(self, key: str) -> "Holder":  # noqa: ARG002
        """Who holds a key. One server, or a master and its replicas, has one log of all that was
        written: whatever is left of it is the state of one moment, so it counts as one for ever."""
        return Holder()

    @abstractmethod
    def close(self) -> None:
        """Let go of the connections."""


class Holder(NamedTuple):
    """Who holds a key."""

    id: str = ""  #: of a node of a Cluster
    replicas: int = 0


def way_to(url: str) -> Way:
    """The way to the Redis at `url`. Connects at the first call."""
    parts = split(url)
    if parts.scheme in SENTINEL:
        return _Named(parts)
    return _Cluster(parts) if parts.scheme in CLUSTER else _Direct(_with_slashes(url))


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

    def client(self, key: str) -> redis.Redis:  # noqa: ARG002
        return self._client

    def forget(self, key: str) -> None:
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

    def client(self, key: str) -> redis.Redis:  # noqa: ARG002
        return self._client

    def forget(self, key: str) -> None:  # noqa: ARG002
        self._client.connection_pool.disconnect(inuse_connections=False)

    def close(self) -> None:
        self._client.close()
        for one in self._sentinel.sentinels:
            one.close()


class _Range(NamedTuple):
    """Slots of a Cluster, and the master that serves them."""

    low: int
    high: int
    node: Node
    holder: Holder


class _Cluster(Way):
    """The nodes of a Cluster. One that refuses or does not answer is forgotten, and all it is
    known to serve with it: the others know who does."""

    moves = True

    def __init__(self, parts: SplitResult) -> None:
        self._named = nodes_of(parts.netloc.rpartition("@")[2], CLUSTER_PORT)
        self._known: list[Node] = []
        self._more = {**_options(), **_account(parts)}
        self._ranges: tuple[_Range, ...] = ()
        self._clients: dict[Node, redis.Redis] = {}
        self._lock = Lock()

    def client(self, key: str) -> redis.Redis:
        return self._client(self._range(key).node)

    def clients(self) -> Sequence[redis.Redis]:
        return [self._client(node) for node in {one.node for one in self._all()}]

    def holder(self, key: str) -> Holder:
        return self._range(key).holder

    def _client(self, node: Node) -> redis.Redis:
        with self._lock:
            if node not in self._clients:
                self._clients[node] = self._made(node)
            return self._clients[node]

    def _made(self, node: Node) -> redis.Redis:
        return _bare(redis.Redis(host=node[0], port=node[1], **self._more))

    def _range(self, key: str) -> _Range:
        slot = key_slot(key.encode())
        for one in self._all():
            if one.low <= slot <= one.high:
                return one
        self._ranges = ()
        raise redis.exceptions.ConnectionError("no node serves the crawl's slot")

    def _all(self) -> tuple[_Range, ...]:
        self._ranges = ranges = self._ranges or self._find()
        return ranges

    def _find(self) -> tuple[_Range, ...]:
        trouble: Exception = redis.exceptions.ConnectionError("no node was named")
        for node in dict.fromkeys([*self._known, *self._named]):
            try:
                return self._asked(node)
            except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
                trouble = error
        raise trouble

    def _asked(self, node: Node) -> tuple[_Range, ...]:
        """All slots, as this node sees them."""
        with self._made(node) as client:
            rows = client.execute_command("CLUSTER", "SLOTS")
        self._known = [(one[0].decode() or node[0], one[1]) for row in rows for one in row[2:]]
        return tuple(
            _Range(low, high, (master[0].decode() or node[0], master[1]),
                   Holder(master[2].decode(), len(replicas)))
            for low, high, master, *replicas in rows
        )  # fmt: skip

    def forget(self, key: str) -> None:
        slot, ranges = key_slot(key.encode()), self._ranges
        self._ranges = ()
        for node in {one.node for one in ranges if one.low <= slot <= one.high}:
            client = self._clients.pop(node, None)
            if client is not None:  # others may still be reading from it
                client.connection_pool.disconnect(inuse_connections=False)

    def close(self) -> None:
        while self._clients:
            _, client = self._clients.popitem()
            client.connection_pool.disconnect(inuse_connections=False)
