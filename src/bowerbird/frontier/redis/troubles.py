"""What Redis and its client say when something is wrong, in people's words."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import redis.exceptions as said

from bowerbird.errors import (
    BowerbirdError,
    ConnectionLostError,
    CrawlVanishedError,
    FrontierError,
    StorageFullError,
    UsageError,
)

_COMMAND = re.compile(r"run the '?([^' ]+)'? command")


@contextmanager
def told(place: str) -> Iterator[None]:
    """Errors of the client inside become ours; `place` is the address without secrets."""
    try:
        yield
    except (said.RedisError, OSError) as error:
        raise in_our_words(error, place) from None


def in_our_words(error: Exception, place: str) -> BowerbirdError:
    """The error of ours for one of the client's."""
    text = str(error).removeprefix("ERR ")
    for kind, code, ours, words in _TABLE:
        if isinstance(error, kind) and text.startswith(code):
            if isinstance(words, str):
                return ours(words.format(place=place))
            return ours(words(text, place))
    return FrontierError(f"Redis at {place} refused a call: {text[:300]}")


def vanished(place: str) -> CrawlVanishedError:
    """The error of a crawl that is there no more."""
    return CrawlVanishedError(_VANISHED.format(place=place))


def _no_rights(text: str, place: str) -> str:
    command = _COMMAND.search(text)
    if command:
        name = command.group(1)
        what = f"may not use the command {name.upper()} (ACL rule +{name.lower()})"
    elif "script" in text:
        what = "may not use a command that scripts of ours use (ACL rule +@all)"
    else:
        what = "may not use keys that begin with bowerbird: (ACL rule ~bowerbird:*)"
    return f"Redis at {place}: this user {what}. Ask its administrator for that right."


def _unreachable(text: str, place: str) -> str:
    reason = text.rpartition(": ")[2].rstrip(".") or "no reason given"
    hint = next((hint for said, hint in _HINTS if said in text), " Does it run?")
    return f"Redis at {place} cannot be reached ({reason}).{hint}"


def _silent(_: str, place: str) -> str:
    hint = " Does it speak TLS at this port?" if place.startswith("rediss") else ""
    return f"Redis at {place} does not answer.{hint}"


#: What a reason that is known leads to; the first that fits counts.
_HINTS = (
    ("closed by server", " Does it want TLS (rediss…://)?"),
    *(
        (unknown, " Name the file of who signed its certificate, or that itself, with --tls-ca.")
        for unknown in ("self-signed", "self signed", "local issuer")
    ),
    ("certificate verify failed", ""),
)
_VANISHED = (
    "The crawl is not in Redis at {place} any more, or another one has its name: the data were "
    "deleted (FLUSHALL?) or lost. It has not finished; nothing more is done."
)
_TORN = (
    "Redis at {place} has carried out half of a change: its append-only file was cut off within it "
    "by a kill or a power cut, and that half came back when Redis was started again. The counts of "
    "this crawl can no longer be trusted, and some of its tasks may be lost: nothing more is done. "
    "What was stored is whole. Remove the crawl (bowerbird drop); a new folder begins anew."
)
_NEW_LIFE = "Redis at {place} was started anew."
_PASSWORD = (
    "Redis at {place} wants another user or password: set REDISCLI_AUTH or name the password's "
    "file with --authkey-file; a user goes into the address (redis://USER@HOST…)."
)
_NO_PASSWORD = (
    "Redis at {place} wants no password, and was given one: leave it out of the address, of "
    "REDISCLI_AUTH and of --authkey-file, or set one there (requirepass)."
)
_SENTINELS = (
    "The Sentinels of Redis at {place} want another user or password than that of Redis itself: "
    "BOWERBIRD_SENTINEL_AUTH, and &sentinel_username=USER in the address."
)
_WRONG_TYPE = (
    "Redis at {place} holds a key beginning with bowerbird: of a type that is not ours. Another "
    "program writes there: give the crawl a database of its own (…/1)."
)
_FULL = (
    "Redis at {place} has no memory left: give it more (CONFIG SET maxmemory) or `bowerbird drop` "
    "crawls that are done. Nothing is lost."
)
_DISK = "Redis at {place} cannot write to its disk and refuses to go on."
_LOADING = "Redis at {place} is still reading its data."
_REPLICA = "Redis at {place} is a replica now and takes no writes."
_ALONE = "Redis at {place} takes no writes: too few replicas keep up (min-replicas-to-write)."
_CLUSTER = "Redis at {place} is part of a Cluster: name it with redis+cluster://."
_NO_CLUSTER = "Redis at {place} is no Cluster: name it with redis:// or rediss://."
_MOVING = "The Cluster at {place} cannot serve this crawl's slot just now."
_DATABASE = "Redis at {place} has no database of this number."
_NO_SENTINEL = "What answers at {place} is no Sentinel: name a Redis itself with redis://."
_NO_REDIS = "What answers at {place} is no Redis."

