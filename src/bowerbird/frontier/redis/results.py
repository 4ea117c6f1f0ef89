"""What a crawl brought, read from its streams."""

from collections.abc import Sequence

import msgspec

from bowerbird.codec import decode
from bowerbird.frontier.redis.line import together
from bowerbird.frontier.redis.partition import Partition
from bowerbird.model import Death, Forgotten, Held, Record, Redirection, Results, Sighting


class _Finds(msgspec.Struct, frozen=True, array_like=True):
    records: list[Record]
    sightings: list[Sighting]


def cursors_of(cursor: str, partitions: int) -> list[str]:
    """Where each partition's stream has been read to ("": not at all)."""
    return cursor.split(",") if cursor else [""] * partitions


def results_after(partitions: Sequence[Partition], cursor: str, limit: int) -> Results:
    """A stretch of the streams behind `cursor`, the last entry of each; an entry is never cut."""
    found = _Stretch(cursors_of(cursor, len(partitions)))
    while found.number < limit:
        entries = _entries(partitions, found.cursors, limit - found.number)
        if not entries:
            break
        for _, number, entry, fields in entries:
            if found.number >= limit:
                break
            found.take(number, entry, fields)
    return Results(
        cursor=",".join(found.cursors) if any(found.cursors) else "",
        records=tuple(found.records),
        redirections=tuple(found.redirections),
        sightings=tuple(found.sightings),
        deaths=tuple(found.deaths),
        revived=tuple(found.revived),
        forgotten=tuple(found.forgotten),
        held=tuple(found.held),
    )


def _entries(
    partitions: Sequence[Partition], cursors: Sequence[str], most: int
) -> list[tuple[tuple[int, ...], int, bytes, list[bytes]]]:
    """What comes next, of all partitions by time."""
    each = max(1, -(-2 * most // (len(partitions) + 1)))
    asks = [
        one.command("XRANGE", "results", f"({at}" if at else "-", "+", "COUNT", each)
        for one, at in zip(partitions, cursors, strict=True)
    ]
    return sorted(
        (tuple(map(int, entry.split(b"-"))), number, entry, fields)
        for number, entries in enumerate(together(asks))
        for entry, fields in entries
    )


def left(records: list[Record], forgotten: Sequence[Forgotten]) -> list[Record]:
    """Those of these earlier records that are not forgotten."""
    gone = {(one.final_url, one.fetched_at) for one in forgotten}
    return (
        [one for one in records if (one.final_url, one.fetched_at) not in gone] if gone else records
    )


def unheld(held: list[Held], forgotten: Sequence[Forgotten]) -> list[Held]:
    """What was said earlier of where bytes lie, as far as it still holds."""
    gone = {one.final_url for one in forgotten}
    return [one for one in held if one.final_url not in gone] if gone else held


class _Stretch:
    """Entries read so far. Fields: f records and sightings, m redirection, d death,
    a URL that is alive again, x a record that is forgotten, h where bytes lie as well."""

    def __init__(self, cursors: list[str]) -> None:
        self.cursors, self.number = cursors, 0
        self.records: list[Record] = []
        self.redirections: list[Redirection] = []
        self.sightings: list[Sighting] = []
        self.deaths: list[Death] = []
        self.revived: list[str] = []
        self.forgotten: list[Forgotten] = []
        self.held: list[Held] = []

    def take(self, partition: int, entry: bytes, fields: list[bytes]) -> None:
        for name, value in zip(fields[::2], fields[1::2], strict=True):
            self.number += self._taken(name, value)
        self.cursors[partition] = entry.decode()

    def _taken(self, name: bytes, value: bytes) -> int:
        """Take one field; how many results that was."""
        match name:
            case b"f":
                finds = decode(value, _Finds)
                self.records += finds.records
                self.sightings += finds.sightings
                return len(finds.records) + len(finds.sightings)
            case b"m":
                self.redirections.append(decode(value, Redirection))
            case b"a":
                self.revived.append(value.decode())
                self.deaths = [one for one in self.deaths if one.url != self.revived[-1]]
            case b"x":
                self._forget(decode(value, Forgotten))
            case b"h":
                self.held.append(decode(value, Held))
            case _:
                self.deaths.append(decode(value, Death))
        return 1

    def _forget(self, one: Forgotten) -> None:
        self.forgotten.append(one)
        self.records = left(self.records, (one,))
        self.held = unheld(self.held, (one,))
