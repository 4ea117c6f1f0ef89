"""Opening a crawl in Redis, or making it, in as many partitions as the deployment has."""

import os
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from bowerbird.clock import Clock
from bowerbird.codec import encode
from bowerbird.errors import UsageError
from bowerbird.frontier.redis.address import RedisAddress
from bowerbird.frontier.redis.division import Division, divided, lines_to
from bowerbird.frontier.redis.examine import warnings_of
from bowerbird.frontier.redis.keys import VERSION, Keys
from bowerbird.frontier.redis.line import Ask, Line, together
from bowerbird.frontier.redis.partition import Identity, Partition
from bowerbird.frontier.redis.robots import Judge
from bowerbird.frontier.rules import Rules
from bowerbird.urls import host_of_origin


class Crawl(msgspec.Struct, frozen=True):
    """A crawl that is there."""

    division: Division
    partitions: tuple[Partition, ...]
    limited: bool  #: a number of pages or images has been set


def opened(address: RedisAddress, rules: Rules | None, clock: Clock | None) -> Crawl:
    """Take a crawl up, or make it. Raises as `RedisFrontier`."""
    first = Line(address)
    if rules:
        warnings_of(first)
    division = divided(first, address.partitions, make=rules is not None)
    lines = lines_to(address, first, division)
    who = _identified(address, lines, rules, clock)
    agent, images, pages = first.command(
        "HMGET", Keys(address.crawl).of("books"), "user_agent", "max_images", "max_pages"
    )

    def text_of(origin: str) -> bytes | None:
        number = division.of(host_of_origin(origin))
        text: bytes | None = lines[number].command("GET", Keys(address.crawl, number).text(origin))
        return text

    seconds, micros = first.command("TIME")
    zero_s = int(seconds) + int(micros) / 1e6 - time.monotonic()
    judge = Judge((agent or b"").decode(), text_of)
    return Crawl(
        division,
        tuple(
            Partition(line, Keys(address.crawl, number), who, judge, clock or zero_s, division)
            for number, line in enumerate(lines)
        ),
        any(int(one or 0) for one in (images, pages)),
    )


def _identified(
    address: RedisAddress, lines: Sequence[Line], rules: Rules | None, clock: Clock | None
) -> Identity:
    """Open the crawl in all partitions: who it is they learn from the first."""
    now = repr(clock.now_s()) if clock else ""
    chosen = _flat(rules, parted=len(lines) > 1) if rules else []

    def ask(number: int, identity: Any, key: Any) -> Ask:
        books = Keys(address.crawl, number).of("books")
        return Ask(
            lines[number], "open",
            (books, now, "", identity, key, VERSION, encode(chosen) if chosen else b""),
        )  # fmt: skip

    identity, key, version = ask(0, os.urandom(8).hex(), os.urandom(16).hex()).alone()
    _require_version(version, address)
    answers = together([ask(number, identity, key) for number in range(1, len(lines))])
    for found, _, version in answers:
        _require_version(version, address)
        if found != identity:
            raise UsageError(
                f"{address} is in pieces, some of an earlier crawl of this name: drop it."
            )
    return Identity(identity, key)


def _require_version(version: bytes, address: RedisAddress) -> None:
    if version != VERSION.encode():
        raise UsageError(
            f"The crawl {address.crawl} in Redis was written by another version of Bowerbird "
            f"(its data are of version {version.decode()}, this one writes {VERSION})."
        )


def _flat(rules: Rules, *, parted: bool) -> list[Any]:
    """Rules as fields of the crawl's books."""
    pairs = {
        "per_host": rules.per_host,
        "delay_s": repr(rules.delay_s),
        "obey_robots": int(rules.obey_robots),
        "user_agent": rules.user_agent,
        "max_pages": rules.max_pages,
        "max_images": rules.max_images,
        "retries": rules.retries,
        "max_crawl_delay": repr(rules.max_crawl_delay_s),
        "max_host_urls": rules.max_host_urls,
        **({"parted": 1} if parted else {}),
    }
    return [item for pair in pairs.items() for item in pair]
