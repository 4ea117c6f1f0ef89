"""Reading the catalog, in stretches of bounded memory."""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import apsw

from bowerbird.catalog.ids import url_id
from bowerbird.catalog.paths import unpack
from bowerbird.catalog.statements import load
from bowerbird.catalog.values import Described, Entry, Fate, Totals
from bowerbird.errors import FrontierError
from bowerbird.model import Death, Holder, Kind, Place, Record, Redirection, Results, Sighting

#: Most sightings of one record that `entries` answers; the rest is a number.
SIGHTINGS_LIMIT = 100
#: How far back examples of a reason are looked for: 5 ms, however many tasks have died.
DEATHS_LOOKED_THROUGH = 50_000

Row = tuple[Any, ...]


class CatalogReader:
    """Answers what was stored. Changes nothing."""

    def __init__(self, connection: apsw.Connection) -> None:
        """Read over this connection, whose database has the tables (`create`)."""
        self._connection = connection
        self._sql = load("read.sql")

    def results(self, cursor: str = "", limit: int = 1_000) -> Results:
        """What was added after `cursor` ("": all), in order, at most `limit` of each sort.

        Raises:
            FrontierError: the cursor is none of ours.
        """
        starts = _places(cursor)
        names = ("records", "redirections", "sightings", "deaths")
        found = [self._rows(*each, limit) for each in zip(names, starts, strict=True)]
        ends = [rows[-1][0] if rows else at for rows, at in zip(found, starts, strict=True)]
        return Results(
            cursor=".".join(map(str, ends)),
            records=tuple(self._records(found[0])),
            redirections=tuple(map(_redirection, found[1])),
            sightings=tuple(map(_sighting, found[2])),
            deaths=tuple(map(_death, found[3])),
        )

    def detours(self, limit: int = 1_000) -> Results:
        """The first redirections and deaths, as in `results`, without all else."""
        found = [self._rows(name, 0, limit) for name in ("redirections", "deaths")]
        return Results(
            cursor="",
            redirections=tuple(map(_redirection, found[0])),
            deaths=tuple(map(_death, found[1])),
        )

    def entries(self, after: int = 0, limit: int = 500) -> list[Entry]:
        """Up to `limit` records after row `after`, each with its sightings; empty: no more.

        Sightings are those of every URL that leads to the record, over up to 10 redirections.
        """
        rows = self._rows("records", after, limit)
        if not rows:
            return []
        span = (rows[0][0], rows[-1][0])
        seen, over = self._seen(span)
        more: dict[int, int] = dict(self._rows("more", *span))
        return [
            Entry(
                row=row[0],
                record=record,
                sightings=tuple(seen.get(row[0], ())),
                sightings_more=over[row[0]] + more.get(row[0], 0),
            )
            for row, record in zip(rows, self._records(rows), strict=True)
        ]

    def described(self, after: int, limit: int) -> Described:
        """Which records the `limit` sightings after a row describe. `after` -1: none, but which row
        is the last now."""
        last = self._rows("last_sighting")[0][0]
        if after < 0:
            return Described(last=last)
        end = max(after, min(after + limit, last))
        rows = tuple(row[0] for row in self._rows("described", after, end))
        return Described(last=end, rows=rows)

    def folders(self) -> dict[str, str]:
        """What holders call folders, and the path of one object in each. Reads all holders."""
        return {name: unpack(path, sha256) for name, path, sha256, _ in self._rows("folders")}

    def totals(self, elsewhere: Iterable[str] = ()) -> Totals:
        """Counts of everything; reads all records once, 3 s for 10^6. `elsewhere`: folders that
        were the crawl's own and are not now."""
        row = self._rows("totals", json.dumps(list(elsewhere)))[0]
        return Totals(**dict(zip(Totals.__struct_fields__, row, strict=True)))

    def recent(self, within_s: float, written_at: float = float("inf")) -> list[Record]:
        """Records that came in the last `within_s` seconds before the newest one.

        Workers' clocks may be wrong: none counts as later than `written_at`, when the catalog was
        last written, and what came after the first of those seconds came in them.
        """
        return list(self._records(self._rows("recent", within_s, written_at)))

    def pages_of(self, image_urls: Iterable[str]) -> list[str]:
        """The pages where these images were seen, under these very URLs, once each."""
        found = (self._rows("pages", url_id(url)) for url in image_urls)
        return list(dict.fromkeys(row[0] for rows in found for row in rows))

    def fate(self, url: str) -> Fate | None:
        """How a URL has ended, over up to 10 redirections; None where it has not."""
        rows = self._rows("fate", url_id(url))
        return Fate(url=rows[0][0], reason=rows[0][1]) if rows else None

    def fates(self, urls: Iterable[str]) -> dict[str, Fate]:
        """How those of these URLs have ended that have."""
        found = ((url, self.fate(url)) for url in urls)
        return {url: fate for url, fate in found if fate is not None}

    def of_contents(self, sha256s: Iterable[str]) -> list[Record]:
        """Every record of these contents. Reads all records."""
        digests = tuple(map(bytes.fromhex, sha256s))
        return self._records(self._rows("contents", apsw.carray(digests))) if digests else []

    def of_urls(self, final_urls: Iterable[str]) -> list[Record]:
        """Those of these records that there are; without their holders."""
        found = (self._rows("of_url", url_id(url)) for url in final_urls)
        return [_record(row, ()) for rows in found for row in rows]

    def latest_deaths(self, reason: str, limit: int) -> list[Death]:
        """The newest deaths of a reason, newest first, among the last `DEATHS_LOOKED_THROUGH`."""
        rows = self._rows("latest_deaths", reason, DEATHS_LOOKED_THROUGH, limit)
        return list(map(_death, rows))

    def over_time(self, points: int) -> tuple[float, list[tuple[float, int, int]]]:
        """Seconds of a stretch, and for each of about `points` stretches with records: when it
        began, how many records, their bytes. Reads all records twice, 0.5 s for 10^6."""
        first, last = self._rows("first_and_last")[0]
        if first is None:
            return 1.0, []
        every_s = max(1.0, (last - first) / points)
        rows = self._rows("over_time", every_s)
        return every_s, [(stretch * every_s, count, size) for stretch, count, size in rows]

    def meta(self, key: str) -> str:
        """A word kept by `CatalogWriter.set_meta`; "" where there is none."""
        rows = self._rows("get_meta", key)
        return str(rows[0][0]) if rows else ""

    def _rows(self, name: str, *values: Any) -> list[Row]:
        return list(self._connection.execute(self._sql[name], values))

    def _records(self, rows: list[Row]) -> list[Record]:
        holders = self._holders(rows)
        return [_record(row, tuple(holders.get(row[0], ()))) for row in rows]

    def _holders(self, rows: list[Row]) -> dict[int, list[Holder]]:
        if not rows:
            return {}
        digests = {row[0]: row[8] for row in rows}
        found = defaultdict[int, list[Holder]](list)
        for number, folder, path, worker in self._rows("holders", rows[0][0], rows[-1][0]):
            if number in digests:
                path = unpack(path, digests[number])
                found[number].append(Holder(folder=folder, path=path, worker=worker))
        return found

    def _seen(self, span: tuple[int, int]) -> tuple[dict[int, list[Sighting]], dict[int, int]]:
        seen, over = defaultdict[int, list[Sighting]](list), defaultdict[int, int](int)
        # Row by row: an image may be reached by any number of URLs with 100 sightings each.
        for row in self._connection.execute(self._sql["seen"], span):
            kept = seen[row[0]]
            if len(kept) < SIGHTINGS_LIMIT:
                kept.append(_sighting(row))
            else:
                over[row[0]] += 1
        return seen, over


def _places(cursor: str) -> list[int]:
    parts = cursor.split(".") if cursor else ["0"] * 4
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() for part in parts):
        raise FrontierError(f"{cursor!r} is no cursor of this catalog.")
    return [min(int(part[:20]), 2**63 - 1) for part in parts]


def _record(row: Row, holders: tuple[Holder, ...]) -> Record:
    return Record(
        url=row[1],
        final_url=row[2],
        status=row[3],
        type=row[4],
        width=row[5],
        height=row[6],
        bytes=row[7],
        sha256=row[8],
        fetched_at=row[9],
        exif_date=row[10],
        orientation=row[11],
        frames=row[12],
        etag=row[13],
        last_modified=row[14],
        damaged=bool(row[15]),
        state=row[16],
        holders=holders,
    )


def _sighting(row: Row) -> Sighting:
    return Sighting(image_url=row[1], page_url=row[2], place=Place(row[3]), alt=row[4])


def _redirection(row: Row) -> Redirection:
    return Redirection(from_url=row[1], to_url=row[2], status=row[3])


def _death(row: Row) -> Death:
    return Death(url=row[1], first_url=row[2], kind=Kind(row[3]), reason=row[4], detail=row[5])
