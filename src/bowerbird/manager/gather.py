"""Images from workers' folders brought into the crawl's own, and recorded there.

A file is known by the sha256 of its bytes, which is worked out as it comes, so it does not matter
by what way a folder was mounted or copied. Each file is whole or not there, is recorded once it is
there, and removed elsewhere (`move`) once it is recorded: whatever ends it, it can be done again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from bowerbird.manager.here import Copy, Here, is_held_away, is_held_here, path_of
from bowerbird.model import Held, Holder, Record
from bowerbird.store import FileStore, Store
from bowerbird.words import many

#: Records between two commits: few enough to lose little when it is interrupted.
BATCH = 256
#: Files read at once: a network file system answers each after a while, a disk in turn.
READERS = 8
#: Bytes read at once.
CHUNK = 1 << 20
#: Bad files that are listed; all are counted.
SHOWN = 1_000


class Way(StrEnum):
    """How the bytes of a record came to be here."""

    THERE = "there"  #: they lay here already
    LINKED = "linked"
    COPIED = "copied"
    BAD = "bad"  #: what lies in the other folder is something else
    AWAY = "away"  #: no folder of this machine has them


class Gathered(msgspec.Struct, kw_only=True):
    """What was brought together. Several records may have one file."""

    records: int = 0  #: all: brought, there, bad, away, missing and elsewhere
    brought: int = 0  #: records whose bytes have come
    there: int = 0  #: records whose bytes lay in the crawl's folder already
    files_linked: int = 0  #: files that have a further name now
    files_copied: int = 0
    bytes: int = 0  #: of files linked and copied
    files_removed: int = 0  #: from where they came from
    files_kept: int = 0  #: that were to be removed, in folders that other crawls use too
    bad: int = 0  #: records whose file in another folder is not what it says
    away: dict[str, int] = {}  #: folder -> records that only it holds, and it is not here
    missing: int = 0  #: records whose file is in none of its folders
    elsewhere: int = 0  #: records with old-style clients
    shown: list[str] = []  #: the first of the bad ones

    @property
    def clean(self) -> bool:
        """Whether nothing was bad or missing."""
        return not self.bad and not self.missing

    def lines(self) -> list[str]:
        """The result for people."""
        parts = [
            f"{self.brought:,} brought" if self.brought else "",
            f"{self.there:,} here already" if self.there else "",
        ]
        said = ", ".join(filter(None, parts)) or "nothing to bring"
        records = f"{many(self.records, 'record')}: {said}."
        return [" ".join((records, *self._of_files())), *self._troubles(), *self.shown]

    def _of_files(self) -> Iterator[str]:
        parts = [
            f"{self.files_linked:,} linked" if self.files_linked else "",
            f"{self.files_copied:,} copied" if self.files_copied else "",
            f"{self.files_removed:,} removed where they were" if self.files_removed else "",
        ]
        if any(parts):
            yield f"Files: {', '.join(filter(None, parts))}."

    def _troubles(self) -> Iterator[str]:
        if self.files_kept:
            told = many(self.files_kept, "file")
            yield f"{told} kept where they are too: other crawls have images there"
        for folder, records in self.away.items():
            yield f"{many(records, 'record')} in {folder}: mount or copy it here and name it"
        if self.bad:
            yield f"{many(self.bad, 'record')} bad where they lie"
        if self.missing:
            told = many(self.missing, "record")
            yield f"{told} in none of their folders; `verify --repair` fetches them anew"
        if self.elsewhere:
            told = many(self.elsewhere, "record")
            yield f"{told} with old-style clients, which say nothing of their files"


class _Brought(NamedTuple):
    """What became of one content."""

    way: Way
    source: Copy | None = None


Hold = Callable[[Sequence[Held]], object]


def gather(
    records: Iterable[Record],
    here: Here,
    hold: Hold,
    *,
    move: bool = False,
    tell: Callable[[int], None] = lambda _: None,
) -> Gathered:
    """Bring the images of workers' folders on this machine into the crawl's own.

    Args:
        records: all of the crawl.
        here: the folders.
        hold: records holders, for good once it returns.
        move: remove each file from where it came from, once it is on this disk and recorded:
            from the folders that were given, or else from all; not from those that other crawls
            use too.
        tell: told how many records have been looked at.

    Raises:
        StorageFullError: a disk refuses; what was recorded stays.
    """
    found, rest = Gathered(), iter(records)
    with ThreadPoolExecutor(READERS, thread_name_prefix="gather") as pool:
        while batch := list(islice(rest, BATCH)):
            _Batch(batch, here, found, move=move).bring(pool, hold)
            found.records += len(batch)
            tell(found.records)
    return found


class _Batch:
    """Some records: looked at, brought, recorded, cleared away and that recorded, in this order."""

    def __init__(self, records: list[Record], here: Here, found: Gathered, *, move: bool) -> None:
        self._here = here
        self._found = found
        self._move = move
        self._wanted = [record for record in records if self._is_wanted(record)]
        # Several URLs may give the same bytes: a file is brought once.
        self._contents = {path_of(record): record for record in self._wanted}

    def bring(self, pool: ThreadPoolExecutor, hold: Hold) -> None:
        """Do all of it."""
        contents = list(self._contents.items())
        slices = [contents[n::READERS] for n in range(READERS)]
        brought = dict(pair for some in pool.map(self._carry_all, slices) for pair in some)
        self._count_contents(brought)
        self._count_records(brought)
        good = [r for r in self._wanted if brought[path_of(r)].way not in (Way.BAD, Way.AWAY)]
        hold([self._held(record) for record in good])
        if self._move:
            self._clear(brought)
            hold([self._held(record, gone) for record in good for gone in self._gone(record)])

    def _is_wanted(self, record: Record) -> bool:
        path = path_of(record)
        if not path:
            self._found.elsewhere += 1
            return False
        if not is_held_here(record) or self._here.own.size_of(path) != record.bytes:
            return True
        if self._move and is_held_away(record):
            return True
        self._found.there += 1
        return False

    # Bringing.

    def _carry_all(self, some: list[tuple[str, Record]]) -> list[tuple[str, _Brought]]:
        """On a thread of its own, with a store of its own."""
        store = FileStore(self._here.own.folder, durable=self._move)
        carrier = Carrier(store)
        brought = [(path, self._carry(path, record, carrier)) for path, record in some]
        store.flush()
        return brought

    def _carry(self, path: str, record: Record, carrier: "Carrier") -> _Brought:
        sources = [one for one in self._here.copies(record) if one.store is not self._here.own]
        sources = [one for one in sources if one.store.size_of(path) is not None]
        if not sources and is_held_here(record):
            return _Brought(Way.THERE)
        if carrier.has(path, record):
            return _Brought(Way.THERE, sources[0] if sources else None)
        for source in sources:
            if way := carrier.carry(source, record):
                return _Brought(way, source)
        return _Brought(Way.BAD, sources[0]) if sources else _Brought(Way.AWAY)

    # Counting and recording.

    def _count_contents(self, brought: dict[str, _Brought]) -> None:
        found = self._found
        for path, (way, _) in brought.items():
            found.files_linked += way is Way.LINKED
            found.files_copied += way is Way.COPIED
            found.bytes += self._contents[path].bytes if way in (Way.LINKED, Way.COPIED) else 0

    def _count_records(self, brought: dict[str, _Brought]) -> None:
        for record in self._wanted:
            way, source = brought[path_of(record)]
            self._found.there += way is Way.THERE
            self._found.brought += way in (Way.LINKED, Way.COPIED)
            if way is Way.BAD and source:
                self._note_bad(record, source)
            elif way is Way.AWAY:
                self._note_away(record)

    def _note_bad(self, record: Record, source: Copy) -> None:
        self._found.bad += 1
        if len(self._found.shown) < SHOWN:
            where = f"{source.store.folder}/{source.path}"
            self._found.shown.append(f"bad: {where} from {record.final_url}")

    def _note_away(self, record: Record) -> None:
        folder = self._here.away(record)
        if folder:
            self._found.away[folder] = self._found.away.get(folder, 0) + 1
        else:
            self._found.missing += 1

    def _held(self, record: Record, gone: str = "") -> Held:
        holder = Holder(folder=self._here.own.name, path=path_of(record))
        return Held(
            final_url=record.final_url, sha256=record.sha256, holder=holder, without=gone
        )  # fmt: skip

    def _gone(self, record: Record) -> list[str]:
        """Workers' folders of this machine that hold a record, and no longer have its file."""
        others = [one for one in self._here.copies(record) if one.store is not self._here.own]
        named = {holder.folder for holder in record.holders}
        absent = (one.store for one in others if one.store.size_of(one.path) is None)
        return [store.name for store in absent if store.name in named]

    def _clear(self, brought: dict[str, _Brought]) -> None:
        for path, (way, _) in brought.items():
            if way not in (Way.BAD, Way.AWAY):
                for copy in self._here.copies(self._contents[path]):
                    self._remove(copy)

    def _remove(self, copy: Copy) -> None:
        if not self._here.is_source(copy.store):
            return
        if self._here.is_shared(copy.store):  # the same bytes may be another crawl's only copy
            self._found.files_kept += copy.store.size_of(copy.path) is not None
        else:
            self._found.files_removed += copy.store.remove(copy.path)


