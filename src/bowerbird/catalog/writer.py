"""Writing the catalog, inside the caller's transaction."""

from collections.abc import Iterable, Sequence
from typing import Any

import apsw

from bowerbird.catalog.ids import Urls, url_id
from bowerbird.catalog.paths import pack
from bowerbird.catalog.statements import load, schema
from bowerbird.catalog.values import Added
from bowerbird.model import Death, Forgotten, Held, Record, Redirection, Sighting

Row = tuple[Any, ...]

#: Longest alt text or detail kept, in characters: they come from strangers, for people to read.
TEXT_LIMIT = 1_000
#: Longest ETag and Last-Modified kept, in characters.
HEADER_LIMIT = 300


def create(connection: apsw.Connection) -> None:
    """Make the catalog's tables where they are missing."""
    connection.execute(schema())


class CatalogWriter:
    """Adds results. Begins and ends no transaction: the caller's batch is atomic, or is not."""

    def __init__(self, connection: apsw.Connection) -> None:
        """Write over this connection, whose database has the tables (`create`)."""
        self._connection = connection
        self._sql = load("write.sql")

    def add(
        self,
        records: Sequence[Record] = (),
        redirections: Sequence[Redirection] = (),
        sightings: Sequence[Sighting] = (),
        deaths: Sequence[Death] = (),
    ) -> Added:
        """Add results; what is there already changes nothing.

        A record's key is `final_url`: the first one stands, a repeat may add holders of the same
        bytes. A sighting's key is (image, page, place); the first 100 of an image are kept, the
        rest counted. A redirection's key is its source, a death's its URL; the last ones stand.
        """
        urls = Urls()
        # Rows first: they fill `urls`, which has to be written before anyone can join with it.
        rows = [_record_row(record, urls) for record in records]
        moved = [(urls[one.from_url], urls[one.to_url], one.status) for one in redirections]
        seen = [_sighting_row(sighting, urls) for sighting in sightings]
        dead = [_death_row(death, urls) for death in deaths]
        self._run("add_url", [(number, url) for url, number in urls.items()])
        new = self._ask("add_record", rows)
        self._add_holders(records, rows, {(key, sha256): number for key, sha256, number, _ in new})
        self._run("add_redirection", moved)
        self._run("add_sighting", seen)
        self._run("forget_death", [(row[0],) for row in dead])
        self._run("add_death", dead)
        return _sum(new)

    def forget_deaths(self, urls: Iterable[str]) -> None:
        """Take back the deaths of these URLs: their tasks wait again."""
        self._run("forget_death", [(url_id(url),) for url in urls])

    def forget_records(self, final_urls: Iterable[str]) -> Added:
        """Take back records whose files are bad or gone; answer what went (as positive counts)."""
        keys = [(url_id(url),) for url in final_urls]
        self._run("forget_holders", keys)
        return _sum(self._ask("forget_record", keys))

    def forget_lives(self, forgotten: Iterable[Forgotten]) -> None:
        """Take back these records, unless they have been fetched anew since."""
        keys = [(url_id(one.final_url), one.fetched_at) for one in forgotten]
        self._run("forget_holders_of_life", keys)
        self._run("forget_life", keys)

    def hold(self, held: Sequence[Held]) -> None:
        """Note where the bytes of records lie as well, and where they no longer do."""
        keys = [url_id(one.final_url) for one in held]
        places = [
            (one.holder.folder, pack(one.holder.path, one.sha256), one.holder.worker, key,
             bytes.fromhex(one.sha256))
            for one, key in zip(held, keys, strict=True)
        ]  # fmt: skip
        self._run("add_further_holder", places)
        gone = zip(keys, (one.without for one in held), strict=True)
        self._run("drop_holder", [(key, folder) for key, folder in gone if folder])

    def set_meta(self, key: str, value: str) -> None:
        """Keep a word about the catalog itself."""
        self._run("set_meta", [(key, value)])

    def _add_holders(
        self, records: Sequence[Record], rows: list[Row], new: dict[tuple[int, bytes], int]
    ) -> None:
        first, further = list[Row](), list[Row]()
        for record, row in zip(records, rows, strict=True):
            key = row[0], row[7]
            for holder in record.holders:
                place = (holder.folder, pack(holder.path, record.sha256), holder.worker)
                if key in new:
                    first.append((new[key], *place))
                else:
                    further.append((*place, *key))
        self._run("add_holder", first)
        self._run("add_further_holder", further)

    def _ask(self, name: str, rows: list[Row]) -> list[Row]:
        return list(self._connection.executemany(self._sql[name], rows)) if rows else []

    def _run(self, name: str, rows: list[Row]) -> None:
        if rows:
            self._connection.executemany(self._sql[name], rows)


def _sum(rows: list[Row]) -> Added:
    return Added(new_records=len(rows), new_bytes=sum(row[3] for row in rows))


def _record_row(record: Record, urls: Urls) -> Row:
    return (
        urls[record.final_url],
        urls[record.url],
        record.status,
        record.type,
        record.width,
        record.height,
        record.bytes,
        bytes.fromhex(record.sha256),
        record.fetched_at,
        record.exif_date,
        record.orientation,
        record.frames,
        record.etag[:HEADER_LIMIT],
        record.last_modified[:HEADER_LIMIT],
        int(record.damaged),
        record.state,
    )


def _sighting_row(sighting: Sighting, urls: Urls) -> Row:
    image, page = urls[sighting.image_url], urls[sighting.page_url]
    return image, page, sighting.place.value, sighting.alt[:TEXT_LIMIT]


def _death_row(death: Death, urls: Urls) -> Row:
    url, first = urls[death.url], urls[death.first_url or death.url]
    return url, first, death.kind.value, death.reason, death.detail[:TEXT_LIMIT]
