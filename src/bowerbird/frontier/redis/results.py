"""What a crawl brought, read from its stream."""

import msgspec

from bowerbird.codec import decode
from bowerbird.frontier.redis.line import Line
from bowerbird.model import Death, Record, Redirection, Results, Sighting


class _Finds(msgspec.Struct, frozen=True, array_like=True):
    records: list[Record]
    sightings: list[Sighting]


def results_after(line: Line, key: str, cursor: str, limit: int) -> Results:
    """A stretch of the stream behind `cursor`, an entry's id; an entry is never cut."""
    found = _Stretch(cursor)
    while found.number < limit:
        start = f"({found.cursor}" if found.cursor else "-"
        entries = line.command("XRANGE", key, start, "+", "COUNT", max(1, limit - found.number))
        if not entries:
            break
        for entry, fields in entries:
            if found.number >= limit:
                break
            found.take(entry, fields)
    return Results(
        cursor=found.cursor,
        records=tuple(found.records),
        redirections=tuple(found.redirections),
        sightings=tuple(found.sightings),
        deaths=tuple(found.deaths),
        revived=tuple(found.revived),
    )


class _Stretch:
    """Entries read so far. Fields: f records and sightings, m redirection, d death,
    a URL that is alive again."""

    def __init__(self, cursor: str) -> None:
        self.cursor, self.number = cursor, 0
        self.records: list[Record] = []
        self.redirections: list[Redirection] = []
        self.sightings: list[Sighting] = []
        self.deaths: list[Death] = []
        self.revived: list[str] = []

    def take(self, entry: bytes, fields: list[bytes]) -> None:
        for name, value in zip(fields[::2], fields[1::2], strict=True):
            if name == b"f":
                finds = decode(value, _Finds)
                self.records += finds.records
                self.sightings += finds.sightings
                self.number += len(finds.records) + len(finds.sightings)
            elif name == b"m":
                self.redirections.append(decode(value, Redirection))
                self.number += 1
            elif name == b"a":
                self.revived.append(value.decode())
                self.deaths = [one for one in self.deaths if one.url != self.revived[-1]]
                self.number += 1
            else:
                self.deaths.append(decode(value, Death))
                self.number += 1
        self.cursor = entry.decode()
