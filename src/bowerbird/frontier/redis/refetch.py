"""Fetching anew what is bad or gone: records forgotten, and what brings them waiting again."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from bowerbird.codec import encode
from bowerbird.frontier.redis.keys import fingerprint
from bowerbird.frontier.redis.packing import Packed, chunks_by_weight, single
from bowerbird.model import Forgotten, Record, Task

#: Arguments of `refetch` before those of its tasks.
_BEFORE_TASKS = 3


class Anew(msgspec.Struct, frozen=True):
    """A task that is to be done again, and the records it brought that are to be forgotten."""

    task: Task
    records: list[Record]


class Share(msgspec.Struct, frozen=True):
    """What of that is one partition's to do."""

    task: Task | None  #: that lies there
    told: list[Record]  #: which it brought
    counted: list[Record]  #: which are counted there


def shares(anew: Sequence[Anew], partition_of: Callable[[str], int]) -> dict[int, list[Share]]:
    """By partition. Records that several tasks may bring are counted apart from those."""
    parts: dict[int, list[Share]] = {}
    for one in anew:
        home = partition_of(one.task.url)
        counted: dict[int, list[Record]] = {home: []}
        for record in one.records:
            counted.setdefault(partition_of(record.final_url), []).append(record)
        parts.setdefault(home, []).append(Share(one.task, one.records, counted.pop(home)))
        for number, some in counted.items():
            parts.setdefault(number, []).append(Share(None, [], some))
    return parts


def refetch_calls(some: Sequence[Share], key: bytes) -> Iterator[list[Any]]:
    """The arguments of each call of the script, behind time and identity."""
    for chunk in chunks_by_weight(some, lambda one: 1 + len(one.told) + len(one.counted)):
        packed = Packed(_BEFORE_TASKS, key)
        said = [
            (
                packed.groups([one.task] if one.task else []),
                [(_life("forgotten", each, key), packed.put(_told(each))) for each in one.told],
                [_counted(each, key) for each in one.counted],
            )
            for one in chunk
        ]
        yield [encode(said), *packed.arguments]


def _life(what: str, record: Record, key: bytes) -> str:
    return fingerprint(f"{what} {record.fetched_at!r} {record.final_url}", key)


def _told(record: Record) -> bytes:
    return encode(Forgotten(final_url=record.final_url, fetched_at=record.fetched_at))


def _counted(record: Record, key: bytes) -> tuple[str, str, int]:
    return _life("uncounted", record, key), single(record, key), record.bytes
