"""Every record against its file, every file against the catalog."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import msgspec

from bowerbird.manager.spill import Spill
from bowerbird.model import Record
from bowerbird.store import Found, Sort, Store, is_object_path, sha256_in

#: Names of orphans, left-overs and foreign files that are kept to be shown; all are counted.
SHOWN = 1_000
#: Files hashed between two looks at the pool: keeps every thread busy, and memory flat.
BATCH = 256

#: Told how many files have been checked.
Tell = Callable[[int], None]


class Bad(msgspec.Struct, frozen=True):
    """A record whose file is not what it says."""

    final_url: str
    path: str
    why: str  #: missing, size, content


class Verified(msgspec.Struct, kw_only=True):
    """What a check found."""

    records: int = 0
    files: int = 0
    bytes: int = 0
    elsewhere: int = 0  #: records whose bytes lie with a worker elsewhere: not checked
    bad: list[Bad] = []  #: all of them: they are to be fetched anew
    orphans: int = 0
    left_over: int = 0
    foreign: int = 0  #: files that are none of ours; never touched
    pruned: int = 0
    mended: int = 0  #: bad records that were forgotten, to be fetched anew
    shown: list[str] = []  #: the first of the three, as `orphan images/...`

    @property
    def clean(self) -> bool:
        """Whether each record has its file and each file of ours its record."""
        return len(self.bad) == self.mended and self.orphans + self.left_over == self.pruned

    def lines(self) -> list[str]:
        """The result for people."""
        counts = f"{self.records:,} records, {self.files:,} files, {self.bytes:,} bytes checked"
        parts = [
            f"{len(self.bad):,} bad" if self.bad else "",
            f"{self.mended:,} to be fetched anew" if self.mended else "",
            f"{self.orphans:,} without a record" if self.orphans else "",
            f"{self.left_over:,} left over from interrupted writes" if self.left_over else "",
            f"{self.pruned:,} removed" if self.pruned else "",
            f"{self.elsewhere:,} elsewhere, not checked" if self.elsewhere else "",
            f"{self.foreign:,} not ours, left alone" if self.foreign else "",
        ]
        said = ", ".join(filter(None, parts)) or "all is well"
        bad = [f"bad ({one.why}): {one.path} from {one.final_url}" for one in self.bad[:SHOWN]]
        return [f"{counts}: {said}.", *bad, *self.shown]


def verify(
    records: Callable[[], Iterable[Record]],
    store: Store,
    *,
    prune: bool = False,
    tell: Tell | None = None,
) -> Verified:
    """Check a store against the records of its catalog. Each file is read once.

    Args:
        records: answers all records from the beginning; called once, or twice where files are bad.
        store: where their bytes lie.
        prune: remove orphans and what is left over. Only while no worker writes here: a file is
            there before its record is.
        tell: told of the progress.
    """
    found = Verified()
    with Spill() as known:
        for record in records():
            _check_record(record, store, known, found)
        corrupt = _check_files(store, known, found, prune=prune, tell=tell or (lambda _: None))
    if corrupt:
        corrupt.difference_update(one.path for one in found.bad)
        found.bad += [_corrupt(one) for one in records() if path_of(one) in corrupt]
    return found


def mend(found: Verified, store: Store, refetch: Callable[[Sequence[str]], int]) -> None:
    """Remove the files of bad records, so that nothing takes them for good ones, and have them
    fetched anew."""
    for one in found.bad:
        if one.why != "missing":
            store.remove(one.path)
    refetch([one.final_url for one in found.bad])
    found.mended = len(found.bad)


def doubtful(records: Iterable[Record], store: Store) -> list[Bad]:
    """Which of these records (the recent ones, after an unclean boot) are bad, by content."""
    return [bad for record in records if (bad := _doubt(record, store)) is not None]


def _doubt(record: Record, store: Store) -> Bad | None:
    path = path_of(record)
    if path and store.sha256_of(path) != record.sha256:
        why = "missing" if store.size_of(path) is None else "content"
        return Bad(record.final_url, path, why)
    return None


def path_of(record: Record) -> str:
    """Where a record's bytes lie in its store; "" where they are elsewhere."""
    return next((each.path for each in record.holders if is_object_path(each.path)), "")


def _check_record(record: Record, store: Store, known: Spill, found: Verified) -> None:
    found.records += 1
    path = path_of(record)
    if not path:
        found.elsewhere += 1
        return
    known.claim(path)
    size = store.size_of(path)
    if size is None:
        found.bad.append(Bad(record.final_url, path, "missing"))
    elif size != record.bytes or sha256_in(path) != record.sha256:
        found.bad.append(Bad(record.final_url, path, "size"))


def _check_files(
    store: Store, known: Spill, found: Verified, *, prune: bool, tell: Tell
) -> set[str]:
    """Paths of objects with a record whose bytes are not those of their name."""
    corrupt = set[str]()
    files = iter(store.files())
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="verify") as pool:
        while batch := list(islice(files, BATCH)):
            wanted = list(_sorted_out(batch, store, known, found, prune=prune))
            digests = pool.map(store.sha256_of, wanted)
            corrupt.update(
                path for path, digest in zip(wanted, digests, strict=True) if _differs(path, digest)
            )
            tell(found.files)
    return corrupt


def _differs(path: str, digest: str | None) -> bool:
    return digest != sha256_in(path)


def _sorted_out(
    batch: list[Found], store: Store, known: Spill, found: Verified, *, prune: bool
) -> Iterator[str]:
    """Count files; answer those that a record names."""
    for one in batch:
        if one.sort is Sort.OBJECT and one.path in known:
            found.files += 1
            found.bytes += one.size
            yield one.path
        elif one.sort is not Sort.TEMPORARY:
            _count_other(one, found)
            if prune and one.sort is not Sort.FOREIGN:
                found.pruned += store.remove(one.path)


def _count_other(one: Found, found: Verified) -> None:
    found.orphans += one.sort is Sort.OBJECT
    found.left_over += one.sort is Sort.LEFT_OVER
    found.foreign += one.sort is Sort.FOREIGN
    if len(found.shown) < SHOWN:
        found.shown.append(f"{_WORDS[one.sort]}: {one.path}")


_WORDS = {Sort.OBJECT: "no record", Sort.LEFT_OVER: "left over", Sort.FOREIGN: "not ours"}


def _corrupt(record: Record) -> Bad:
    return Bad(record.final_url, path_of(record), "content")