#: How a script says that its slot is on its way, wherever it looks first: Redis 7, Valkey 9, and
#: both of newer ones where it looks at several keys at once, of which some have gone.
SCRIPT_MOVES = (
    "Script attempted to access a non local key",
    "Attempted to access a non local key",
    "Unable to execute command",
)

#: How a script says that Redis was started anew, and that its log is to be seen to first.
NEW_LIFE = "NEWLIFE"

_Words = str | Callable[[str, str], str]

#: The client's error and how its text begins -> ours, and what it says. The first that fits counts.
_TABLE: tuple[tuple[type[Exception], str, type[BowerbirdError], _Words], ...] = (
    (said.AuthenticationError, "SENTINEL", UsageError, _SENTINELS),
    (said.AuthenticationError, "AUTH <password> called without", UsageError, _NO_PASSWORD),
    (said.AuthenticationError, "Client sent AUTH, but no password", UsageError, _NO_PASSWORD),
    (said.AuthenticationError, "", UsageError, _PASSWORD),
    (said.ResponseError, "NOAUTH", UsageError, _PASSWORD),
    (said.ResponseError, "WRONGPASS", UsageError, _PASSWORD),
    (said.NoPermissionError, "", UsageError, _no_rights),
    (said.ResponseError, "NOPERM", UsageError, _no_rights),
    (said.ResponseError, "The user executing the script", UsageError, _no_rights),
    (said.ResponseError, "VANISHED", CrawlVanishedError, _VANISHED),
    (said.ResponseError, "TORN", CrawlVanishedError, _TORN),
    (said.ResponseError, NEW_LIFE, ConnectionLostError, _NEW_LIFE),
    (said.ResponseError, "WRONGTYPE", UsageError, _WRONG_TYPE),
    (said.OutOfMemoryError, "", StorageFullError, _FULL),
    (said.ResponseError, "OOM", StorageFullError, _FULL),
    (said.ResponseError, "MISCONF", StorageFullError, _DISK),
    (said.BusyLoadingError, "", ConnectionLostError, _LOADING),
    (said.ReadOnlyError, "", ConnectionLostError, _REPLICA),
    (said.ResponseError, "READONLY", ConnectionLostError, _REPLICA),
    (said.ResponseError, "NOREPLICAS", ConnectionLostError, _ALONE),
    (said.MovedError, "", UsageError, _CLUSTER),
    (said.ClusterCrossSlotError, "", UsageError, _CLUSTER),
    (said.AskError, "", ConnectionLostError, _MOVING),
    (said.TryAgainError, "", ConnectionLostError, _MOVING),
    (said.ClusterDownError, "", ConnectionLostError, _MOVING),
    *((said.ResponseError, words, ConnectionLostError, _MOVING) for words in SCRIPT_MOVES),
    (said.ResponseError, "This instance has cluster support disabled", UsageError, _NO_CLUSTER),
    (said.ResponseError, "DB index", UsageError, _DATABASE),
    (said.ResponseError, "unknown command 'SENTINEL'", UsageError, _NO_SENTINEL),
    (said.ResponseError, "hash value is not an integer", UsageError, _WRONG_TYPE),
    (said.InvalidResponse, "", UsageError, _NO_REDIS),
    (said.TimeoutError, "", ConnectionLostError, _silent),
    (TimeoutError, "", ConnectionLostError, _silent),
    (said.ConnectionError, "", ConnectionLostError, _unreachable),
    (OSError, "", ConnectionLostError, _unreachable),
)
