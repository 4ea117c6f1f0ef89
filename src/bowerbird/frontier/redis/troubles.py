"""What Redis and its client say when something is wrong, in people's words."""

import re
from collections.abc import Iterator
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
    text = str(error)
    for kind, code, make in _TABLE:
        if isinstance(error, kind) and text.startswith(code):
            return make(text, place)
    return FrontierError(f"Redis at {place} refused a call: {text[:300]}")


def _no_rights(text: str, place: str) -> BowerbirdError:
    command = _COMMAND.search(text)
    if command:
        name = command.group(1)
        what = f"may not use the command {name.upper()} (ACL rule +{name.lower()})"
    elif "script" in text:
        what = "may not use a command that scripts of ours use (ACL rule +@all)"
    else:
        what = "may not use keys that begin with bowerbird: (ACL rule ~bowerbird:*)"
    return UsageError(f"Redis at {place}: this user {what}. Ask its administrator for that right.")


def _wrong_type(_: str, place: str) -> BowerbirdError:
    return UsageError(
        f"Redis at {place} holds a key beginning with bowerbird: of a type that is not ours. "
        "Another program writes there: give the crawl a database of its own (…/1)."
    )


def _password(_: str, place: str) -> BowerbirdError:
    return UsageError(
        f"Redis at {place} wants another user or password: redis://USER:PASSWORD@HOST:PORT/0."
    )


def _full(_: str, place: str) -> BowerbirdError:
    return StorageFullError(
        f"Redis at {place} has no memory left (maxmemory); nothing of the call was kept."
    )


def _disk(_: str, place: str) -> BowerbirdError:
    return StorageFullError(f"Redis at {place} cannot write to its disk and refuses to go on.")


def _loading(_: str, place: str) -> BowerbirdError:
    return ConnectionLostError(f"Redis at {place} is still reading its data.")


def _replica(_: str, place: str) -> BowerbirdError:
    return ConnectionLostError(f"Redis at {place} is a replica now and takes no writes.")


def _vanished(_: str, place: str) -> BowerbirdError:
    return vanished(place)


def vanished(place: str) -> CrawlVanishedError:
    """The error of a crawl that is there no more."""
    return CrawlVanishedError(
        f"The crawl is not in Redis at {place} any more, or another one has its name: the data "
        "were deleted (FLUSHALL?) or lost. It has not finished; nothing more is done."
    )


def _cluster(_: str, place: str) -> BowerbirdError:
    return UsageError(f"Redis at {place} is part of a Cluster: name it with redis+cluster://.")


def _no_cluster(_: str, place: str) -> BowerbirdError:
    return UsageError(f"Redis at {place} is no Cluster: name it with redis:// or rediss://.")


def _moving(_: str, place: str) -> BowerbirdError:
    return ConnectionLostError(f"The Cluster at {place} cannot serve this crawl's slot just now.")


def _database(_: str, place: str) -> BowerbirdError:
    return UsageError(f"Redis at {place} has no database of this number.")


def _silent(_: str, place: str) -> BowerbirdError:
    return ConnectionLostError(f"Redis at {place} does not answer.")


def _unreachable(text: str, place: str) -> BowerbirdError:
    reason = text.rpartition(": ")[2].rstrip(".") or "no reason given"
    return ConnectionLostError(f"Redis at {place} cannot be reached ({reason}). Does it run?")


_TABLE = (
    (said.AuthenticationError, "", _password),
    (said.ResponseError, "NOAUTH", _password),
    (said.ResponseError, "WRONGPASS", _password),
    (said.NoPermissionError, "", _no_rights),
    (said.ResponseError, "NOPERM", _no_rights),
    (said.ResponseError, "The user executing the script", _no_rights),
    (said.ResponseError, "VANISHED", _vanished),
    (said.ResponseError, "WRONGTYPE", _wrong_type),
    (said.OutOfMemoryError, "", _full),
    (said.ResponseError, "OOM", _full),
    (said.ResponseError, "MISCONF", _disk),
    (said.BusyLoadingError, "", _loading),
    (said.ReadOnlyError, "", _replica),
    (said.ResponseError, "READONLY", _replica),
    (said.MovedError, "", _cluster),
    (said.ClusterCrossSlotError, "", _cluster),
    (said.AskError, "", _moving),
    (said.TryAgainError, "", _moving),
    (said.ClusterDownError, "", _moving),
    (said.ResponseError, "ERR Script attempted to access a non local", _moving),
    (said.ResponseError, "Script attempted to access a non local", _moving),
    (said.ResponseError, "This instance has cluster support disabled", _no_cluster),
    (said.ResponseError, "DB index", _database),
    (said.TimeoutError, "", _silent),
    (TimeoutError, "", _silent),
    (said.ConnectionError, "", _unreachable),
    (OSError, "", _unreachable),
)