class Carrier:
    """Brings single files into a store."""

    def __init__(self, store: FileStore) -> None:
        self._store = store

    def has(self, path: str, record: Record) -> bool:
        """Whether these very bytes lie in the store already."""
        size = self._store.size_of(path)
        return size == record.bytes and self._store.sha256_of(path) == record.sha256

    def carry(self, source: Copy, record: Record) -> Way | None:
        """Bring a file; None where its bytes are not those of the record."""
        if self._can_link(source.store):
            if source.store.sha256_of(source.path) != record.sha256:
                return None
            if self._store.link(f"{source.store.folder}/{source.path}", source.path):
                return Way.LINKED
        return Way.COPIED if self._copied(source, record) else None

    def _can_link(self, other: Store) -> bool:
        there, ours = Path(other.folder).stat(), Path(self._store.folder).stat()
        return there.st_dev == ours.st_dev

    def _copied(self, source: Copy, record: Record) -> bool:
        try:
            file = Path(source.store.folder, source.path).open("rb", buffering=0)  # noqa: SIM115
        except OSError:
            return False  # it went away meanwhile, or may not be read
        with file, self._store.spool() as spool:
            while chunk := _read(file):
                spool.write(chunk)
            if spool.sha256 != record.sha256:
                return False
            spool.commit(record.type)
        return True


def _read(file: FileIO) -> bytes:
    """The next bytes; none where they cannot be read: the sha256 will tell."""
    try:
        return file.read(CHUNK)
    except OSError:
        return b""
