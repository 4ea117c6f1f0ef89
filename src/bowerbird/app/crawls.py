"""All crawls of one Redis: listed, and removed one by one."""

import os
from contextlib import closing

import msgspec

from bowerbird.app.access import Access
from bowerbird.app.engines import any_crawl, engine_address
from bowerbird.errors import CrawlVanishedError, FolderInUseError, UsageError
from bowerbird.frontier.redis.address import RedisAddress
from bowerbird.frontier.redis.client import RedisFrontier
from bowerbird.frontier.redis.leaving import end_sessions, leave_hosts, take_as_they_are
from bowerbird.frontier.redis.register import Manager, Register
from bowerbird.model import Stats


class CrawlRow(msgspec.Struct, frozen=True, kw_only=True):
    """One crawl, for people."""

    name: str
    start_urls: tuple[str, ...]
    stats: Stats | None  #: None: it has no frontier (yet)
    manager: str = ""  #: "": nobody writes its catalog now


def crawls_at(where: str, access: Access | None = None) -> list[CrawlRow]:
    """The crawls in a Redis, by name."""
    address = any_crawl(where, access)
    register = Register(address)
    try:
        names = register.names()
    finally:
        register.close()
    rows = (_row(msgspec.structs.replace(address, crawl=name)) for name in names)
    return [row for row in rows if row is not None]


def _row(address: RedisAddress) -> CrawlRow | None:
    register = Register(address)
    try:
        posted = register.posted()
        if posted is None:
            return None  # dropped between two words
        return CrawlRow(
            name=address.crawl, start_urls=posted.job.start_urls, stats=_stats(address),
            manager=str(register.manager() or ""),
        )  # fmt: skip
    finally:
        register.close()


def _stats(address: RedisAddress) -> Stats | None:
    try:
        frontier = RedisFrontier(address)
    except CrawlVanishedError:
        return None
    try:
        return frontier.stats()
    finally:
        frontier.close()


def require_crawl(address: RedisAddress) -> None:
    """Raises UsageError where there is no such crawl."""
    with closing(Register(address)) as register:
        if register.posted() is None and not register.has_frontier():
            raise UsageError(f"There is no crawl at {address}; `bowerbird crawls` lists them.")


def drop(where: str, access: Access | None = None) -> None:
    """Remove a crawl from Redis; folders and buckets stay as they are.

    Raises:
        UsageError: there is no such crawl.
        FolderInUseError: a manager works at it.
        CatalogLostError: one has begun it anew meanwhile.
    """
    address = engine_address(where, access)
    require_crawl(address)
    register = Register(address)
    try:
        found = register.claim(Manager(machine=os.uname().nodename, pid=os.getpid(), folder=""))
        if isinstance(found, Manager):
            raise FolderInUseError(f"{address} has a manager: {found}. End it first (`stop`).")
        _send_home(address)
        register.remove(found.fence)
    finally:
        register.close()


def _send_home(address: RedisAddress) -> None:
    """End all sessions: nothing of theirs is in the way of other crawls at a host."""
    try:
        frontier = RedisFrontier(address)
    except CrawlVanishedError:
        return
    try:
        take_as_they_are(frontier.partitions)
        frontier.pause("dropped")
        end_sessions(frontier)
        leave_hosts(frontier.partitions)
    finally:
        frontier.close()
