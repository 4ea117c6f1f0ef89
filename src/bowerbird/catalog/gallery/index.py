"""The gallery's index: texts in a file, numbers in memory, so that any filter and order of a
million images takes some milliseconds and any place in it is reached at once.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import msgspec
import numpy as np

from bowerbird.catalog.gallery.columns import BLOCK, Columns, row, rows_of
from bowerbird.catalog.gallery.query import Query
from bowerbird.catalog.gallery.summary import (
    HostShare,
    Summary,
    arrivals,
    sides,
    tallied,
    time_span,
)
from bowerbird.catalog.gallery.values import GONE, TYPES, Facets, Item
from bowerbird.catalog.gallery.views import Ids, View, filtered, ordered
from bowerbird.catalog.gallery.words import TEXT_LIMIT, name_of, question, spaced
from bowerbird.catalog.ids import url_id
from bowerbird.catalog.statements import load, schema
from bowerbird.catalog.values import Entry
from bowerbird.model import Record
from bowerbird.urls import host_of

#: Raised with each change of the tables: an index of another form is made anew.
FORM = 1
#: Views that are kept: 4 bytes an image each.
VIEWS = 4
#: Counts of views that are kept.
FACETS = 16
#: SQLite's page cache of each of the two connections, in KiB.
CACHE_KIB = 2_048
#: How long to wait for another dashboard of this crawl that writes, in milliseconds.
BUSY_MS = 10_000
#: Hosts that `facets` names.
HOSTS = 50

Row = tuple[Any, ...]


class GalleryIndex:
    """All images of a crawl, to be filtered, ordered and looked at. Any thread may ask.

    Several processes may have it open: each transaction begins where the file stands.
    """

    def __init__(self, path: Path, crawl: str = "") -> None:
        """Open the index of a crawl; it is made, or made anew where it is of another."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sql = load("gallery/gallery.sql")
        self._lock = threading.RLock()  # the connections, and what is in memory
        self._columns = Columns()
        self._gone = False  # whether images were replaced by ones that were fetched anew
        self._facets: dict[tuple[Query, int], Facets] = {}
        self._views: OrderedDict[tuple[Query, int], View] = OrderedDict()
        self._write = _opened(path)
        try:
            self._prepare(f"{FORM} {crawl}")
            self._catch_up()
            self._read = _opened(path)
        except BaseException:
            self._write.close(True)
            raise

    def __repr__(self) -> str:
        return f"<GalleryIndex {self.count} images, {len(self._views)} views>"

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._read.close(True)
            self._write.close(True)

    # In.

    @property
    def count(self) -> int:
        """How many images it has numbers for."""
        return self._columns.count

    @property
    def cursor(self) -> int:
        """The catalog's row to go on after."""
        return int(self._state("cursor") or 0)

    def take(self, after: int, entries: Sequence[Entry]) -> int:
        """Add what the catalog answered after a row; how many were added.

        Nothing, where another process has added it meanwhile.
        """
        with self._lock, self._transaction():
            self._catch_up()
            if self.cursor != after or not entries:
                return 0
            first = self.count
            self._columns.extend(
                rows_of(map(self._added, range(first, first + len(entries)), entries))
            )
            self._put_blocks(first)
            self._set_state("cursor", str(entries[-1].row))
        return len(entries)

    def _added(self, number: int, entry: Entry) -> tuple[int, ...]:
        record, alt = entry.record, _alt_of(entry)
        self._replace(record.final_url, number)
        digest = bytes.fromhex(record.sha256)
        folders = msgspec.json.encode([holder.folder for holder in record.holders if holder.path])
        place = self._one("place", folders.decode())
        self._run("add_image", number, entry.row, record.final_url, alt, digest, place)
        self._run("add_words", number, _words_of(alt, record.final_url))
        return self._fields(record)

    def _fields(self, record: Record) -> tuple[int, ...]:
        host = self._one("host", host_of(record.final_url))
        type = TYPES.index(record.type) if record.type in TYPES else 0
        return row(host, record.bytes, record.fetched_at, record.width, record.height, type)

    @property
    def seen(self) -> int:
        """The catalog's sighting to go on after; -1: nothing is known of them."""
        return int(self._state("seen") or -1)

    def describe(self, seen: int, entries: Iterable[Entry] = ()) -> None:
        """Take the texts of images that were seen once more; go on after a sighting."""
        with self._lock, self._transaction():
            self._catch_up()
            changed = [self._described(entry) for entry in entries]
            self._set_state("seen", str(seen))
            if any(changed):
                self._views.clear()
                self._facets.clear()

    def _described(self, entry: Entry) -> bool:
        alt, url = _alt_of(entry), entry.record.final_url
        for (number,) in self._run("known", url_id(url)):
            known = str(self._run("alt_of", number)[0][0])
            if alt != known:
                self._run("drop_words", number, _words_of(known, url))
                self._run("add_words", number, _words_of(alt, url))
                self._run("set_alt", alt, number)
                return True
        return False

    def _replace(self, url: str, number: int) -> None:
        key = url_id(url)
        for (old,) in self._run("known", key):
            if old < self.count:
                self._columns.set_type(old, GONE)
                self._gone = True
                self._put_block(old // BLOCK)
        self._run("know", key, number)

    def _put_blocks(self, first: int) -> None:
        for number in range(first // BLOCK, (self.count - 1) // BLOCK + 1):
            self._put_block(number)

    def _put_block(self, number: int) -> None:
        self._run("put_block", number, self._columns.block(number))

    def _catch_up(self) -> None:
        """Read what is in the file and not yet in memory; the last block may have grown."""
        first = self.count // BLOCK
        self._columns.reserve((self._run("blocks_after", first)[0][0] + first) * BLOCK)
        found = self._write.execute(self._sql["blocks"], (first,))
        for number, (data,) in enumerate(found, first):
            rows = rows_of(data)
            self._columns.extend(rows[max(self.count - number * BLOCK, 0) :])
            self._gone = self._gone or bool((rows["type"] == GONE).any())

    # Out.

    def view(self, query: Query, upto: int | None = None) -> View:
        """What a query finds among the first `upto` images; None: among all there are."""
        with self._lock:
            upto = self.count if upto is None else min(max(upto, 0), self.count)
            found = self._views.pop((query, upto), None) or self._viewed(query, upto)
            self._views[(query, upto)] = found
            while len(self._views) > VIEWS:
                self._views.popitem(last=False)
            return found

    def _viewed(self, query: Query, upto: int) -> View:
        if query == Query() and not self._gone:
            return View(query, upto, None)
        ids = filtered(self._columns, query, upto, self._hosts(query), self._with(query, upto))
        return View(query, upto, ordered(self._columns, ids, query.sort, self._ranks))

    def items(self, ids: Sequence[int] | Ids) -> list[Item]:
        """These images, in this order; those that do not exist are left out."""
        wanted = [int(one) for one in ids if 0 <= one < self.count]
        if not wanted:
            return []
        with self._lock:
            texts = {each[0]: each for each in self._ask("images", apsw.carray(_q(wanted)))}
            rows = self._columns.at(np.array(wanted)).tolist()
        return [_item(texts[n], fields) for n, fields in zip(wanted, rows, strict=True)]

    def facets(self, view: View) -> Facets:
        """Counts over a view."""
        key = (view.query, view.upto)
        found = self._facets.pop(key, None) or self._counted(view)
        self._facets[key] = found
        while len(self._facets) > FACETS:
            self._facets.pop(next(iter(self._facets)), None)
        return found

    def _counted(self, view: View) -> Facets:
        with self._lock:
            tally = tallied(self._columns, view, self._host_count())
            most = np.argsort(tally.hosts)[::-1][:HOSTS]
            names = self._names(most.tolist())
        return Facets(
            images=len(view),
            bytes=int(tally.sizes.sum()),
            types=tally.named_types(),
            hosts=[(names[int(n)], int(tally.hosts[n])) for n in most if tally.hosts[n]],
        )

    def summary(self) -> Summary:
        """All images in few numbers."""
        with self._lock:
            view = self.view(Query())
            if not len(view):
                return Summary()
            tally = tallied(self._columns, view, self._host_count())
            most = tally.largest_hosts()
            names, span = self._names(most), time_span(self._columns, view)
            return Summary(
                images=len(view), bytes=int(tally.sizes.sum()),
                hosts=int(np.count_nonzero(tally.hosts)), began_at=span[0], ended_at=span[1],
                arrivals=arrivals(self._columns, view, span), types=tally.named_types(),
                sides=sides(self._columns, view),
                largest=[
                    HostShare(names[one], int(tally.hosts[one]), int(tally.sizes[one]))
                    for one in most
                ],
            )  # fmt: skip

    def _names(self, hosts: Sequence[int]) -> dict[int, str]:
        return dict(self._ask("host_names", apsw.carray(_q(hosts))))

    def hosts_with(self, text: str, most: int) -> list[str]:
        """Names of hosts with a text in them."""
        with self._lock:
            return [name for (name,) in self._ask("names_with", text.strip().lower(), most)]

    def _hosts(self, query: Query) -> Ids | None:
        if not query.host:
            return None
        passes = np.zeros(self._host_count(), bool)
        passes[[one for (one,) in self._ask("hosts_with", query.host.strip().lower())]] = True
        return passes

    def _host_count(self) -> int:
        hosts = self._columns["host"]
        return int(hosts.max()) + 1 if len(hosts) else 1

    def _ranks(self) -> Ids:
        ranks = np.zeros(self._host_count(), np.uint32)
        order = np.array([one for (one,) in self._ask("hosts_ranked")], np.int64)
        order = order[order < len(ranks)]
        ranks[order] = np.arange(len(order))
        return ranks

    def _with(self, query: Query, upto: int) -> Ids | None:
        if not query.words.strip():
            return None
        asked = question(query.words)
        found = self._ask("with_words", asked, upto)[0][0] if asked else None
        return np.fromstring(found or "", np.int64, sep=",")

    # The file.

    def _prepare(self, form: str) -> None:
        with self._transaction():
            tables = "SELECT 1 FROM sqlite_schema WHERE name = 'state'"
            if list(self._write.execute(tables)) and self._state("form") != form:
                _empty(self._write)
            self._write.execute(schema("gallery/schema.sql"))
            self._set_state("form", form)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        count = self._columns.count
        self._write.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._write.execute("COMMIT")
        except BaseException:
            self._columns.cut(count)
            self._write.execute("ROLLBACK")
            raise

    def _run(self, name: str, *values: Any) -> list[Row]:
        return list(self._write.execute(self._sql[name], values))

    def _ask(self, name: str, *values: Any) -> list[Row]:
        return list(self._read.execute(self._sql[name], values))

    def _one(self, name: str, value: str) -> int:
        return int(self._run(name, value)[0][0])

    def _state(self, key: str) -> str:
        with self._lock:
            rows = self._run("get_state", key)
        return str(rows[0][0]) if rows else ""

    def _set_state(self, key: str, value: str) -> None:
        self._run("set_state", key, value)


def _opened(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(BUSY_MS)
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "normal")
    connection.pragma("cache_size", -CACHE_KIB)
    return connection


def _empty(connection: apsw.Connection) -> None:
    names = ["block", "image", "known", "host", "place", "word", "state"]
    for name in names:
        connection.execute(f"DROP TABLE IF EXISTS {name}")


def _alt_of(entry: Entry) -> str:
    texts = (one.alt.strip() for one in entry.sightings)
    return "\n".join(dict.fromkeys(filter(None, texts)))[:TEXT_LIMIT]


def _words_of(alt: str, url: str) -> str:
    return spaced(f"{alt} {name_of(url)[:TEXT_LIMIT]}")


def _q(numbers: Sequence[int]) -> Ids:
    return np.array(numbers, np.int64)


def _item(texts: Row, fields: Row) -> Item:
    _, size, when, width, height, type = fields
    return Item(
        id=texts[0], record=texts[1], url=texts[2], alt=texts[3], sha256=texts[4],
        folders=tuple(msgspec.json.decode(texts[5], type=list[str])),
        type=TYPES[type] if type < len(TYPES) else "", width=width, height=height, bytes=size,
        fetched_at=when,
    )  # fmt: skip
