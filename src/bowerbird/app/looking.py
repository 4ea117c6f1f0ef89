"""Looking at the files of a crawl: verify, export."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bowerbird.app.access import Access
from bowerbird.app.bucket import SPOOLS, store_at
from bowerbird.app.entries import all_entries
from bowerbird.app.visit import Say, Visit, visit
from bowerbird.errors import UsageError
from bowerbird.manager.here import Here
from bowerbird.manager.listed import Listed
from bowerbird.manager.verify import Verified
from bowerbird.store import FileStore
from bowerbird.words import many


def verify_crawl(
    path: str, access: Access | None = None, *, prune: bool = False, repair: bool = False,
    read: bool = False, folders: Sequence[Path] = (),
    tell: Callable[[int, int], None] = lambda *_: None, say: Say = lambda _: None,
) -> Verified:  # fmt: skip
    """Check the files of a crawl against its catalog. `tell(checked, of)` is told of progress,
    `say` of what the catalog lacks.

    `repair` removes bad files and has their images fetched anew, by the manager at work or else by
    the next one. `read`: read what lies in a bucket too, rather than look at sizes alone; files of
    folders are always read. `folders`: others of this crawl, as far as they are not found by
    themselves.

    Raises:
        UsageError: `prune` where files may have no record yet: while a crawl is worked at, or
            where the catalog lacks what was brought.
    """
    from bowerbird.manager.verify import mend, verify

    with visit(path, access) as crawl:
        if repair or (prune and crawl.fixed):
            crawl.require_change()
        whole = crawl.take_results(say)
        if prune:
            _require_rest(crawl, whole=whole)
        total, here = crawl.catalog.totals().records, here_of(crawl, folders, read=read)
        found = verify(
            lambda: (entry.record for entry in all_entries(crawl.catalog)), here, prune=prune,
            tell=lambda checked: tell(checked, total),
        )  # fmt: skip
        if repair and (found.bad or found.spoiled):
            mend(found, here, crawl.catalog.refetch)
            crawl.settle()
        return found


def export_crawl(
    path: str, form: str, out: Path | None, folders: Sequence[Path] = (),
    access: Access | None = None, say: Say = lambda _: None,
) -> str:  # fmt: skip
    """Write the catalog of a crawl; answers a line for people. `say`: told what it lacks."""
    from bowerbird.manager.export import export_csv, export_jsonl, output

    with visit(path, access) as crawl:
        crawl.take_results(say)
        if form == "tree":
            if out is None and crawl.afar:
                raise UsageError("Name a folder for the tree with -o.")
            _require_files(crawl, folders)
            return _export_tree(crawl, _outside(out or crawl.folder.path / "tree", crawl), folders)
        write = export_jsonl if form == "jsonl" else export_csv
        with output(out) as stream:
            count = write(all_entries(crawl.catalog), stream)
    return f"{many(count, 'record')} written to {out}." if out and str(out) != "-" else ""


def _require_rest(crawl: Visit, *, whole: bool) -> None:
    """Raises UsageError where a file may have no record yet: of what is worked at, of what the
    catalog lacks, and where workers of other machines store what they have yet to tell of."""
    if crawl.running:
        raise UsageError(f"{crawl.where} is being worked at; --prune waits until that has ended.")
    if not whole:
        raise UsageError("--prune would take files for waste whose records are missing.")
    if leased := crawl.frontier.stats().leased:
        raise UsageError(
            f"Workers had {many(leased, 'task')} when this crawl was left, whose images may lie "
            "there without a record: go on with it to its end before --prune."
        )


def _require_files(crawl: Visit, folders: Sequence[Path]) -> None:
    """Raises UsageError where there is nothing to link to."""
    if crawl.store and not folders:
        place = crawl.store.partition("?")[0]
        raise UsageError(
            f"A tree links files of this machine, and these images lie in {place}: copy "
            f"{place}/images to a folder with any S3 client, and name that with --folder."
        )


def _outside(out: Path, crawl: Visit) -> Path:
    """Raises UsageError where a tree would lie among the files that it names."""
    if not crawl.afar and out.resolve().is_relative_to((crawl.folder.path / "images").resolve()):
        raise UsageError(f"{out} is where the images themselves lie; name another folder with -o.")
    return out


def _export_tree(crawl: Visit, out: Path, folders: Sequence[Path]) -> str:
    from bowerbird.manager.tree import export_tree

    bucket = crawl.store
    here = Here(None, folders) if bucket else here_of(crawl, folders)
    tree = export_tree(all_entries(crawl.catalog), here, out)
    missing = f", {tree.missing:,} without a file here" if tree.missing else ""
    hint = " `bowerbird gather` brings those of other machines." if tree.away and not bucket else ""
    made = f"{many(tree.linked, 'name')} made in {tree.folder}"
    return f"{made}, {tree.there:,} there already{missing}.{hint}"


def here_of(crawl: Visit, folders: Iterable[Path], *, read: bool = True) -> Here:
    """The folders of this machine with the images of a crawl, or its bucket and those."""
    if not crawl.store:
        return Here(None if crawl.afar else FileStore(crawl.folder.path), folders, crawl.name)
    store = store_at(crawl.store, "" if crawl.afar else crawl.folder.path / SPOOLS)
    return Here(
        Listed(store, read=read), folders, crawl.name, shared=store.crawls() != {crawl.name}
    )
