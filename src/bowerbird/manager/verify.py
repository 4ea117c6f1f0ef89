"""Every record against its file, every file against the catalog."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import msgspec

from bowerbird.manager.here import OWN, Copy, Here, is_held_here, path_of
from bowerbird.manager.spill import Spill
from bowerbird.model import Record
from bowerbird.store import Found, Sort, Store, sha256_in
from bowerbird.store.bucket import is_bucket
from bowerbird.words import many

#: Names of orphans, left-overs and foreign files that are kept to be shown; all are counted.
SHOWN = 1_000
#: Files hashed between two looks at the pool: keeps every thread busy, and memory flat.
BATCH = 256
#: Objects of a bucket that are read at once: most of the time goes by waiting for answers.
ASKING = 32

#: Told how many files have been checked.
Tell = Callable[[int], None]


class Bad(msgspec.Struct, frozen=True):
    """A record whose file is not what it says."""

    final_url: str
    path: str
    why: str  #: missing, size, content
    folder: str = ""  #: where the path lies; "": the crawl's own folder


class Verified(msgspec.Struct, kw_only=True):
    """What a check found."""

    records: int = 0
    files: int = 0
    bytes: int = 0
    elsewhere: int = 0  #: records whose bytes lie elsewhere: not checked
    bad: list[Bad] = []  #: all records without a whole file: they are to be fetched anew
    orphans: int = 0
    left_over: int = 0
    foreign: int = 0  #: files that are none of ours; never touched
    pruned: int = 0
    mended: int = 0  #: bad records that were forgotten, to be fetched anew
    shown: list[str] = []  #: the first of the three, as `orphan images/...`
    away: dict[str, int] = {}  #: folder that is not on this machine -> records only it holds
    spoiled: list[Bad] = []  #: bad files of records that have a whole one in another folder
    removed: int = 0  #: spoiled files that were removed

    @property
    def clean(self) -> bool:
        """Whether each record has its file and each file of ours its record."""
        mended = len(self.bad) == self.mended and len(self.spoiled) == self.removed
        return mended and self.orphans + self.left_over == self.pruned

    def lines(self) -> list[str]:
        """The result for people."""
        read = f"{many(self.files, 'file')}, {many(self.bytes, 'byte')}"
        counts = f"{many(self.records, 'record')}, {read} checked"
        parts = [
            f"{len(self.bad):,} bad" if self.bad else "",
            f"{self.mended:,} to be fetched anew" if self.mended else "",
            f"{len(self.spoiled):,} bad where another is whole" if self.spoiled else "",
            f"{self.orphans:,} without a record" if self.orphans else "",
            f"{self.left_over:,} left over from interrupted writes" if self.left_over else "",
            f"{self.pruned + self.removed:,} removed" if self.pruned + self.removed else "",
            f"{self.elsewhere:,} elsewhere, not checked" if self.elsewhere else "",
            f"{self.foreign:,} not ours, left alone" if self.foreign else "",
        ]
        said = ", ".join(filter(None, parts)) or "all is well"
        bad = [*map(_shown, (*self.bad[:SHOWN], *self.spoiled[:SHOWN]))]
        return [f"{counts}: {said}.", *self._held_away(), *bad, *self.shown]

    def _held_away(self) -> Iterator[str]:
        for folder, records in self.away.items():
            known = "which is not on this machine"
            hint = "name it with --folder where it is on this machine" if folder == OWN else known
            yield f"{many(records, 'record')} in {folder}, {hint}"
        if others := self.elsewhere - sum(self.away.values()):
            told = many(others, "record")
            yield f"{told} with old-style clients, which say nothing of their files"


def verify(
    records: Callable[[], Iterable[Record]],
    here: Here,
    *,
    prune: bool = False,
    tell: Tell | None = None,
) -> Verified:
    """Check the folders of this machine against the records of their catalog. Each file is read
    once.

    Args:
        records: answers all records from the beginning; called once, or twice where files are bad.
        here: the folders.
        prune: remove orphans and what is left over from the crawl's own folder. Only while no
            worker writes there: a file is there before its record is. From others nothing is
            removed: their workers may hand in more.
        tell: told of the progress.
    """
    found = Verified()
    with Spill() as known:
        for record in records():
            _check_record(record, here, known, found)
        corrupt = set[tuple[str, str]]()
        for store in here.stores():
            checked = _Files(store, known, found, here, prune=prune and store is here.root)
            corrupt.update((store.folder, path) for path in checked.corrupt(tell or _untold))
    if corrupt:
        corrupt.difference_update((_folder(one, here), one.path) for one in found.bad)
        for record in records():
            _check_contents(record, here, corrupt, found)
    return found


def mend(found: Verified, here: Here, refetch: Callable[[Sequence[str]], int]) -> None:
    """Remove bad files, so that nothing takes them for good ones, and have those fetched anew that
    have no whole one."""
    stores = {store.folder: store for store in here.stores()}
    for one in (*found.bad, *found.spoiled):
        if one.why != "missing":
            stores[_folder(one, here)].remove(one.path)
    found.removed = len(found.spoiled)
    refetch([one.final_url for one in found.bad])
    found.mended = len(found.bad)


def doubtful(records: Iterable[Record], store: Store) -> list[Bad]:
    """Which of these records (the recent ones, after an unclean boot) are bad, by content."""
    return [bad for record in records if (bad := _doubt(record, store)) is not None]


def _doubt(record: Record, store: Store) -> Bad | None:
    path = path_of(record)
    if is_held_here(record) and store.sha256_of(path) != record.sha256:
        why = "missing" if store.size_of(path) is None else "content"
        return Bad(record.final_url, path, why)
    return None


# Records.


def _check_record(record: Record, here: Here, known: Spill, found: Verified) -> None:
    """By their size alone: contents are read file by file."""
    found.records += 1
    copies = here.copies(record)
    for copy in copies:
        known.claim(_key(*copy))
    wrong = [why for copy in copies if (why := _wrong(record, copy))]
    if len(wrong) < len(copies):
        return
    if not copies or here.away(record):
        _count_elsewhere(here.away(record), found)
    else:
        found.bad.append(_worst(record, copies, here))


def _wrong(record: Record, copy: Copy) -> str:
    """What is wrong with a file, as far as its size tells; "" for nothing."""
    size = copy.store.size_of(copy.path)
    if size is None:
        return "missing"
    return "" if size == record.bytes and sha256_in(copy.path) == record.sha256 else "size"


def _worst(record: Record, copies: list[Copy], here: Here) -> Bad:
    """A file of the wrong size rather than a missing one: it is to be removed."""
    for copy in copies:
        if (why := _wrong(record, copy)) != "missing":
            return _bad(record, copy, why, here)
    return _bad(record, copies[0], "missing", here)


def _count_elsewhere(folder: str, found: Verified) -> None:
    found.elsewhere += 1
    if folder:
        found.away[folder] = found.away.get(folder, 0) + 1


def _check_contents(
    record: Record, here: Here, corrupt: set[tuple[str, str]], found: Verified
) -> None:
    """What bad contents of a file mean for a record."""
    copies = here.copies(record)
    bad = [copy for copy in copies if (copy.store.folder, copy.path) in corrupt]
    if not bad:
        return
    whole = [copy for copy in copies if copy not in bad and not _wrong(record, copy)]
    listed = found.spoiled if whole or here.away(record) else found.bad
    listed.append(_bad(record, bad[0], "content", here))


def _bad(record: Record, copy: Copy, why: str, here: Here) -> Bad:
    folder = "" if copy.store is here.root else copy.store.folder
    return Bad(record.final_url, copy.path, why, folder)


def _folder(bad: Bad, here: Here) -> str:
    return bad.folder or here.own.folder


def _shown(bad: Bad) -> str:
    where = f"{bad.folder}/{bad.path}" if bad.folder else bad.path
    return f"bad ({bad.why}): {where} from {bad.final_url}"


# Files.


class _Files:
    """The files of one folder."""

    def __init__(
        self, store: Store, known: Spill, found: Verified, here: Here, *, prune: bool
    ) -> None:
        self._store = store
        self._known = known
        self._found = found
        self._prune = prune
        self._shared = here.is_shared(store)
        self._threads = ASKING if is_bucket(store.folder) else os.cpu_count() or 1
        self._prefix = "" if store is here.root else f"{store.folder}/"

    def corrupt(self, tell: Tell) -> set[str]:
        """Paths of objects with a record whose bytes are not those of their name."""
        corrupt = set[str]()
        files = iter(self._store.files())
        with ThreadPoolExecutor(self._threads, thread_name_prefix="verify") as pool:
            while batch := list(islice(files, BATCH)):
                wanted = list(self._sorted_out(batch))
                digests = pool.map(self._store.sha256_of, wanted)
                pairs = zip(wanted, digests, strict=True)
                corrupt.update(path for path, digest in pairs if digest != sha256_in(path))
                tell(self._found.files)
        return corrupt

    def _sorted_out(self, batch: list[Found]) -> Iterator[str]:
        """Count files; answer those that a record names."""
        for one in batch:
            if one.sort is Sort.OBJECT and _key(self._store, one.path) in self._known:
                self._found.files += 1
                self._found.bytes += one.size
                yield one.path
            elif one.sort is not Sort.TEMPORARY and not self._is_anothers(one):
                self._count_other(one)

    def _is_anothers(self, one: Found) -> bool:
        return self._shared and one.sort is Sort.OBJECT

    def _count_other(self, one: Found) -> None:
        found = self._found
        found.orphans += one.sort is Sort.OBJECT
        found.left_over += one.sort is Sort.LEFT_OVER
        found.foreign += one.sort is Sort.FOREIGN
        if len(found.shown) < SHOWN:
            found.shown.append(f"{_WORDS[one.sort]}: {self._prefix}{one.path}")
        if self._prune and one.sort is not Sort.FOREIGN:
            found.pruned += self._store.remove(one.path)


_WORDS = {Sort.OBJECT: "no record", Sort.LEFT_OVER: "left over", Sort.FOREIGN: "not ours"}


def _key(store: Store, path: str) -> str:
    return f"{store.folder}/{path}"


def _untold(_: int) -> None:
    return None
