"""Fetching anew what is bad or gone: records forgotten, and what brings them waiting again."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from bowerbird.codec import encode
from bowerbird.frontier.redis.keys import fingerprint
from bowerbird.frontier.redis.packing import CHUNK, Packed
from bowerbird.model import Forgotten, Record, Task

#: Arguments of `refetch` before those of its tasks.
_BEFORE_TASKS = 3


class Anew(msgspec.Struct, frozen=True):
    """A task that is to be done again, and the records it brought that are to be forgotten."""

    task: Task
    records: list[Record]


def refetch_calls(anew: Sequence[Anew], key: bytes) -> Iterator[list[Any]]:
    """The arguments of each call of the script, behind time and identity."""
    for chunk in _chunks(anew):
        packed = Packed(_BEFORE_TASKS, key)
        said = [
            (packed.groups([one.task])[0], [_life(record, packed, key) for record in one.records])
            for one in chunk
        ]
        yield [encode(said), *packed.arguments]


def _life(record: Record, packed: Packed, key: bytes) -> tuple[str, str, int, int]:
    """What the script is to know of a record."""
    told = Forgotten(final_url=record.final_url, fetched_at=record.fetched_at)
    return (
        fingerprint(f"forgotten {record.fetched_at!r} {record.final_url}", key),
        fingerprint(f"record {record.final_url}", key),
        record.bytes,
        packed.put(encode(told)),
    )


def _chunks(anew: Sequence[Anew]) -> Iterator[list[Anew]]:
    chunk, weight = list[Anew](), 0
    for one in anew:
        if chunk and weight + len(one.records) > CHUNK:
            yield chunk
            chunk, weight = [], 0
        chunk.append(one)
        weight += len(one.records)
    if chunk:
        yield chunk
